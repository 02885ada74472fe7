"""The generate flow: source → candidates → validated tasks in a suite; or templates → instances; a table of yield."""

import asyncio
from collections.abc import Callable

import prefect
from prefect.artifacts import create_table_artifact

from flows.models import lm_config, resolve, serving
from flows.place import Place
from flows.progress import Tally
from flows.requests import GenerateRequest
from flows.templates import load_groups
from tasks.generate import GenerateResult, Progress, generate
from tasks.lm import LmConfig
from tasks.repository import prepare_repository
from tasks.source import fetch_source
from tasks.templates.generate import TemplatesResult, generate_templates
from tasks.templates.lock import only_writer


@prefect.task(name="fetch source", retries=3, retry_delay_seconds=[2, 10, 30], persist_result=True)
def fetch(spec: str, place: Place) -> str:
    """Take the snapshot; returns its hash. The index may be down for a moment: tried again."""
    return fetch_source(spec, cache=place.cache).hash


@prefect.task(name="generate tasks", persist_result=True)
def make(request: GenerateRequest, place: Place) -> GenerateResult:
    """Candidates to tasks. Killed and started again it goes on where it was: finished candidates are journaled."""
    if not request.source:
        return asyncio.run(_make_of_templates(request, place))
    with serving([request.model]) as endpoints:
        model = resolve(request.model, endpoints) if request.model else None
        lm = lm_config(model, seed=request.seed, cache=place.cache) if model else None
        return asyncio.run(_make(request, place, lm))


async def _make(request: GenerateRequest, place: Place, lm: LmConfig | None) -> GenerateResult:
    backend = place.open_backend()
    await backend.sweep()
    source = fetch_source(request.source, cache=place.cache)
    repository = await prepare_repository(source, backend, cache=place.cache)
    with only_writer(request.out):
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
            on_progress=_counting(request.n),
        )


async def _make_of_templates(request: GenerateRequest, place: Place) -> TemplatesResult:
    groups = list(load_groups(request).values())
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
        on_progress=_counting(request.n * len(groups)),
    )


def _counting(total: int) -> Callable[[Progress], None]:
    tally = Tally("generate", total=total)

    def on_progress(progress: Progress) -> None:
        while tally.done < progress.accepted:
            tally.add("task")

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
