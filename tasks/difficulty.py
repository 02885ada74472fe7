"""How hard a task is, measured: what the reference touches, how much fails, how far the failure is from the fault.

How often agents solve it is measured by rollouts: the store's `difficulty_pass_rate` (docs/quality.md).
"""

import difflib
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from environments.diff import Diff
from tasks._call_graph import CallGraph, Node, read_call_graph
from tasks.errors import BadTaskFolder
from tasks.task import Provenance

if TYPE_CHECKING:
    from tasks.candidate import Place
    from tasks.repository import Repository

__all__ = ["DETAIL", "CallGraph", "Difficulty", "difficulty_of", "measure_difficulty", "repository_calls"]

DETAIL = "difficulty"  # in a task's provenance.details


class Difficulty(BaseModel):
    """Figures of one task. Distances are calls in the static call graph; 1 where the test calls the changed definition.

    They are None where no way by names leads from any failing test to the change: it goes by a registry or `getattr`.
    """

    model_config = ConfigDict(frozen=True)

    files: int = Field(description="that the reference changes")
    lines: int = Field(description="that it takes away and puts in, together")
    tests: int = Field(description="that must come to pass")
    distance: int | None = Field(None, description="from the nearest failing test")
    distance_median: float | None = Field(None, description="over the failing tests that a way leads from")
    tests_without_way: int = Field(0, description="failing tests from which no way by names is seen")


def repository_calls(repository: "Repository") -> CallGraph:
    """The call graph of a repository's clean code and tests: some milliseconds a file, made once for all its tasks."""
    return read_call_graph((repository.source.code, repository.source.protected))


def measure_difficulty(
    repository: "Repository",
    places: "Sequence[Place]",
    reference: Diff,
    fail_to_pass: Sequence[str],
    *,
    hidden: Mapping[str, bytes] | None = None,
    calls: CallGraph | None = None,
) -> Difficulty:
    """Measure one task.

    places: what the candidate touches, in the clean files. fail_to_pass: pytest node ids. hidden: test files that only
    the verifier has. calls: `repository_calls(repository)`, which is made here where it is not given.
    """
    graph = calls or repository_calls(repository)
    if hidden:
        graph = graph.with_files({path: data for path, data in hidden.items() if path.endswith(".py")})
    targets = {
        node
        for place in places
        for node in graph.at(place.path, place.symbol, (place.changed_lines or (place.first_line,))[0])
    }
    ways = graph.distances(targets)
    tests = [ways.get(node) for node in map(_node_of, fail_to_pass)]
    known = [distance for distance in tests if distance is not None]
    return Difficulty(
        files=len(reference.changes),
        lines=sum(_lines_changed(change.before, change.after) for change in reference.changes),
        tests=len(fail_to_pass),
        distance=min(known, default=None),
        distance_median=float(median(known)) if known else None,
        tests_without_way=len(tests) - len(known),
    )


def difficulty_of(provenance: Provenance) -> Difficulty | None:
    """What was stored with a task; None where nothing was. Raises BadTaskFolder."""
    stored = provenance.details.get(DETAIL)
    if stored is None:
        return None
    try:
        return Difficulty.model_validate(stored)
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise BadTaskFolder(
            f"a task of {provenance.source}: metadata.gristmill.provenance.details.{DETAIL}: {'; '.join(lines)}"
        ) from error


def _lines_changed(before: bytes | None, after: bytes | None) -> int:
    old, new = ((data or b"").splitlines() for data in (before, after))
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    return sum(
        old_end - old_start + end - start
        for tag, old_start, old_end, start, end in matcher.get_opcodes()
        if tag != "equal"
    )


def _node_of(test: str) -> Node:
    """`tests/test_a.py::TestB::test_c[1-2]` is the definition `TestB.test_c` of that file."""
    path, *names = test.partition("[")[0].split("::")
    return Node(path, ".".join(names))
