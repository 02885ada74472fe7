"""While a cluster of our own starts, a signal is kept: raised when it is up, and not seen by what it starts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from flows.engines.starting import undisturbed
from flows.terminated import Terminated, sigterm_raises


@pytest.fixture(autouse=True)
def ctrl_c_raises() -> Iterator[None]:
    """What runs in the background may not have it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_is_raised_when_the_start_is_done(
    number: signal.Signals, raised: type[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    steps = []
    with sigterm_raises(), pytest.raises(raised), undisturbed():
        os.kill(os.getpid(), number)
        steps.append("the rest of the start")
    assert steps
    assert "ends when the cluster has started" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_the_signal_goes_before_what_it_broke() -> None:
    with pytest.raises(KeyboardInterrupt), undisturbed():
        os.kill(os.getpid(), signal.SIGINT)
        raise RuntimeError("a worker has not started")


def test_a_second_one_does_not_wait() -> None:
    with sigterm_raises(), pytest.raises(Terminated), undisturbed():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the start goes on")


def test_what_the_start_takes_is_given_back() -> None:
    with sigterm_raises(), pytest.raises(Terminated):
        with undisturbed():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as Ray's client does
        os.kill(os.getpid(), signal.SIGTERM)


WORKER = """
import os, signal
from flows.engines.dask_worker import dask_setup
os.kill(os.getpid(), signal.SIGINT)  # the terminal's, for the group
dask_setup(None)
print("lives", os.getpgid(0) == os.getpid(), signal.pthread_sigmask(signal.SIG_BLOCK, []), flush=True)
os.kill(os.getpid(), signal.SIGINT)
"""


def test_a_worker_is_born_deaf_to_ctrl_c_and_what_it_starts_is_not() -> None:
    with undisturbed():
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    said, error = process.communicate(timeout=30)
    assert said == "lives True set()\n"
    assert "KeyboardInterrupt" in error, "one that is sent to it alone is its own"
