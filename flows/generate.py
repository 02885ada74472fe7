"""The generate flow: source → candidates → validated tasks in a suite; or templates → instances; a table of yield."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import prefect
from prefect.artifacts import create_table_artifact

from flows.drain import Drain
from flows.models import lm_config, resolve, serving
from flows.place import Place
from flows.progress import Tally
from flows.requests import GenerateRequest
from flows.showing import shown_on_server
from flows.templates import load_groups
from tasks.generate import GenerateResult, Progress, generate
from tasks.lm import LmConfig
from tasks.repository import Repository, prepare_repository
from tasks.source import fetch_source
from tasks.templates import Template
from tasks.templates.generate import TemplatesResult, generate_templates
from tasks.templates.lock import only_writer

if TYPE_CHECKING:
    from flows.deciding import DecidedOnCluster
    from flows.engines.cluster import Cluster


@prefect.task(name="fetch source", retries=3, retry_delay_seconds=[2, 10, 30], persist_result=True)
def fetch(spec: str, place: Place) -> str:
    """Take the snapshot; returns its hash. The index may be down for a moment: tried again."""
    return fetch_source(spec, cache=place.cache).hash


@prefect.task(name="generate tasks", persist_result=True)
def make(request: GenerateRequest, place: Place) -> GenerateResult:
    """Candidates to tasks. Killed and started again it goes on where it was: finished candidates are journaled."""
    drain = place.drain()
    groups = None if request.source else list(load_groups(request).values())
    tally = Tally("generate", total=request.n * len(groups or [None]))
    on_progress = _counting(tally, drain)
    with shown_on_server(tally, key="tasks"):
        if groups is not None:
            return drain.run("candidates", lambda: _make_of_templates(groups, request, place, on_progress))
        return _make_of_source(request, place, drain, on_progress)


def _make_of_source(
    request: GenerateRequest, place: Place, drain: Drain, on_progress: Callable[[Progress], None]
) -> GenerateResult:
    with serving([request.model]) as endpoints:
        model = resolve(request.model, endpoints) if request.model else None
        share = place.model_limits.get(request.model)
        lm = lm_config(model, seed=request.seed, cache=place.cache, at_once=share) if model else None
        if place.cluster().is_local:
            return drain.run("candidates", lambda: _make(request, place, lm, on_progress))
        from flows.engines.cluster import connected

        with connected(place.cluster(), jobs=place.jobs) as cluster:
            return drain.run("candidates", lambda: _make(request, place, lm, on_progress, cluster))


async def _make(
    request: GenerateRequest,
    place: Place,
    lm: LmConfig | None,
    on_progress: Callable[[Progress], None],
    cluster: "Cluster | None" = None,
) -> GenerateResult:
    backend = place.open_backend()
    await backend.sweep()
    source = fetch_source(request.source, cache=place.cache)
    repository = await prepare_repository(source, backend, cache=place.cache)
    deciding = _deciding(repository, place, cluster) if cluster else nullcontext()
    with only_writer(request.out):
        async with deciding as decider:
            return await generate(
                repository,
                backend,
                out=request.out,
                n=request.n,
                seed=request.seed,
                generators=request.generators or None,
                lm=lm,
                contamination=request.contamination,
                cache=place.cache,
                jobs=place.jobs,
                on_progress=on_progress,
                decide_elsewhere=decider.decide if decider else None,
            )


def _deciding(repository: Repository, place: Place, cluster: "Cluster") -> "DecidedOnCluster":
    from flows.deciding import DecidedOnCluster

    return DecidedOnCluster(cluster, repository, place)


async def _make_of_templates(
    groups: list[list[Template]], request: GenerateRequest, place: Place, on_progress: Callable[[Progress], None]
) -> TemplatesResult:
    backend = place.open_backend()
    await backend.sweep()
    return await generate_templates(
        groups,
        backend,
        out=request.out,
        n=request.n,
        seed=request.seed,
        phrasing=request.phrasing,
        cache=place.cache,
        jobs=place.jobs,
        on_progress=on_progress,
    )


def _counting(tally: Tally, drain: Drain) -> Callable[[Progress], None]:
    """Called after each candidate, whose decision is in the journal by then: there a drain ends the work."""

    def on_progress(progress: Progress) -> None:
        while tally.done < progress.accepted:
            tally.add("task")
        if tally.done < tally.total:  # after the last one the suite is finished
            drain.check()

    return on_progress


@prefect.flow(name="generate", flow_run_name="generate {request.origin}", persist_result=True)
def generate_flow(request: GenerateRequest, place: Place) -> GenerateResult:
    """Make the suite. Raises BadSource where the source cannot be used."""
    if request.source:
        fetch(request.source, place)
    result = make(request, place)
    create_table_artifact(
        key="yield",
        table=[row.model_dump(mode="json") for row in result.yields],
        description=f"Yield a generator on {request.origin}",
    )
    return result
