"""Runs in forks of a process that has all imported say the same as runs that import everything anew."""

from environments import Backend, running
from tasks.repository import Repository
from tasks.testrun import TestReport, TestRun, run_tests_on_each

NUMBERS, STACK, TEXT = "tinylib/numbers.py", "tinylib/stack.py", "tinylib/text.py"
# what is changed, and whether a fork can take it over
CHANGES = {
    "a function": (NUMBERS, "        return high\n", "        return low\n", True),
    "a method": (STACK, "        return self._items.pop()\n", "        return self._items.pop(0)\n", True),
    "lines moved": (
        NUMBERS,
        '    """The arithmetic mean; 0.0 of nothing."""\n',
        '    """Other words."""\n    values = []\n',
        False,
    ),
    "more lines before": (
        NUMBERS,
        "    values = list(values)\n",
        "    values = list(values)\n    values.append(0)\n",
        True,
    ),
    "a default": (TEXT, 'separator="-"', 'separator="_"', False),
    "a base": (STACK, "class BoundedStack(Stack):", "class BoundedStack:", False),
    "a constant of the module": (NUMBERS, '(10, "X")', '(10, "Y")', False),
    "an equal constant": (NUMBERS, "    total = 0\n", "    total = False\n", True),
    "no end": (NUMBERS, "        return high\n", "        while True: pass\n", True),
    "the process ends": (NUMBERS, "        return high\n", "        import os; os._exit(3)\n", True),
}


def run_of(repository: Repository, change: str, *, is_warm: bool, stop: bool = False) -> TestRun:
    path, old, new, _ = CHANGES[change]
    clean = (repository.source.code / path).read_text()
    assert clean.count(old) == 1, change
    return TestRun(
        files={path: clean.replace(old, new).encode()},
        tests=repository.stable_tests,
        per_test_timeout_sec=20.0,
        cpu_limits=dict.fromkeys(repository.stable_tests, 0.5),
        stop_at_first_failure=stop,
        is_warm=is_warm,
    )


async def reports(repository: Repository, backend: Backend, runs: list[TestRun], *, is_warm: bool) -> list[TestReport]:
    async with running(backend, repository.verifier_spec()) as sandbox:
        return await run_tests_on_each(sandbox, runs, timeout_sec=200, warm=() if is_warm else None)


def outcomes(report: TestReport) -> dict[str, str]:
    return {each.node_id: each.outcome for each in report.results}


async def test_forks_and_fresh_processes_agree(tiny_repository: Repository, bubblewrap: Backend) -> None:
    warm_runs = [run_of(tiny_repository, change, is_warm=True) for change in CHANGES]
    cold_runs = [run_of(tiny_repository, change, is_warm=False) for change in CHANGES]
    nothing = TestRun(tests=tiny_repository.stable_tests, is_warm=True)
    warm = await reports(tiny_repository, bubblewrap, [*warm_runs, nothing], is_warm=True)
    cold = await reports(tiny_repository, bubblewrap, cold_runs, is_warm=False)
    for change, one, other in zip(CHANGES, warm, cold, strict=False):
        assert outcomes(one) == outcomes(other), change
        assert one.was_warm is CHANGES[change][3], change
        assert one.is_complete and not other.was_warm
    assert set(outcomes(warm[-1]).values()) == {"passed"}, "every change is taken back after its run"
    changed = [change for change, report in zip(CHANGES, warm, strict=False) if "failed" in outcomes(report).values()]
    assert "a function" in changed and "a method" in changed and "a default" in changed


async def test_a_run_stops_where_it_is_decided(tiny_repository: Repository, bubblewrap: Backend) -> None:
    one = run_of(tiny_repository, "a function", is_warm=True, stop=True)
    (report,) = await reports(tiny_repository, bubblewrap, [one], is_warm=True)
    assert report.is_complete
    assert [each.outcome for each in report.results].count("failed") == 1
    assert report.results[-1].outcome == "failed"


async def test_files_that_are_not_there_come_back(tiny_repository: Repository, bubblewrap: Backend) -> None:
    without = TestRun(tests=tiny_repository.stable_tests, removed=("tinylib/text.py",), per_test_timeout_sec=20.0)
    after = TestRun(tests=tiny_repository.stable_tests, per_test_timeout_sec=20.0)
    gone, back = await reports(tiny_repository, bubblewrap, [without, after], is_warm=False)
    assert "passed" not in outcomes(gone).values()
    assert set(outcomes(back).values()) == {"passed"}
