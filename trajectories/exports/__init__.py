"""Exports: a selection of trajectories as files for one trainer, whole or not at all."""

import hashlib
import json
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import col

from trajectories.datasets import Dataset, dataset_rollouts, find_dataset
from trajectories.errors import BadExport
from trajectories.exports.exporter import NEGATIVE, Calls, Example, Exporter, Made, Skipped, example_of
from trajectories.exports.formats import export_names, get_exporter
from trajectories.exports.tokens import TokenRows, load_tokenizer, tokens_of
from trajectories.exports.writer import FileEntry, SplitWriter
from trajectories.filter import parse_filter
from trajectories.store import PAGE, Store
from trajectories.tables import RolloutRow

__all__ = ["Calls", "ExportManifest", "WithAttempts", "export", "export_names"]

MANIFEST = "manifest.json"

WithAttempts = Literal["exclude", "include", "only"]


class ExportManifest(BaseModel):
    """`manifest.json`: what is in the folder and how it was chosen. The same store and seed give the same bytes."""

    model_config = ConfigDict(frozen=True)

    format: str
    gristmill: str
    files: dict[str, FileEntry]
    filters: dict[str, object]
    split: str = Field(description="how train and test were told apart")
    rollouts: int = Field(description="rows; most forms have one a rollout")
    skipped: dict[str, list[str]] = Field(description="reason -> rollouts that were chosen but cannot be rendered")
    left_out: dict[str, int] = Field(
        default_factory=dict,
        description="rollouts that the other filters chose: with `attempts`, of tasks with `findings`, with `marks` "
        "of people (bad); a rollout with several counts several times",
    )
    repositories: dict[str, int]
    licenses: dict[str, int]
    suites: dict[str, int]
    agents: dict[str, int]


def export(
    store: Store,
    *,
    to: str,
    out: Path,
    where: str = "",
    include_failures: bool = False,
    include_privileged: bool = False,
    include_findings: bool = False,
    include_marked: bool = False,
    attempts: WithAttempts = "exclude",
    calls: Calls = "native",
    tokenizer: Path | None = None,
    dataset: str = "",
    split_by: str = "repository",
    test_share: float = 0.1,
    seed: int = 0,
    overwrite: bool = False,
    only: Literal["", "jsonl", "parquet"] = "",
) -> ExportManifest:
    """Write train and test files, a manifest and a card to `out`, and keep the export in the store.

    Only verified successes (reward 1, outcome known) of agents that were not given the reference, unless asked;
    without those that tried to cheat (`attempts`) and those on tasks in which an audit found a fault
    (`include_findings`) and what people marked bad, tasks and rollouts (`include_marked`). `attempts="only"` writes the
    successes that tried to cheat, as negatives: each row has `label` (false) and `attempts` (their kinds). Exports that
    differ only in these two are split alike.
    Forms that compare or score rollouts take failures too. `calls="json"`: tool calls as JSON text, for models whose
    chat template knows no tools. `tokenizer` (a folder or GGUF file): every row is rendered with it, and left out, with
    the reason, where what would be trained is not exactly what the agent said. `dataset` (NAME or NAME@VERSION): its
    rollouts alone, in their order; the filters hold all the same. The folder appears whole, by a rename.
    `only`: JSONL or Parquet alone, in place of both.
    Raises BadExport, BadFilter, BadDataset, CorruptBlob.
    """
    exporter = get_exporter(to)
    reading = load_tokenizer(tokenizer) if tokenizer is not None else None
    if isinstance(exporter, TokenRows):
        exporter.tokenizer = reading
    _remove_stale(out)
    _refuse_occupied(out, overwrite)
    if calls not in get_args(Calls):
        raise BadExport(f"calls {calls!r}: use {', '.join(get_args(Calls))}")
    frozen = find_dataset(store, dataset) if dataset else None
    chosen = _filter(where, include_failures or exporter.wants_failures, include_privileged)
    wanted = chosen + _without(attempts, include_findings, include_marked)
    # From all that was chosen, so that no repository is in the train file of the negatives and in the test file here.
    is_test, split = _split(store.repositories(chosen), split_by, test_share, seed)
    marks = NEGATIVE if attempts == "only" else []
    partial = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    partial.mkdir(parents=True)
    skipped: dict[str, list[str]] = {}
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("repositories", "licenses", "suites", "agents")}
    try:
        with ExitStack() as stack:
            train = stack.enter_context(SplitWriter(partial, "train", exporter, marks, only))
            test = stack.enter_context(SplitWriter(partial, "test", exporter, marks, only))
            for made in _made(_groups(store, wanted, exporter, frozen), store, exporter, calls, reading):
                if isinstance(made, Skipped):
                    skipped.setdefault(made.reason, []).append(made.row.id)
                    continue
                row = made.of[0]
                (test if is_test(row) else train).add({**made.row, **_origin(store, row, with_attempts=bool(marks))})
                for name, value in zip(
                    counts, (row.repository, row.license or "unknown", row.suite_hash, row.agent), strict=True
                ):
                    counts[name][value] += 1
            files = {**train.close(), **test.close()}
        manifest = ExportManifest(
            format=to,
            gristmill=version("gristmill"),
            files=files,
            filters={
                "where": where,
                "dataset": frozen.reference if frozen else "",
                "include_failures": include_failures,
                "include_privileged": include_privileged,
                "include_findings": include_findings,
                "include_marked": include_marked,
                "attempts": attempts,
                "calls": calls,
                "tokenizer": str(tokenizer) if tokenizer else "",
                "seed": seed,
            },
            split=split,
            rollouts=train.rows + test.rows,
            skipped=dict(sorted(skipped.items())),
            left_out=_left_out(store, chosen, attempts, include_findings, include_marked),
            **{name: dict(sorted(counter.items())) for name, counter in counts.items()},
        )
        (partial / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
        (partial / "README.md").write_text(_card(manifest))
        for name, text in exporter.beside(list(files)).items():
            (partial / name).write_text(text)
        _put_in_place(partial, out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    store.record_export(
        format=to,
        out=str(out.absolute()),
        rows=manifest.rollouts,
        created_at=datetime.now(UTC),
        manifest=manifest.model_dump(mode="json"),
    )
    return manifest


def _groups(store: Store, wanted: str, exporter: Exporter, frozen: Dataset | None) -> Iterator[list[RolloutRow]]:
    """Task by task, so that rows can be made of several rollouts of one; of a dataset in its order where none is."""
    if frozen is None:
        yield from store.rollouts_by_task(wanted)
        return
    rows = _accepted(store, dataset_rollouts(store, frozen), wanted)
    if not exporter.wants_failures:
        yield from ([row] for row in rows)
        return
    tasks: dict[tuple[str, str], list[RolloutRow]] = {}
    for row in rows:
        tasks.setdefault((row.suite_hash, row.task_id), []).append(row)
    yield from tasks.values()


def _accepted(store: Store, rows: Iterator[RolloutRow], wanted: str) -> Iterator[RolloutRow]:
    """Those that the filter accepts, in their order; a page in memory."""
    while page := list(islice(rows, PAGE)):
        with store.reading() as session:
            query = select(col(RolloutRow.id)).where(
                parse_filter(wanted), col(RolloutRow.id).in_([row.id for row in page])
            )
            accepted = set(session.scalars(query))
        yield from (row for row in page if row.id in accepted)


def _made(
    groups: Iterator[list[RolloutRow]], store: Store, exporter: Exporter, calls: Calls, tokenizer: Any
) -> Iterator[Made | Skipped]:
    """A body is read when it is asked for."""

    def load(row: RolloutRow) -> Example:
        example = example_of(store.body_text(row), calls)
        if tokenizer is not None and exporter.name != TokenRows.name:
            tokens_of(example, tokenizer)  # raises where it cannot be trained on as it is
        return example

    for of_task in groups:
        yield from exporter.rows(of_task, load)


def _origin(store: Store, row: RolloutRow, *, with_attempts: bool) -> dict[str, object]:
    """Where a row comes from; of negatives, their label and the kinds of attempts."""
    origin: dict[str, object] = {
        "rollout_id": row.id,
        "task_id": row.task_id,
        "repository": row.repository,
        "license": row.license,
    }
    if with_attempts:
        origin |= {"label": False, "attempts": sorted({attempt.kind for attempt in store.attempts(row.id)})}
    return origin


def _filter(where: str, include_failures: bool, include_privileged: bool) -> str:
    """The user's expression, and what is left out unless asked for."""
    parts = [f"({where})"] if where.strip() else []
    parts.append("unknown = false")
    if not include_failures:
        parts.append("reward >= 1")
    if not include_privileged:
        parts.append("privileged = false")
    return " and ".join(parts)


MARKED = "(task_mark = 'bad' or label = 'bad')"


def _without(attempts: WithAttempts, include_findings: bool, include_marked: bool) -> str:
    """What is added to the filter for rollouts that tried to cheat, for tasks that can be cheated, and for marks."""
    rules = {"exclude": " and attempts = 0", "include": "", "only": " and attempts > 0"}
    if attempts not in rules:
        raise BadExport(f"attempts {attempts!r}: use {', '.join(get_args(WithAttempts))}")
    findings = "" if include_findings else " and findings = 0"
    return rules[attempts] + findings + ("" if include_marked else f" and not {MARKED}")


def _left_out(
    store: Store, chosen: str, attempts: WithAttempts, include_findings: bool, include_marked: bool
) -> dict[str, int]:
    return {
        "attempts": store.count(f"{chosen} and attempts > 0") if attempts == "exclude" else 0,
        "findings": 0 if include_findings else store.count(f"{chosen} and findings > 0"),
        "marks": 0 if include_marked else store.count(f"{chosen} and {MARKED}"),
    }


def _split(repositories: list[str], by: str, test_share: float, seed: int) -> tuple[Callable[[RolloutRow], bool], str]:
    """Which rows are for the test, and the sentence that says so. A task is never in both."""
    if by not in ("repository", "task"):
        raise BadExport(f"split_by {by!r}: use repository or task")
    if by == "task":
        return (
            lambda row: _fraction(seed, row.task_id) < test_share
        ), f"by task: a hash of seed and task id below {test_share}"
    names = sorted(repositories, key=lambda name: _fraction(seed, name))
    if len(names) < 2 or test_share == 0:
        return (lambda row: False), "by repository: there are fewer than two, so every row is for training"
    test = set(names[: max(1, round(test_share * len(names)))])
    return (lambda row: row.repository in test), f"by repository; test: {', '.join(sorted(test))}"


def _fraction(seed: int, name: str) -> float:
    """A number in [0, 1) that depends on nothing but seed and name."""
    return int.from_bytes(hashlib.sha256(f"{seed}\x00{name}".encode()).digest()[:8], "big") / 2**64


def _refuse_occupied(out: Path, overwrite: bool) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise BadExport(f"--out {out}: is a file; give a folder")
    if not any(out.iterdir()):
        return
    if not (out / MANIFEST).exists():
        raise BadExport(f"--out {out}: is a folder that no export wrote; give another one")
    if not overwrite:
        raise BadExport(f"--out {out}: an export is there; give another folder, or --overwrite")


def _remove_stale(out: Path) -> None:
    """What a killed export of the same folder left behind; a folder that it had only set aside comes back."""
    for stale in out.parent.glob(f".{out.name}.*.partial"):
        shutil.rmtree(stale)
    for replaced in out.parent.glob(f".{out.name}.*.replaced"):
        if out.exists():
            shutil.rmtree(replaced)
        else:
            replaced.rename(out)


def _put_in_place(partial: Path, out: Path) -> None:
    for path in partial.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    if out.exists():
        replaced = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.replaced")
        out.rename(replaced)
        partial.rename(out)
        shutil.rmtree(replaced)
    else:
        partial.rename(out)


def _card(manifest: ExportManifest) -> str:
    lines = [
        f"# Trajectories for {manifest.format}",
        "",
        f"{manifest.rollouts} rollouts, written by Gristmill {manifest.gristmill}. Split {manifest.split}.",
        "",
        "| file | rows | sha256 |",
        "|---|---|---|",
        *(f"| {name} | {entry.rows} | {entry.sha256} |" for name, entry in manifest.files.items()),
        "",
        "Licences of the repositories: " + json.dumps(manifest.licenses) + ". Filters: " + json.dumps(manifest.filters),
        "",
        f"Left out: {manifest.left_out.get('attempts', 0)} rollouts with attempts to cheat, "
        f"{manifest.left_out.get('findings', 0)} of tasks in which an audit found a fault, "
        f"{manifest.left_out.get('marks', 0)} marked bad by people.",
    ]
    return "\n".join(lines) + "\n"
