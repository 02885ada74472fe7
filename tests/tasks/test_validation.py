"""Validation: what becomes a task and what is refused, for which reason, in real sandboxes."""

import asyncio
from pathlib import Path

import pytest

from environments import Backend, Diff, FileChange
from tasks._drafting import Drafter
from tasks._killers import Killers
from tasks._program import is_same_program
from tasks._test_server import TestServer
from tasks.candidate import Candidate, Place, Rejection
from tasks.decided import kept
from tasks.decisions import Validated
from tasks.folder import RepositoryTask, read_task, write_repository_task
from tasks.repository import Repository
from tasks.revalidate import why_invalid
from tasks.task import Task
from tasks.testrun import TestReport, TestRun
from tasks.validation import Validator, validate_candidate
from tasks.verifiers import get_verifier
from tasks.verifiers.data import pytest_data

PATH = "tinylib/numbers.py"


def candidate(repository: Repository, old: str, new: str, symbol: str = "clamp", path: str = PATH) -> Candidate:
    """A change by hand in one function of the tiny repository."""
    clean = (repository.source.code / path).read_text()
    assert clean.count(old) == 1, old
    lines = clean.splitlines()
    first = next(number for number, line in enumerate(lines, 1) if line.startswith(f"def {symbol}("))
    last = next((number for number in range(first + 1, len(lines)) if lines[number].startswith("def ")), len(lines))
    at = clean[: clean.index(old)].count("\n") + 1
    return Candidate(
        generator="by_hand",
        kind="by hand",
        places=(Place(path=path, symbol=symbol, first_line=first, last_line=last, changed_lines=(at,)),),
        files={path: clean.replace(old, new).encode()},
    )


async def reason(repository: Repository, backend: Backend, old: str, new: str) -> str:
    result = await validate_candidate(candidate(repository, old, new), repository, backend)
    assert isinstance(result, Rejection), result
    return result.reason


async def test_a_bug_that_tests_see_is_a_task(tiny_repository: Repository, bubblewrap: Backend) -> None:
    bug = candidate(tiny_repository, "        return high\n", "        return low\n")
    result = await validate_candidate(bug, tiny_repository, bubblewrap)
    assert isinstance(result, Validated)
    assert result.fail_to_pass and not set(result.fail_to_pass) & set(result.pass_to_pass)
    assert set(result.fail_to_pass) | set(result.pass_to_pass) <= set(tiny_repository.stable_tests)
    assert [failure.node_id for failure in result.failures] == list(result.fail_to_pass)
    (change,) = result.reference.changes
    assert change.after == (tiny_repository.source.code / PATH).read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("        return high\n", "        return (high)\n", "same program"),
        ("        return high\n", "        return high)\n", "does not parse"),
        ("        return high\n", "        high = high\n        return high\n", "survived"),
        ("        return high\n", "        while True: pass\n", "timeout"),
        ("        return high\n", "        import os; os._exit(0)\n", "ends the process"),
    ],
)
async def test_what_is_no_task_is_refused_with_its_reason(
    tiny_repository: Repository, bubblewrap: Backend, old: str, new: str, expected: str
) -> None:
    assert await reason(tiny_repository, bubblewrap, old, new) == expected


async def test_a_bug_at_random_is_flaky_and_refused(tiny_repository: Repository, bubblewrap: Backend) -> None:
    """Fails in the screening run and in no other: the file that it leaves behind lies in one sandbox only."""
    coin = "        import random; return high if random.SystemRandom().random() < 0.5 else low\n"
    bug = candidate(tiny_repository, "        return high\n", coin)
    reasons = set()
    for _ in range(12):
        result = await validate_candidate(bug, tiny_repository, bubblewrap)
        reasons.add(result.reason if isinstance(result, Rejection) else "accepted")
        if "flaky" in reasons:
            break
    assert reasons & {"flaky", "survived"}


REMEMBERS = """\
    before, roman.before = getattr(roman, "before", 0), number
    calls = roman.calls = getattr(roman, "calls", 0) + 1
    text = "?" if {} else ""
"""


AT_RANDOM = "calls > 2 and __import__('random').SystemRandom().random() < 0.5"


@pytest.mark.parametrize(
    ("wrong", "expected", "needs_others"),
    [("number > before", "accepted", False), ("calls > 2", "accepted", True), (AT_RANDOM, "flaky", False)],
)
async def test_failing_after_others_counts_where_it_comes_again(
    tiny_repository: Repository, bubblewrap: Backend, wrong: str, expected: str, needs_others: bool
) -> None:
    """State lives on in the process. In the order of the files the same tests must fail each time."""
    bug = candidate(tiny_repository, '    text = ""\n', REMEMBERS.format(wrong), symbol="roman")
    reasons, result = set(), None
    for _ in range(12 if wrong == AT_RANDOM else 1):  # by chance it may seem to be none, or a steady one
        result = await validate_candidate(bug, tiny_repository, bubblewrap)
        reasons.add(result.reason if isinstance(result, Rejection) else "accepted")
        if expected in reasons:
            break
    assert expected in reasons
    if isinstance(result, Validated):
        assert bool(result.run_first) is needs_others
        assert set(result.fail_to_pass) <= set(result.run_first or result.fail_to_pass)


async def failing(task: Task, backend: Backend) -> set[str]:
    """Tests that do not pass where nothing is done."""
    verdict = await get_verifier(task.verifier).verify(task, Diff(), backend)
    return {check.name for check in verdict.checks if not check.passed}


async def test_a_task_that_fails_after_others_alone_is_verified_in_that_order(
    tiny_repository: Repository, bubblewrap: Backend, session_cache: Path, tmp_path: Path
) -> None:
    """Doing nothing fails, the reference passes; by themselves some of its failing tests pass."""
    bug = candidate(tiny_repository, '    text = ""\n', REMEMBERS.format("calls > 2"), symbol="roman")
    result = await validate_candidate(bug, tiny_repository, bubblewrap)
    assert isinstance(result, Validated)
    (draft,) = Drafter(tiny_repository, 1, lm=None, contamination=None).draft(bug, kept(result))
    assert isinstance(draft, RepositoryTask)
    assert "fail when all tests run one after another" in draft.instruction
    write_repository_task(draft, tiny_repository, tmp_path / "task")
    task = read_task(tmp_path / "task", cache=session_cache)
    assert pytest_data(task.verifier_data).run_first == result.run_first
    assert await why_invalid(task, result.reference, bubblewrap) == ""
    assert await failing(task, bubblewrap) == set(result.fail_to_pass)
    unordered = task.model_copy(update={"verifier_data": {**task.verifier_data, "run_first": ()}})
    assert await failing(unordered, bubblewrap) < set(result.fail_to_pass)


async def test_code_that_no_test_runs_is_refused(tiny_repository: Repository, bubblewrap: Backend) -> None:
    clean = (tiny_repository.source.code / PATH).read_text()
    extra = clean + "\n\ndef unused():\n    return 1\n"
    lines = extra.count("\n")
    bug = Candidate(
        generator="by_hand",
        kind="by hand",
        places=(Place(path=PATH, symbol="unused", first_line=lines, last_line=lines, changed_lines=(lines,)),),
        files={PATH: extra.encode()},
    )
    result = await validate_candidate(bug, tiny_repository, bubblewrap)
    assert isinstance(result, Rejection)
    assert result.reason == "no test reaches it"


CHECK = """
from tinylib import numbers


def test_new_name():
    assert numbers.limit(11, 0, 10) == 10


def test_old_name_is_gone():
    assert not hasattr(numbers, "clamp")
"""


def renamed(repository: Repository, hidden: str = CHECK) -> Candidate:
    """A task that starts from the clean source: `clamp` is to be called `limit`."""
    code, tests = repository.source.code, repository.source.protected
    old = {path: (code / path).read_bytes() for path in ("tinylib/numbers.py", "tinylib/__init__.py")}
    changes = [FileChange(path=path, before=data, after=data.replace(b"clamp", b"limit")) for path, data in old.items()]
    others = {path: (tests / path).read_bytes().replace(b"clamp", b"limit") for path in ("tests/test_numbers.py",)}
    return Candidate(
        generator="by_hand",
        kind="rename",
        family="refactor",
        places=(Place(path=PATH, symbol="clamp", first_line=1, last_line=1, changed_lines=(1,)),),
        hidden={"tests/test_refactor.py": hidden.encode(), **others},
        reference=Diff(changes=tuple(changes)),
    )


async def test_a_reference_and_hidden_tests_of_its_own_are_tried_on_both_sides(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    result = await validate_candidate(renamed(tiny_repository), tiny_repository, bubblewrap)
    assert isinstance(result, Validated), result
    own = {"tests/test_refactor.py::test_new_name", "tests/test_refactor.py::test_old_name_is_gone"}
    assert own <= set(result.fail_to_pass)
    assert not own & set(result.pass_to_pass) and result.pass_to_pass


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        (CHECK.replace("== 10", "== 11"), "reference fails"),
        (CHECK.replace("== 10", "== 10\n    while True: pass"), "timeout"),
    ],
)
async def test_a_reference_that_its_own_tests_do_not_hold_is_refused(
    tiny_repository: Repository, bubblewrap: Backend, hidden: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks._batches.FORGOTTEN_SEC", 3.0)
    result = await validate_candidate(renamed(tiny_repository, hidden), tiny_repository, bubblewrap)
    assert isinstance(result, Rejection)
    assert result.reason == expected


async def test_a_candidate_that_ends_everything_does_not_take_its_neighbours_along(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    """Decided together in one sandbox: one kills all processes, one fills the memory, two are plain bugs."""
    changes = {
        "low": "        return low\n",
        "kills": "        import os, signal; os.kill(-1, signal.SIGKILL)\n",
        "none": "        return None\n",
        "fills": "        return bytearray(50_000_000_000)\n",
    }
    candidates = [candidate(tiny_repository, "        return high\n", new) for new in changes.values()]
    async with Validator(tiny_repository, bubblewrap) as validator:
        results = await asyncio.gather(*(validator.decide(each) for each in candidates))
    found = {name: getattr(result, "reason", "accepted") for name, result in zip(changes, results, strict=True)}
    assert found == {"low": "accepted", "none": "accepted", "kills": "ends the process", "fills": "accepted"}


LITTERS = "        open('tests/test_numbers.py', 'a').write('\\nclamp = max\\n'); return low\n"


async def test_what_a_bug_leaves_behind_does_not_speak_against_its_neighbours(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    """Confirmed in one sandbox: the first has changed a test file for all that comes after it, clean code as well."""
    changes = (LITTERS, "        return 0\n")
    litters, plain = (candidate(tiny_repository, "        return high\n", change) for change in changes)
    async with Validator(tiny_repository, bubblewrap) as validator:
        results = await asyncio.gather(*(validator.decide(each) for each in (litters, plain)))
    assert [getattr(result, "reason", "accepted") for result in results] == ["flaky", "accepted"]


async def test_what_the_clean_code_does_is_asked_once_before_bugs_and_once_after(
    tiny_repository: Repository, bubblewrap: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean: list[set[str]] = []
    real = TestServer.run

    async def watched(self: TestServer, run: TestRun, *, timeout_sec: float) -> TestReport:
        if not run.files:
            clean.append(set(run.tests))
        return await real(self, run, timeout_sec=timeout_sec)

    monkeypatch.setattr(TestServer, "run", watched)
    bugs = [
        candidate(tiny_repository, "        return high\n", f"        return {value}\n") for value in ("low", "None")
    ]
    async with Validator(tiny_repository, bubblewrap) as validator:
        first, second = [await validator.decide(each) for each in bugs]
    assert isinstance(first, Validated) and isinstance(second, Validated)
    before, after, after_second = clean
    assert before == after == set(first.fail_to_pass)
    assert after_second == set(second.fail_to_pass) <= before


async def test_screening_alone_stops_at_the_first_failure_and_runs_likely_tests_first(
    tiny_repository: Repository, bubblewrap: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[tuple[tuple[str, ...], list[str]]] = []
    real = TestServer.run

    async def watched(self: TestServer, run: TestRun, *, timeout_sec: float) -> TestReport:
        report = await real(self, run, timeout_sec=timeout_sec)
        runs.append((run.tests, [each.outcome for each in report.results]))
        return report

    monkeypatch.setattr(TestServer, "run", watched)
    bugs = [candidate(tiny_repository, "        return high\n", f"        return {value}\n") for value in ("low", "-1")]
    no_bug = candidate(tiny_repository, "        return high\n", "        high = high\n        return high\n")
    async with Validator(tiny_repository, bubblewrap) as validator:
        assert [await validator.screen(each) for each in bugs] == [None, None]
        refusal = await validator.screen(no_bug)
    assert refusal is not None and refusal.reason == "survived"
    (first, outcomes), (second, outcomes_of_second), _ = runs
    assert outcomes.count("failed") == 1 and outcomes[-1] == "failed"
    assert second[0] == first[len(outcomes) - 1] and outcomes_of_second == ["failed"]


def test_likely_tests_go_first_and_slow_ones_last(tiny_repository: Repository) -> None:
    seconds = {"slow": 2.0, "slower": 3.0, "a": 0.01, "b": 0.02}
    bug = candidate(tiny_repository, "        return high\n", "        return low\n")
    killers = Killers(seconds)
    assert killers.first(bug, ("slower", "a", "slow", "b", "new")) == ("a", "b", "new", "slow", "slower")
    killers.note(bug, "slow")
    assert killers.first(bug, ("slower", "a", "slow", "b")) == ("slow", "a", "b", "slower")


def test_tests_of_the_changed_lines_go_first_and_the_same_with_other_parameters_later(
    tiny_repository: Repository,
) -> None:
    bug = candidate(tiny_repository, "        return high\n", "        return low\n")
    tests = ("one[1]", "one[2]", "two", "three[1]", "three[2]", "four")
    order = Killers({}).first(bug, tests, frozenset({"three[1]", "three[2]", "four"}))
    assert order == ("three[1]", "four", "three[2]", "one[1]", "two", "one[2]")


def test_a_base_that_every_class_has_is_no_change() -> None:
    def is_same(before: str, after: str) -> bool:
        return is_same_program(before.encode(), after.encode())

    assert is_same("class A(object):\n    x = 1\n", "class A:\n    x = 1\n")
    assert is_same("class A(object):\n    x = 1\n", "class A():\n    x = 1\n")
    assert not is_same("class A(object):\n    x = 1\n", "class A:\n    x = 2\n")
    assert not is_same("class A(dict):\n    x = 1\n", "class A:\n    x = 1\n")
    assert not is_same("class A(B, object):\n    x = 1\n", "class A(B):\n    x = 1\n")
