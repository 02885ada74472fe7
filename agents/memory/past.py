"""What earlier rollouts did, in the few fields that memory is made from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from agents.memory.errors import PieceFault
from trajectories.atif import Step
from trajectories.datasets import dataset_rollouts, find_dataset
from trajectories.errors import BadDataset, BadExport, BadFilter
from trajectories.messages import text_of
from trajectories.rollout import Rollout
from trajectories.store import Store
from trajectories.tables import RolloutRow

VERIFIED = "reward >= 1 and unknown = false and privileged = false and attempts = 0 and findings = 0"
"""Successes of agents that were not given the reference and did not try to cheat, of tasks without a finding."""

ANSWER = 2000  # characters of one answer that are kept


@dataclass(frozen=True)
class Did:
    """One call. `answer`: its beginning."""

    tool: str
    arguments: dict[str, Any]
    answer: str
    is_error: bool
    thought: str = ""


@dataclass(frozen=True)
class Past:
    """One rollout. `instruction`: the task's own, without what pieces had added."""

    id: str
    task: str
    family: str
    instruction: str
    did: tuple[Did, ...]


def is_verified(rollout: Rollout) -> bool:
    """The same as VERIFIED, of a rollout that has just ended; what an audit found is not known here."""
    is_honest = not rollout.is_privileged and not rollout.attempts
    return rollout.verdict.is_solved and not rollout.is_unknown and is_honest


def past_of(rollout: Rollout) -> Past:
    steps = rollout.trajectory.steps
    return Past(
        id=rollout.key.id,
        task=rollout.key.task_id,
        family=rollout.family,
        instruction=own_instruction(steps),
        did=tuple(did for step in steps for did in _calls(step)),
    )


def own_instruction(steps: Iterable[Step]) -> str:
    """The first message of the user, without what pieces had added."""
    first = next((step for step in steps if step.source == "user"), None)
    if first is None:
        return ""
    return _text(first.message)[: (first.extra or {}).get("own_characters")]


def read_past(store: Store, *, where: str, dataset: str, most: int) -> list[Past]:
    """The newest `most` rollouts that `where` accepts, or those of the frozen `dataset` (NAME or NAME@VERSION).

    Raises PieceFault for a filter or a dataset that cannot be used.
    """
    try:
        if dataset:
            rows: Iterator[RolloutRow] = dataset_rollouts(store, find_dataset(store, dataset))
        else:
            rows = store.rollouts(where)
        newest = sorted(rows, key=lambda row: (row.started_at, row.id), reverse=True)
    except (BadFilter, BadDataset) as error:
        raise PieceFault(f"memory of earlier rollouts: {error}") from error
    return [past_of(store.body(row)) for row in islice(newest, most)]


def _calls(step: Step) -> Iterator[Did]:
    answers = {result.source_call_id: _text(result.content) for result in _results(step)}
    is_error = bool((step.extra or {}).get("is_error"))
    for call in step.tool_calls or ():
        answer = answers.get(call.tool_call_id, "")[:ANSWER]
        yield Did(call.function_name, dict(call.arguments), answer, is_error, _text(step.message))


def _results(step: Step) -> Iterable[Any]:
    return step.observation.results if step.observation else ()


def _text(content: Any) -> str:
    try:
        return text_of(content)
    except BadExport:  # parts that are no text say nothing here
        return ""
