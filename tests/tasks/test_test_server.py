"""A sandbox that stays up for many runs of tests, and what it does when a run ends badly."""

from pathlib import Path

import pytest

from environments import Backend
from environments.spec import SandboxSpec
from tasks._test_server import TestServer
from tasks.errors import VerifierFault
from tasks.repository import Repository
from tasks.testrun import VENV, TestRun

PYTHON = f"{VENV}/bin/python"
NUMBERS = "tinylib/numbers.py"


def with_change(repository: Repository, new: str, *, is_warm: bool = True) -> TestRun:
    clean = (repository.source.code / NUMBERS).read_text()
    return TestRun(
        files={NUMBERS: clean.replace("        return high\n", new).encode()},
        tests=repository.stable_tests,
        per_test_timeout_sec=20.0,
        cpu_limits=dict.fromkeys(repository.stable_tests, 0.5),
        stops_without_end=True,
        is_warm=is_warm,
    )


async def test_many_runs_share_one_sandbox(tiny_repository: Repository, bubblewrap: Backend) -> None:
    clean = TestRun(tests=tiny_repository.stable_tests, is_warm=True)
    async with TestServer(tiny_repository.verifier_spec(), bubblewrap, python=PYTHON) as server:
        seen = set()
        for is_warm in (True, False, True):
            bug = await server.run(
                with_change(tiny_repository, "        return low\n", is_warm=is_warm), timeout_sec=60
            )
            again = await server.run(clean, timeout_sec=60)
            assert bug.was_warm is is_warm and again.was_warm
            assert "failed" in {each.outcome for each in bug.results}
            assert {each.outcome for each in again.results} == {"passed"}
            seen.add(id(server._sandbox))
        assert len(seen) == 1


@pytest.mark.parametrize(
    "deadly",
    [
        "        import os, signal; os.kill(-1, signal.SIGKILL)\n",
        "        import os, signal; os.kill(os.getppid(), signal.SIGKILL)\n",
    ],
)
async def test_after_a_run_that_ended_all_there_is_another_sandbox(
    tiny_repository: Repository, bubblewrap: Backend, deadly: str
) -> None:
    async with TestServer(tiny_repository.verifier_spec(), bubblewrap, python=PYTHON) as server:
        report = await server.run(with_change(tiny_repository, deadly), timeout_sec=60)
        assert not report.is_complete or report.is_tampered
        after = await server.run(TestRun(tests=tiny_repository.stable_tests, is_warm=True), timeout_sec=60)
        assert after.is_complete and {each.outcome for each in after.results} == {"passed"}


async def test_a_sandbox_that_has_gone_meanwhile_is_replaced(tiny_repository: Repository, bubblewrap: Backend) -> None:
    clean = TestRun(tests=tiny_repository.stable_tests[:1], is_warm=True)
    async with TestServer(tiny_repository.verifier_spec(), bubblewrap, python=PYTHON) as server:
        assert (await server.run(clean, timeout_sec=60)).is_complete
        assert server._sandbox is not None
        await server._sandbox.stop()  # as when its lifetime is over
        assert (await server.run(clean, timeout_sec=60)).is_complete


async def test_what_a_run_leaves_running_is_ended(tiny_repository: Repository, bubblewrap: Backend) -> None:
    stray = "        import subprocess; subprocess.Popen(['sleep', '100'], start_new_session=True); return high\n"
    count = "import subprocess\ndef test_count(): assert subprocess.run(['pgrep', 'sleep']).returncode == 1\n"
    async with TestServer(tiny_repository.verifier_spec(), bubblewrap, python=PYTHON) as server:
        assert (await server.run(with_change(tiny_repository, stray), timeout_sec=60)).is_complete
        looking = TestRun(files={"test_count.py": count.encode()}, tests=("test_count.py::test_count",))
        (found,) = (await server.run(looking, timeout_sec=60)).results
        assert found.outcome == "passed", found.longrepr


async def test_a_run_out_of_time_is_given_up(tiny_repository: Repository, bubblewrap: Backend) -> None:
    sleeps = TestRun(
        files={"test_sleeps.py": b"import time\ndef test_it(): time.sleep(100)\n"}, tests=("test_sleeps.py::test_it",)
    )
    async with TestServer(tiny_repository.verifier_spec(), bubblewrap, python=PYTHON) as server:
        report = await server.run(sleeps, timeout_sec=3)
        assert report.timed_out and not report.is_complete


async def test_without_pytest_it_says_so(tiny_repository: Repository, bubblewrap: Backend, tmp_path: Path) -> None:
    async with TestServer(SandboxSpec(layers=(tmp_path,)), bubblewrap, python="/usr/bin/no-python") as server:
        with pytest.raises(VerifierFault, match="could not be started"):
            await server.run(TestRun(tests=()), timeout_sec=20)


LOUD = """\
import logging
import sys

import pytest

from tinylib import clamp


def test_value():
    assert clamp(9, 0, 5) == 5


def test_printed(capsys):
    print(clamp(9, 0, 5))
    assert capsys.readouterr().out == "5\\n"


def test_logged(caplog):
    logging.getLogger("tinylib").warning("%d", clamp(9, 0, 5))
    assert caplog.messages == ["5"]


def test_a_message_whose_arguments_do_not_fit():
    logging.getLogger("tinylib").warning("%d and %d", clamp(9, 0, 5))


@pytest.mark.skipif(sys.version_info > (3,), reason="never")
def test_skipped():
    raise AssertionError


@pytest.mark.xfail
def test_expected():
    raise AssertionError
"""


@pytest.mark.parametrize("is_warm", [True, False])
@pytest.mark.parametrize("names", [None, ("value", "a_message_whose_arguments_do_not_fit", "skipped", "expected")])
async def test_lean_runs_end_as_whole_ones(
    tiny_repository: Repository, bubblewrap: Backend, names: tuple[str, ...] | None, is_warm: bool
) -> None:
    all_names = ("value", "printed", "logged", "a_message_whose_arguments_do_not_fit", "skipped", "expected")
    tests = tuple(f"tests/test_loud.py::test_{name}" for name in names or all_names)
    files = {"tests/test_loud.py": LOUD.encode()}
    async with TestServer(tiny_repository.verifier_spec(), bubblewrap, python=PYTHON) as server:
        ends = []
        for is_lean in (False, True):
            run = TestRun(files=files, tests=tests, per_test_timeout_sec=20, is_warm=is_warm, is_lean=is_lean)
            report = await server.run(run, timeout_sec=60)
            ends.append({each.node_id: each.outcome for each in report.results})
        assert ends[0] == ends[1]
        assert set(ends[1].values()) >= {"passed", "failed", "skipped", "xfailed"}


MANY = """\
import pytest


@pytest.mark.parametrize("number", range(9))
def test_many(number):
    raise ValueError(f"the number {number}")
"""


async def test_of_many_failures_the_first_are_explained_and_the_others_named(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    """A traceback takes longer than many a test. Nothing of pytest may be changed for that: it would be tampering."""
    tests = tuple(f"tests/test_many.py::test_many[{number}]" for number in range(9))
    run = TestRun(files={"tests/test_many.py": MANY.encode()}, tests=tests, most_failures=9, is_lean=True)
    spec = tiny_repository.verifier_spec()
    async with TestServer(spec, bubblewrap, python=PYTHON, warm=None, explains=True) as server:
        shuffled = await server.run(run.model_copy(update={"random_order_seed": 1}), timeout_sec=60)
        report = await server.run(run, timeout_sec=60)
    assert report.is_complete and not report.is_tampered
    told = [each.longrepr for each in report.results]
    assert all("in test_many" in text and "E   ValueError" in text for text in told[:6])
    assert told[6:] == ["the number 6", "the number 7", "the number 8"]
    assert report.collected == tests and sorted(shuffled.collected) == sorted(tests) and shuffled.collected != tests
