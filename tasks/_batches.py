"""Runs of many candidates' tests, a few starts of sandbox and pytest for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from environments.sandbox import Backend, running
from tasks.candidate import Candidate
from tasks.repository import Repository
from tasks.testrun import TestReport, TestRun, run_tests_on_each

FIXED_SEC = 60.0  # start of the interpreter, imports and collection, on a busy machine
COLLECTION_SEC = 60.0
# A test may take ten times its clean time and a third of a second more: what takes longer does not end. In CPU time, so
# that a busy machine makes nobody late; who sleeps or waits is stopped by the wall clock, some seconds later.
FACTOR, MORE_SEC = 10.0, 0.3
FORGOTTEN_SEC = 60.0  # a test of which no clean time is known


@dataclass(frozen=True)
class State:
    """Files laid over the clean source and its tests, and paths that are not there."""

    files: dict[str, bytes]
    removed: tuple[str, ...] = ()


def given_state(candidate: Candidate) -> State:
    """What the agent gets, with the hidden tests."""
    return State({**candidate.files, **candidate.hidden}, candidate.absent)


def solved_state(candidate: Candidate) -> State:
    """The same with the reference on top. Only for a candidate with a reference of its own."""
    assert candidate.reference is not None
    files, removed = dict(candidate.files), set(candidate.absent)
    for change in candidate.reference.changes:
        if change.after is None:
            files.pop(change.path, None)
            removed.add(change.path)
        else:
            files[change.path] = change.after
            removed.discard(change.path)
    return State({**files, **candidate.hidden}, tuple(sorted(removed)))


def run_of(
    state: State,
    tests: Sequence[str],
    repository: Repository,
    *,
    is_warm: bool = False,
    is_lean: bool = False,
    most_failures: int | None = None,
    stops_without_end: bool = False,
    stops_at_first_failure: bool = False,
    random_order_seed: int | None = None,
) -> TestRun:
    seconds = {test: repository.clean_seconds[test] for test in tests if test in repository.clean_seconds}
    return TestRun(
        files=state.files,
        removed=state.removed,
        tests=tuple(tests),
        per_test_timeout_sec=FORGOTTEN_SEC,
        cpu_limits={test: MORE_SEC + FACTOR * sec for test, sec in seconds.items()},
        most_failures=most_failures,
        stops_without_end=stops_without_end,
        stop_at_first_failure=stops_at_first_failure,
        random_order_seed=random_order_seed,
        collection_timeout_sec=COLLECTION_SEC,
        is_lean=is_lean,
        is_warm=is_warm,
    )


def time_for(runs: Sequence[TestRun], repository: Repository) -> float:
    """Seconds after which the sandbox that they run in is given up."""
    seconds = sum(repository.clean_seconds.get(test, 1.0) for run in runs for test in run.tests)
    return FIXED_SEC + 5 * seconds + 3 * len(runs)


async def run_each(
    runs: Sequence[TestRun], repository: Repository, backend: Backend, *, has_tracebacks: bool = False
) -> list[TestReport]:
    """The runs one after another in one fresh sandbox, each with a process that imports all anew.

    Fewer reports than runs: the last one's run ended it all. Raises VerifierFault and EnvironmentFault.
    """
    async with running(backend, repository.verifier_spec()) as sandbox:
        return await run_tests_on_each(sandbox, runs, timeout_sec=time_for(runs, repository), explains=has_tracebacks)
