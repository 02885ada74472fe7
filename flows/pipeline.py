"""The whole way, stage by stage; each stage resumes by itself, so a killed run is started again as it was."""

import prefect
from pydantic import BaseModel, ConfigDict

from flows.audit import audit_flow
from flows.auditing import AuditReport
from flows.export import export_flow
from flows.generate import generate_flow
from flows.place import Place
from flows.requests import AuditRequest, PipelineRequest, RolloutRequest
from flows.rollout import RolloutSummary, rollout_flow
from tasks.generate import GenerateResult
from trajectories.exports import ExportManifest


class PipelineSummary(BaseModel):
    """What each stage gave."""

    model_config = ConfigDict(frozen=True)

    generated: GenerateResult
    audited: AuditReport | None
    rolled_out: RolloutSummary | None
    exported: tuple[ExportManifest, ...]


@prefect.flow(name="pipeline", flow_run_name="pipeline {request.generate.origin}", persist_result=True)
def pipeline_flow(request: PipelineRequest, place: Place) -> PipelineSummary:
    """Generate, audit if asked for, roll out, export."""
    generated = generate_flow(request.generate, place)
    suite = request.generate.out
    audited = audit_flow(AuditRequest(suite=suite), place) if request.audit else None
    rolled_out = None
    if request.rollout:
        rolled_out = rollout_flow(RolloutRequest(suite=suite, agents=request.rollout), place)
    # The pipeline's own folders: written again by the same pipeline started again (never what no export wrote).
    exported = tuple(export_flow(export.model_copy(update={"overwrite": True}), place) for export in request.export)
    return PipelineSummary(generated=generated, audited=audited, rolled_out=rolled_out, exported=exported)
