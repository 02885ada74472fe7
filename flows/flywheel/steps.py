"""The steps of a round, each resumable by itself: what is finished is found in the store or in the round's folder."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import prefect

from agents.training.options import TrainingOptions, TrainingRequest, TrainingResult
from agents.training.prompts import PromptCheck, check_prompts
from agents.training.train import dequantised, train
from flows.errors import FlowFault
from flows.export import export_flow
from flows.flywheel.layout import Folder
from flows.flywheel.request import FlywheelRequest, Stage
from flows.flywheel.serving import base_weights
from flows.generate import generate_flow
from flows.place import Place
from flows.progress import Tally
from flows.requests import AgentRequest, ExportRequest, RolloutRequest
from flows.rollout import rollout_flow
from tasks.suite import open_suite
from trajectories.datasets import create_dataset, find_dataset
from trajectories.errors import BadDataset
from trajectories.selection import Recipe
from trajectories.selection.recipe import Step
from trajectories.store import Store

HELD_OUT_SEED = 1_000_003  # training suites draw with other seeds; what is drawn twice all the same is left out


def stage_of(request: FlywheelRequest, name: str) -> Stage:
    return next(stage for stage in request.stages if stage.name == name)


def held_out(request: FlywheelRequest, stage: str, place: Place) -> list[str]:
    """The stage's held-out tasks, made at the first need."""
    out = Folder(request.folder).held_out(stage)
    wanted = stage_of(request, stage).generate(out, n=request.held_out, seed=HELD_OUT_SEED + request.seed)
    generate_flow(wanted, place)
    return _some_tasks(out, place)


def new_tasks(request: FlywheelRequest, number: int, stage: str, place: Place) -> list[str]:
    """A round's new training tasks: never one that is held out."""
    out = Folder(request.folder).suite(number)
    generate_flow(stage_of(request, stage).generate(out, n=request.n, seed=request.seed + number), place)
    kept_back = set(open_suite(Folder(request.folder).held_out(stage), cache=place.cache).task_ids())
    return [task for task in _some_tasks(out, place) if task not in kept_back]


def _some_tasks(suite: Path, place: Place) -> list[str]:
    tasks = open_suite(suite, cache=place.cache).task_ids()
    if not tasks:
        raise FlowFault(f"{suite}: no task was made; see {suite / 'rejections.jsonl'}")
    return tasks


def roll_out(suite: Path, tasks: Iterable[str], agent: AgentRequest, place: Place) -> dict[str, bool]:
    """Task -> whether the agent solved it in one of its attempts; outcomes that are unknown are left out."""
    chosen = tuple(tasks)
    if not chosen:
        return {}
    rollout_flow(RolloutRequest(suite=suite, agents=(agent,), tasks=chosen), place)
    return _solved(suite, chosen, agent, place)


def _solved(suite: Path, tasks: Iterable[str], agent: AgentRequest, place: Place) -> dict[str, bool]:
    suite_hash = open_suite(suite, cache=place.cache).manifest.hash
    where = f"suite = '{suite_hash}' and agent = '{agent.agent}' and model = '{agent.model}' and unknown = false"
    wanted = set(tasks)
    solved: dict[str, bool] = {}
    with place.open_store() as store:
        for row in store.rollouts(where):
            if row.task_id in wanted:
                solved[row.task_id] = solved.get(row.task_id, False) or row.reward >= 1
    return solved


def evaluate(request: FlywheelRequest, stage: str, model: str, place: Place) -> dict[str, bool]:
    """Held-out task -> solved, one attempt each."""
    tasks = held_out(request, stage, place)
    agent = request.student_request.model_copy(update={"model": model})
    return roll_out(Folder(request.folder).held_out(stage), tasks, agent, place)


def outcomes(request: FlywheelRequest, stage: str, model: str, place: Place) -> dict[str, bool]:
    """What an evaluation before left in the store."""
    suite = Folder(request.folder).held_out(stage)
    agent = request.student_request.model_copy(update={"model": model})
    return _solved(suite, open_suite(suite, cache=place.cache).task_ids(), agent, place)


def select_rows(
    request: FlywheelRequest,
    number: int,
    suites: Mapping[Path, Iterable[str]],
    student: str,
    base: Path,
    place: Place,
) -> list[Path]:
    """Freeze the round's verified successes as a dataset, and some of earlier ones; export both as `tokens` rows.

    Raises BadDataset where nothing was solved.
    """
    folder = Folder(request.folder)
    tasks = {
        open_suite(suite, cache=place.cache).manifest.hash: sorted(chosen) for suite, chosen in suites.items() if chosen
    }
    where = f"({_any_of(tasks)}) and ({_by_whom(request, student)}) and {HONEST}"
    name = f"{request.name}-{number}"
    with place.open_store() as store:
        dataset = create_dataset(store, name, where=where, recipe=request.recipe, seed=request.seed)
        replayed = _replayed(request, number, dataset.rows, store)
    files = _export(dataset.reference, folder.rows(number), base, request, place)
    if replayed:
        files += _export(replayed, folder.replayed(number), base, request, place)
    return files


HONEST = "reward >= 1 and unknown = false and privileged = false and attempts = 0"


def _any_of(tasks: Mapping[str, list[str]]) -> str:
    parts = []
    for suite, chosen in tasks.items():
        names = ", ".join(f"'{task}'" for task in chosen)
        parts.append(f"(suite = '{suite}' and task in ({names}))")
    return " or ".join(parts)


def _by_whom(request: FlywheelRequest, student: str) -> str:
    found = [f"(agent = '{request.student.agent}' and model = '{student}')"]
    if teacher := request.teacher:
        found.append(f"(agent = '{teacher.agent}' and model = '{teacher.model}')")
    return " or ".join(found)


def _replayed(request: FlywheelRequest, number: int, new: int, store: Store) -> str:
    """A dataset of rows of earlier rounds (experience replay; Rolnick et al., 2019); '' where none is wanted."""
    wanted = round(new * request.replay)
    if not wanted or number == 1:
        return ""
    earlier = [find_dataset(store, f"{request.name}-{before}") for before in range(1, number)]
    where = " or ".join(f"({dataset.where})" for dataset in earlier)
    recipe = Recipe(steps=(Step(name="sample", options={"n": wanted}),))
    try:
        made = create_dataset(store, f"{request.name}-{number}-replayed", where=where, recipe=recipe, seed=request.seed)
    except BadDataset:
        return ""
    return made.reference


def _export(dataset: str, out: Path, base: Path, request: FlywheelRequest, place: Place) -> list[Path]:
    """The Parquet files, several where there are many rows."""
    manifest = export_flow(
        ExportRequest(
            to="tokens",
            out=out,
            dataset=dataset,
            calls="json",
            tokenizer=base,
            split_by="task",
            test_share=0.0,
            seed=request.seed,
            overwrite=True,
        ),
        place,
    )
    return [out / name for name in manifest.files if name.startswith("train") and name.endswith(".parquet")]


@prefect.task(name="dequantise", persist_result=True)
def prepare(request: FlywheelRequest, place: Place) -> Path:
    """The base's weights and tokenizer for training and export, from the cache once it was made."""
    return dequantised(base_weights(request), place.cache)


@prefect.task(name="train", task_run_name="train {number}", persist_result=True)
def fit(number: int, rows: list[Path], start: Path, base: Path, out: Path, options: TrainingOptions) -> TrainingResult:
    """Train, in a process of its own; a killed training is done again, a finished one is not."""
    tally: list[Tally] = []

    def on_progress(step: int, steps: int, loss: float) -> None:
        if not tally:
            tally.append(Tally(f"train {number}", total=steps))
        while tally[0].done < step:
            tally[0].add("step")

    return train(
        TrainingRequest(rows=tuple(rows), start=start, base=base, out=out, options=options), on_progress=on_progress
    )


def prompts_of(model: str, request: FlywheelRequest, base: Path, place: Place) -> PromptCheck | None:
    """Whether what the served model was asked by is what its rows hold. Raises FlowFault where it is not."""
    from agents.training.errors import TrainingFault
    from trajectories.exports.tokens import load_tokenizer

    where = f"model = '{model}' and agent = '{request.student.agent}'"
    check = partial(check_prompts, where=where, tokenizer=load_tokenizer(base), calls="json")
    with place.open_store() as store:
        try:
            found = check(store)
        except TrainingFault:
            return None  # a server that does not tell its prompts
    if found.differing:
        raise FlowFault(
            f"{found.differing} of {found.compared} prompts differ from the rows that are trained on "
            f"({found.first_difference}); the teacher's `system` must be the student's"
        )
    return found
