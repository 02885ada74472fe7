"""Which rollouts an export is made of, task by task, and which of its two files each row is for."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Literal, get_args

from sqlalchemy import func, select
from sqlmodel import col

from trajectories.datasets import Dataset, count_rows, dataset_rollouts
from trajectories.errors import BadExport, NotInStore
from trajectories.exports.exporter import Exporter
from trajectories.filter import parse_filter
from trajectories.store import PAGE, Store
from trajectories.tables import DatasetItemRow, RolloutRow

WithAttempts = Literal["exclude", "include", "only"]

MARKED = "(task_mark = 'bad' or label = 'bad')"

TASKS = 10_000
"""Names of a dataset's tasks in memory at a time (about 2 MB); each such page is one pass over the dataset's rows."""


def chosen_by(where: str, include_failures: bool, include_privileged: bool) -> str:
    """The user's expression, and what is left out unless asked for."""
    parts = [f"({where})"] if where.strip() else []
    parts.append("unknown = false")
    if not include_failures:
        parts.append("reward >= 1")
    if not include_privileged:
        parts.append("privileged = false")
    return " and ".join(parts)


def without(attempts: WithAttempts, include_findings: bool, include_marked: bool) -> str:
    """What is added to the filter for rollouts that tried to cheat, for tasks that can be cheated, and for marks."""
    rules = {"exclude": " and attempts = 0", "include": "", "only": " and attempts > 0"}
    if attempts not in rules:
        raise BadExport(f"attempts {attempts!r}: use {', '.join(get_args(WithAttempts))}")
    findings = "" if include_findings else " and findings = 0"
    return rules[attempts] + findings + ("" if include_marked else f" and not {MARKED}")


def left_out(
    store: Store, chosen: str, attempts: WithAttempts, include_findings: bool, include_marked: bool
) -> dict[str, int]:
    """How many of the chosen rollouts each of the other filters takes away."""
    return {
        "attempts": store.count(f"{chosen} and attempts > 0") if attempts == "exclude" else 0,
        "findings": 0 if include_findings else store.count(f"{chosen} and findings > 0"),
        "marks": 0 if include_marked else store.count(f"{chosen} and {MARKED}"),
    }


def split_rows(
    repositories: list[str], by: str, test_share: float, seed: int
) -> tuple[Callable[[RolloutRow], bool], str]:
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


def groups(store: Store, wanted: str, exporter: Exporter, frozen: Dataset | None) -> Iterator[list[RolloutRow]]:
    """Task by task, so that rows can be made of several rollouts of one; of a dataset in its order where none is.

    One task's rows are in memory at a time (no bodies). Of a dataset whose rows are made of several rollouts, tasks
    come in the order of their first rollout. Raises NotInStore where a rollout of the dataset has gone.
    """
    if frozen is None:
        yield from store.rollouts_by_task(wanted)
    elif exporter.wants_failures:
        yield from _dataset_by_task(store, wanted, frozen)
    else:
        yield from ([row] for row in _accepted(store, dataset_rollouts(store, frozen), wanted))


def _accepted(store: Store, rows: Iterator[RolloutRow], wanted: str) -> Iterator[RolloutRow]:
    """Those that the filter accepts, in their order; a page in memory."""
    while page := list(islice(rows, PAGE)):
        with store.reading() as session:
            query = select(col(RolloutRow.id)).where(
                parse_filter(wanted), col(RolloutRow.id).in_([row.id for row in page])
            )
            accepted = set(session.scalars(query))
        yield from (row for row in page if row.id in accepted)


def _dataset_by_task(store: Store, wanted: str, frozen: Dataset) -> Iterator[list[RolloutRow]]:
    gone = frozen.rows - count_rows(store, frozen)
    if gone:
        raise NotInStore(f"{gone} rollouts of the dataset {frozen.reference} are no longer in the store")
    is_item: Any = (
        col(DatasetItemRow.rollout_id) == col(RolloutRow.id),
        col(DatasetItemRow.name) == frozen.name,
        col(DatasetItemRow.version) == frozen.version,
        parse_filter(wanted),
    )
    for suite, task in _tasks(store, is_item):
        query = (
            select(RolloutRow)
            .join(DatasetItemRow, col(DatasetItemRow.rollout_id) == col(RolloutRow.id))
            .where(*is_item, col(RolloutRow.suite_hash) == suite, col(RolloutRow.task_id) == task)
            .order_by(col(DatasetItemRow.number))
        )
        with store.reading() as session:
            of_task = list(session.scalars(query))
        yield of_task


def _tasks(store: Store, is_item: Any) -> Iterator[tuple[str, str]]:
    """Suite and task of the dataset's rollouts, each once, by their first rollout's place."""
    task, first = (col(RolloutRow.suite_hash), col(RolloutRow.task_id)), func.min(col(DatasetItemRow.number))
    last = -1
    while True:
        query = (
            select(*task, first)
            .join(DatasetItemRow, col(DatasetItemRow.rollout_id) == col(RolloutRow.id))
            .where(*is_item)
            .group_by(*task)
            .having(first > last)
            .order_by(first)
            .limit(TASKS)
        )
        with store.reading() as session:
            page = session.execute(query).all()
        yield from ((suite, name) for suite, name, _ in page)
        if len(page) < TASKS:
            return
        last = page[-1][2]
