"""The export flow: verified trajectories → files for one trainer."""

import prefect
from prefect.artifacts import create_table_artifact

from flows.place import Place
from flows.requests import ExportRequest
from trajectories.exports import ExportManifest, export
from trajectories.exports.push import hub_token, push


@prefect.task(name="export", persist_result=True)
def write(request: ExportRequest, place: Place) -> ExportManifest:
    """Write the files; a killed export leaves none of them, so it is simply done again."""
    with place.open_store() as store:
        return export(
            store,
            to=request.to,
            out=request.out,
            where=request.where,
            dataset=request.dataset,
            include_failures=request.include_failures,
            include_privileged=request.include_privileged,
            include_findings=request.include_findings,
            include_marked=request.include_marked,
            attempts=request.attempts,
            calls=request.calls,
            tokenizer=request.tokenizer,
            only=request.only,
            split_by=request.split_by,
            test_share=request.test_share,
            seed=request.seed,
            overwrite=request.overwrite,
        )


@prefect.task(name="push", persist_result=True)
def upload(request: ExportRequest) -> str:
    """One commit on the hub; the token is found where it is used, and never stored with the request."""
    return push(request.out, request.push, token=hub_token(request.push), is_public=request.public)


@prefect.flow(name="export", flow_run_name="export {request.to}", persist_result=True)
def export_flow(request: ExportRequest, place: Place) -> ExportManifest:
    """Export, push it where that is asked for, and keep the counts as an artifact of the run."""
    if request.push:
        hub_token(request.push)  # a missing one is told before hours of writing
    manifest = write(request, place)
    create_table_artifact(
        key="export",
        table=[{"file": name, **entry.model_dump(mode="json")} for name, entry in manifest.files.items()],
        description=f"{request.to} export in {request.out}",
    )
    return manifest.model_copy(update={"pushed": upload(request)}) if request.push else manifest
