"""Every task of a suite again: in this process as one Prefect task run, on a cluster in batches of tasks."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import prefect

from flows.batches import split
from flows.checking import add_to, check_here
from flows.engines.retrying import has_other_reasons
from flows.engines.worker import ready_for
from flows.place import Place
from flows.progress import Tally
from flows.showing import shown_on_server
from tasks.revalidate import TaskCheck, validate_suite
from tasks.suite import open_suite


@prefect.flow(name="validate", flow_run_name="validate {suite.name}")
def validate_flow(suite: Path, place: Place) -> list[TaskCheck]:
    """What `gristmill validate --engine …` runs; results in the suite's order."""
    return checks_of(suite, place)


def checks_of(suite: Path, place: Place) -> list[TaskCheck]:
    """Inside of a flow: check every task where `place.engine` says; results in the suite's order."""
    return check(suite, place) if place.cluster().is_local else _check_on_cluster(suite, place)


@prefect.task(name="validate", persist_result=True)
def check(suite: Path, place: Place) -> list[TaskCheck]:
    """Changes nothing, so a killed one is done again from its start."""
    return check_here(suite, place, showing=partial(shown_on_server, key="tasks"))


@prefect.task(
    name="validations",
    task_run_name="validations {part}",
    retries=2,
    retry_delay_seconds=[2, 10],
    retry_condition_fn=has_other_reasons,
)
def check_batch(
    task_ids: Sequence[str], suite: Path, suite_hash: str, place: Place, jobs: int, part: str
) -> list[TaskCheck]:
    """Some tasks of a suite, on a worker. What they share with others is searched for their own answers alone."""
    opened = ready_for(place, suite, suite_hash, task_ids, has_store=False)
    return asyncio.run(validate_suite(opened, place.open_backend(), jobs=jobs, task_ids=task_ids))


def _check_on_cluster(suite: Path, place: Place) -> list[TaskCheck]:
    from flows.engines.cluster import connected, results

    engine, place = place.cluster(), place.absolute()
    opened = open_suite(suite, cache=place.cache)
    task_ids, suite_hash = opened.task_ids(), opened.manifest.hash
    tally = Tally("validate", total=len(task_ids))

    def count(checks: list[TaskCheck]) -> None:
        for each in checks:
            add_to(tally, each)

    with shown_on_server(tally, key="tasks"), connected(engine, jobs=place.jobs) as cluster:
        parts = list(split(len(task_ids), place.jobs, slots=(cluster.slots, cluster.jobs)))
        futures = [
            cluster.submit(
                check_batch,
                task_ids=task_ids[part],
                suite=opened.folder,
                suite_hash=suite_hash,
                place=place,
                jobs=cluster.jobs,
                part=f"{number} of {len(parts)}",
            )
            for number, part in enumerate(parts, start=1)
        ]
        return [each for checks in results(futures, engine, on_result=count) for each in checks]
