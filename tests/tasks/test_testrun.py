"""Test runs in a real sandbox: every outcome, what is missing, what never ends, what dies."""

from pathlib import Path

import pytest

from environments import Backend, running
from tasks.errors import VerifierFault
from tasks.repository import Repository
from tasks.testrun import TestReport, TestRun, run_tests, run_tests_on_each

KINDS = """\
import os, sys, time, pytest

def test_passes(): print("heard")
def test_fails(): assert 1 == 2
def test_breaks(missing_fixture): pass
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert 0
@pytest.mark.xfail
def test_surprise(): pass
@pytest.fixture
def bad_end():
    yield
    raise RuntimeError("in teardown")
def test_bad_end(bad_end): pass
def test_last(): pass
"""


async def run(
    repository: Repository,
    backend: Backend,
    files: dict[str, str],
    tests: list[str] | None = None,
    per_test_timeout_sec: float | None = None,
    stop_at_first_failure: bool = False,
    random_order_seed: int | None = None,
    gate: tuple[str, ...] = (),
    coverage: tuple[str, ...] = (),
    each_alone: bool = False,
    timeout_sec: float = 60.0,
) -> TestReport:
    async with running(backend, repository.agent_spec()) as sandbox:
        await sandbox.write_files({path: text.encode() for path, text in files.items()})
        return await run_tests(
            sandbox,
            tests,
            timeout_sec=timeout_sec,
            per_test_timeout_sec=per_test_timeout_sec,
            stop_at_first_failure=stop_at_first_failure,
            random_order_seed=random_order_seed,
            gate=gate,
            coverage=coverage,
            each_alone=each_alone,
        )


def outcomes(report: TestReport) -> dict[str, str]:
    return {result.node_id.split("::")[-1]: result.outcome for result in report.results}


async def test_every_outcome(tiny_repository: Repository, bubblewrap: Backend) -> None:
    report = await run(tiny_repository, bubblewrap, {"test_kinds.py": KINDS})
    assert outcomes(report) == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_breaks": "error",
        "test_skipped": "skipped",
        "test_expected": "xfailed",
        "test_surprise": "xpassed",
        "test_bad_end": "error",
        "test_last": "passed",
    }
    assert report.is_complete and not report.is_tampered
    failure = next(result for result in report.results if result.outcome == "failed")
    assert "assert 1 == 2" in failure.longrepr and failure.duration_sec < 5


async def test_tests_that_do_not_exist_are_missing_not_fatal(tiny_repository: Repository, bubblewrap: Backend) -> None:
    wanted = ["test_kinds.py::test_passes", "test_kinds.py::test_gone", "gone.py::test_x"]
    report = await run(tiny_repository, bubblewrap, {"test_kinds.py": KINDS}, wanted)
    assert [report.outcome(test) for test in wanted] == ["passed", None, None]
    assert report.is_complete
    nothing = await run(tiny_repository, bubblewrap, {}, ["gone.py::test_x"])
    assert nothing.results == () and nothing.is_complete


async def test_files_and_ids_without_parameters_stand_for_their_tests(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    text = "import pytest\n@pytest.mark.parametrize('n', [1, 2])\ndef test_n(n): pass\ndef test_other(): pass\n"
    files = {"test_a.py": text, "sub/test_b.py": text}
    report = await run(tiny_repository, bubblewrap, files, ["test_a.py::test_n", "sub"])
    assert set(report.collected) == {
        "test_a.py::test_n[1]",
        "test_a.py::test_n[2]",
        "sub/test_b.py::test_n[1]",
        "sub/test_b.py::test_n[2]",
        "sub/test_b.py::test_other",
    }


async def test_a_file_that_cannot_be_collected_is_an_error_of_its_own(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    files = {"test_a.py": "import no_such_module\n", "test_b.py": "def test_b(): pass\n"}
    report = await run(tiny_repository, bubblewrap, files)
    assert outcomes(report) == {"test_a.py": "error", "test_b": "passed"}
    assert "No module named 'no_such_module'" in report.results[0].longrepr and report.is_complete


async def test_a_test_that_never_ends_is_stopped_and_the_others_run(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    loops = (
        "def test_politely():\n    while True: pass\n"
        "def test_stubbornly():\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass\n"
        "def test_after(): pass\n"
    )
    report = await run(tiny_repository, bubblewrap, {"test_loops.py": loops}, per_test_timeout_sec=0.5)
    assert outcomes(report) == {"test_politely": "error", "test_stubbornly": "error", "test_after": "passed"}
    assert all(result.longrepr.startswith("Timeout") for result in report.results[:2])
    assert report.is_complete and report.duration_sec < 10


async def test_waiting_has_a_limit_and_telling_of_a_failure_does_not_count(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    text = (
        "import time\n"
        "class Slow(Exception):\n"
        "    def __str__(self): time.sleep(1.5); return 'slow'\n"
        "def test_waits(): time.sleep(30)\n"
        "def test_tells(): raise Slow\n"
        "def test_is_ready_but_others_run():\n"
        "    import os, signal\n"
        "    signal.raise_signal(signal.SIGALRM)\n"  # the clock rings before the time is over
    )
    tests = ("test_waits", "test_tells", "test_is_ready_but_others_run")
    ids = tuple(f"test_w.py::{name}" for name in tests)
    one = TestRun(
        files={"test_w.py": text.encode()}, tests=ids, per_test_timeout_sec=60, cpu_limits=dict.fromkeys(ids, 0.5)
    )
    async with running(bubblewrap, tiny_repository.agent_spec()) as sandbox:
        (report,) = await run_tests_on_each(sandbox, [one], timeout_sec=60)
    waits, tells, ready = report.results
    assert waits.longrepr.startswith("Timeout") and waits.duration_sec < 10
    assert (tells.outcome, ready.outcome) == ("failed", "passed"), tells.longrepr
    assert "slow" in tells.longrepr


async def test_a_run_may_stop_at_what_does_not_end(tiny_repository: Repository, bubblewrap: Backend) -> None:
    text = "import os, time\ndef test_a(): {}\ndef test_b(): pass\n"
    ids = ("test_x.py::test_a", "test_x.py::test_b")
    runs = [
        TestRun(files={"test_x.py": text.format(end).encode()}, tests=ids, per_test_timeout_sec=0.5,
                stops_without_end=stops)
        for end in ("time.sleep(9)", "os._exit(0)") for stops in (True, False)
    ]  # fmt: skip
    async with running(bubblewrap, tiny_repository.agent_spec()) as sandbox:
        reports = await run_tests_on_each(sandbox, runs, timeout_sec=60)
    assert [len(report.results) for report in reports] == [1, 2, 1, 2]
    assert all(report.is_complete for report in reports)


async def test_a_test_that_kills_its_process_is_an_error_and_the_others_run(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    dies = "import os, signal\ndef test_a(): pass\ndef test_b(): os._exit(0)\ndef test_c(): os.kill(os.getpid(), 9)\n"
    report = await run(tiny_repository, bubblewrap, {"test_dies.py": dies + "def test_d(): pass\n"})
    assert outcomes(report) == {"test_a": "passed", "test_b": "error", "test_c": "error", "test_d": "passed"}
    assert report.is_complete


async def test_leaving_while_importing_is_incomplete(tiny_repository: Repository, bubblewrap: Backend) -> None:
    report = await run(tiny_repository, bubblewrap, {"test_a.py": "import os\nos._exit(0)\n"})
    assert not report.is_complete and report.results == ()


async def test_the_time_limit_keeps_what_was_known(tiny_repository: Repository, bubblewrap: Backend) -> None:
    slow = "import time\ndef test_a(): pass\ndef test_b(): time.sleep(60)\n"
    report = await run(tiny_repository, bubblewrap, {"test_slow.py": slow}, timeout_sec=6.0)
    assert report.timed_out and not report.is_complete
    assert report.outcome("test_slow.py::test_a") == "passed"


async def test_forked_children_do_not_report(tiny_repository: Repository, bubblewrap: Backend) -> None:
    forks = "import os\ndef test_a():\n    if os.fork() == 0:\n        return\n    os.wait()\ndef test_b(): pass\n"
    report = await run(tiny_repository, bubblewrap, {"test_forks.py": forks})
    assert [result.node_id for result in report.results] == ["test_forks.py::test_a", "test_forks.py::test_b"]
    assert report.is_complete and not report.is_tampered


async def test_stopping_early(tiny_repository: Repository, bubblewrap: Backend) -> None:
    text = "def test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pass\ndef test_d(): pass\n"
    first = await run(tiny_repository, bubblewrap, {"test_x.py": text}, stop_at_first_failure=True)
    assert outcomes(first) == {"test_a": "passed", "test_b": "failed"} and first.is_complete
    gate = ("test_x.py::test_b", "test_x.py::test_d")
    gated = await run(tiny_repository, bubblewrap, {"test_x.py": text}, gate=gate)
    assert outcomes(gated) == {"test_b": "failed", "test_d": "passed"} and gated.is_complete
    opened = await run(tiny_repository, bubblewrap, {"test_x.py": text}, gate=("test_x.py::test_d",))
    assert list(outcomes(opened)) == ["test_d", "test_a", "test_b", "test_c"]


async def test_random_order_is_the_seeds(tiny_repository: Repository, bubblewrap: Backend) -> None:
    files = {f"test_{name}.py": "".join(f"def test_{n}(): pass\n" for n in range(6)) for name in "ab"}
    plain, one, again, two = [
        (await run(tiny_repository, bubblewrap, files, random_order_seed=seed)).collected for seed in (None, 1, 1, 2)
    ]
    assert one == again and one != two and sorted(one) == sorted(plain) and one != plain


async def test_lines_of_each_test_and_of_imports(tiny_repository: Repository, bubblewrap: Backend) -> None:
    files = {
        "mod.py": "def one():\n    return 1\n\n\ndef two():\n    return 2\n",
        "test_m.py": "import mod\ndef test_one(): mod.one()\ndef test_two(): mod.two()\n",
    }
    report = await run(tiny_repository, bubblewrap, files, coverage=("mod.py",))
    assert {result.node_id: result.lines for result in report.results} == {
        "test_m.py::test_one": {"mod.py": (2,)},
        "test_m.py::test_two": {"mod.py": (6,)},
    }
    assert report.import_lines == {"mod.py": (1, 5)}


async def test_alone_every_test_makes_what_the_first_one_makes_for_all(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    files = {
        "mod.py": "import functools\n\n\n@functools.cache\ndef made():\n    return []\n",
        "test_m.py": (
            "import os\nimport mod\ndef test_one(): mod.made().append(1)\ndef test_two(): assert not mod.made()\n"
            "def test_other(): pass\ndef test_end(): os._exit(3)\n"
        ),
    }
    together = await run(tiny_repository, bubblewrap, files, ["test_m.py::test_one", "test_m.py::test_two"],
                         coverage=("mod.py",))  # fmt: skip
    assert outcomes(together) == {"test_one": "passed", "test_two": "failed"}
    assert [result.lines for result in together.results] == [{"mod.py": (6,)}, {}]
    alone = await run(tiny_repository, bubblewrap, files, coverage=("mod.py",), each_alone=True)
    assert outcomes(alone) == {"test_one": "passed", "test_two": "passed", "test_other": "passed", "test_end": "error"}
    assert [result.lines for result in alone.results] == [{"mod.py": (6,)}, {"mod.py": (6,)}, {}, {}]
    assert alone.is_complete and not alone.is_tampered


async def test_the_repositorys_options_are_honoured_but_for_coverage_and_order(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    files = {
        "pytest.ini": "[pytest]\naddopts = --cov=x --cov-report html -n 4 -x -q --doctest-modules --maxfail=1\n",
        "mod.py": 'def f():\n    """\n    >>> f()\n    1\n    """\n    return 1\n',
        "test_m.py": "def test_a(): assert 0\ndef test_b(): pass\n",
    }
    report = await run(tiny_repository, bubblewrap, files, ["mod.py", "test_m.py"])
    assert outcomes(report) == {"mod.f": "passed", "test_a": "failed", "test_b": "passed"}


async def test_what_is_printed_is_kept(tiny_repository: Repository, bubblewrap: Backend) -> None:
    text = "def test_a(capfd):\n    with capfd.disabled():\n        print('begin' + 'x' * 300_000 + 'end')\n"
    report = await run(tiny_repository, bubblewrap, {"test_a.py": text})
    assert "begin" in report.output and "end" in report.output and "bytes left out" in report.output
    assert len(report.output) < 110_000 and report.is_complete
    assert "1 passed" in report.output and "failed" not in report.output and report.exit_code == 0


async def test_an_environment_without_pytest_is_a_fault(tiny_repository: Repository, bubblewrap: Backend) -> None:
    async with running(bubblewrap, tiny_repository.agent_spec()) as sandbox:
        with pytest.raises(VerifierFault, match="could not be started"):
            await run_tests(sandbox, None, timeout_sec=20, python="/usr/bin/no-python")


def test_reports_are_plain_data(tmp_path: Path) -> None:
    report = TestReport(is_complete=True)
    assert TestReport.model_validate_json(report.model_dump_json()) == report
    assert report.outcome("x") is None
