"""Exports: a selection of trajectories as files for one trainer, whole or not at all."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from trajectories.ahead import Ahead
from trajectories.datasets import find_dataset
from trajectories.errors import BadExport
from trajectories.exports.card import card
from trajectories.exports.choice import WithAttempts, chosen_by, groups, left_out, split_rows, without
from trajectories.exports.exporter import (
    NEGATIVE,
    AsChats,
    Calls,
    Example,
    Exporter,
    Made,
    OneByOne,
    Skipped,
    example_of,
)
from trajectories.exports.folder import MANIFEST, new_partial, put_in_place, refuse_occupied, remove_stale
from trajectories.exports.formats import export_names, get_exporter
from trajectories.exports.tabling import Tabled, is_tabled, tables
from trajectories.exports.tokens import TokenRows, load_tokenizer, tokens_of
from trajectories.exports.writer import SHARD_BYTES, FileEntry, SplitWriter
from trajectories.store import Store
from trajectories.tables import RolloutRow
from trajectories.uncollected import uncollected

__all__ = ["Calls", "ExportManifest", "WithAttempts", "export", "export_names"]

MOST_NAMED = 10_000
"""Rollouts that gave no row are named up to here, and counted beyond: the manifest is no second data set."""


class ExportManifest(BaseModel):
    """`manifest.json`: what is in the folder and how it was chosen. The same store and seed give the same bytes."""

    model_config = ConfigDict(frozen=True)

    format: str
    gristmill: str
    files: dict[str, FileEntry]
    filters: dict[str, object]
    split: str = Field(description="how train and test were told apart")
    rollouts: int = Field(description="rows; most forms have one a rollout")
    skipped: dict[str, list[str]] = Field(
        description=f"reason -> rollouts that were chosen but cannot be rendered; the first {MOST_NAMED:,} of them"
    )
    skipped_counts: dict[str, int] = Field(default_factory=dict, description="reason -> all of them")
    left_out: dict[str, int] = Field(
        default_factory=dict,
        description="rollouts that the other filters chose: with `attempts`, of tasks with `findings`, with `marks` "
        "of people (bad); a rollout with several counts several times",
    )
    repositories: dict[str, int]
    licenses: dict[str, int]
    suites: dict[str, int]
    agents: dict[str, int]
    pushed: str = Field("", description="the commit on the hub; the file itself, written before, does not say it")


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
    shard_bytes: int = SHARD_BYTES,
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
    `only`: JSONL or Parquet alone, in place of both. Beyond `shard_bytes` a Parquet file is followed by another.

    Memory does not grow with the export: a row group of Parquet, and the rows (not the bodies) of one task.
    Raises BadExport, BadFilter, BadDataset, CorruptBlob.
    """
    exporter = get_exporter(to)
    reading = load_tokenizer(tokenizer) if tokenizer is not None else None
    if isinstance(exporter, TokenRows):
        exporter.tokenizer = reading
    remove_stale(out)
    refuse_occupied(out, overwrite)
    if calls not in get_args(Calls):
        raise BadExport(f"calls {calls!r}: use {', '.join(get_args(Calls))}")
    frozen = find_dataset(store, dataset) if dataset else None
    chosen = chosen_by(where, include_failures or exporter.wants_failures, include_privileged)
    wanted = chosen + without(attempts, include_findings, include_marked)
    # From all that was chosen, so that no repository is in the train file of the negatives and in the test file here.
    is_test, split = split_rows(store.repositories(chosen), split_by, test_share, seed)
    marks = NEGATIVE if attempts == "only" else []
    partial = new_partial(out)
    skipped = _Skips()
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("repositories", "licenses", "suites", "agents")}
    try:
        with ExitStack() as stack:
            train = stack.enter_context(SplitWriter(partial, "train", exporter, marks, only, shard_bytes))
            test = stack.enter_context(SplitWriter(partial, "test", exporter, marks, only, shard_bytes))
            chosen_groups = groups(store, wanted, exporter, frozen)
            if isinstance(exporter, AsChats) and is_tabled(exporter, only, calls, reading, marks):
                for some in tables(chosen_groups, store, exporter):
                    if isinstance(some, Skipped):
                        skipped.add(some)
                        continue
                    for split_writer, part in _parts(some, is_test, train, test):
                        split_writer.add_table(part)
                    for row in some.of:
                        _count(counts, row)
            else:
                for made in made_rows(chosen_groups, store, exporter, calls, reading):
                    if isinstance(made, Skipped):
                        skipped.add(made)
                        continue
                    row = made.of[0]
                    (test if is_test(row) else train).add({**made.row, **origin(store, row, with_attempts=bool(marks))})
                    _count(counts, row)
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
            skipped=dict(sorted(skipped.named.items())),
            skipped_counts=dict(sorted(skipped.counts.items())),
            left_out=left_out(store, chosen, attempts, include_findings, include_marked),
            **{name: dict(sorted(counter.items())) for name, counter in counts.items()},
        )
        (partial / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
        (partial / "README.md").write_text(card(manifest))
        for name, text in exporter.beside(list(files)).items():
            (partial / name).write_text(text)
        put_in_place(partial, out)
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


def _parts(
    some: Tabled, is_test: Callable[[RolloutRow], bool], train: SplitWriter, test: SplitWriter
) -> Iterator[tuple[SplitWriter, pa.Table]]:
    """The rows of each of the two files."""
    tested = [is_test(row) for row in some.of]
    for writer, mask in ((train, [not each for each in tested]), (test, tested)):
        if all(mask):
            yield writer, some.rows
        elif any(mask):
            yield writer, some.rows.filter(pa.array(mask))


def _count(counts: Mapping[str, Counter[str]], row: RolloutRow) -> None:
    for name, value in zip(counts, (row.repository, row.license or "unknown", row.suite_hash, row.agent), strict=True):
        counts[name][value] += 1


class _Skips:
    """What gave no row, by reason: the first by name, all by number."""

    def __init__(self) -> None:
        self.named: dict[str, list[str]] = {}
        self.counts: Counter[str] = Counter()

    def add(self, skipped: Skipped) -> None:
        if self.counts.total() < MOST_NAMED:
            self.named.setdefault(skipped.reason, []).append(skipped.row.id)
        reason = skipped.reason if skipped.reason in self.counts or len(self.counts) < MOST_NAMED else "other reasons"
        self.counts[reason] += 1


def made_rows(
    groups: Iterator[list[RolloutRow]], store: Store, exporter: Exporter, calls: Calls, tokenizer: Any
) -> Iterator[Made | Skipped]:
    """A body is read when it is asked for; ahead, on a thread, where every one will be."""
    with Ahead(store) as ahead:

        def load(row: RolloutRow) -> Example:
            text = ahead.text(row)
            with uncollected():
                example = example_of(text, calls)
            if tokenizer is not None and exporter.name != TokenRows.name:
                tokens_of(example, tokenizer)  # raises where it cannot be trained on as it is
            return example

        for of_task in ahead.groups(groups) if isinstance(exporter, OneByOne) else groups:
            yield from exporter.rows(of_task, load)


def origin(store: Store, row: RolloutRow, *, with_attempts: bool) -> dict[str, object]:
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
