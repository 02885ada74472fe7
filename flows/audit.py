"""The audit flow: can tasks be solved without the work? Findings go to the store and to the suite's folder."""

import asyncio

import prefect
from prefect.artifacts import create_table_artifact

from flows.auditing import AuditReport, audit_suite, keep
from flows.place import Place
from flows.progress import Tally
from flows.requests import AuditRequest
from flows.rollout import register
from flows.showing import shown_on_server
from tasks.contamination import load_contamination
from tasks.suite import open_suite, prepare_suite, write_subset


@prefect.task(name="audit", persist_result=True)
def audit(request: AuditRequest, place: Place) -> AuditReport:
    """Audit and keep what was found. A killed audit is done again from its start: it changes nothing on its way."""
    backend = place.open_backend()
    suite = open_suite(request.suite, cache=place.cache)
    against = [open_suite(folder, cache=place.cache) for folder in request.against]
    contamination = load_contamination(request.contamination) if request.contamination is not None else None
    asyncio.run(backend.sweep())
    asyncio.run(prepare_suite(suite, backend, cache=place.cache))
    tally = Tally("audit", total=len(request.tasks or suite.task_ids()))
    with shown_on_server(tally, key="tasks"):
        report = asyncio.run(
            audit_suite(
                suite,
                backend,
                jobs=place.jobs,
                checks=request.checks,
                task_ids=request.tasks,
                contamination=contamination,
                against=against,
                on_progress=lambda task: tally.add("found" if task.findings else "clean"),
            )
        )
    with place.open_store() as store:
        register(suite, store)
        keep(report, suite, store)
    if request.out is not None:
        clean = [task.task_id for task in report.tasks if not task.findings]
        write_subset(suite, clean, request.out)
    return report


@prefect.flow(name="audit", flow_run_name="audit {request.suite.name}", persist_result=True)
def audit_flow(request: AuditRequest, place: Place) -> AuditReport:
    """Audit a suite, and keep the findings as an artifact of the run."""
    report = audit(request, place)
    create_table_artifact(
        key="findings",
        table=[finding.model_dump(mode="json") for finding in report.findings],
        description=f"Findings in {request.suite.name}",
    )
    return report
