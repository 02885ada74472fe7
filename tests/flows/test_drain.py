"""An orderly end, with real signals to this process: what is under way gets its grace, and nothing new begins."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for_futures

import prefect.exceptions  # noqa: F401  takes a second the first time, as it has in a flow long before
import pytest

from flows.drain import Drain, Drained
from flows.terminated import Terminated, sigterm_raises


def signalled(number: signal.Signals, *after: float) -> None:
    """Send it to this process, so many seconds from now."""
    for seconds in after:
        timer = threading.Timer(seconds, os.kill, (os.getpid(), number))
        timer.daemon = True
        timer.start()


def test_the_grace_runs_from_the_first_call_on() -> None:
    drain = Drain(0.2)
    assert not drain.is_begun and not drain.is_over
    drain.check()
    drain.begin()
    assert drain.is_begun and not drain.is_over
    time.sleep(0.1)
    drain.begin()
    time.sleep(0.11)
    assert drain.is_over
    with pytest.raises(Drained, match="the same command goes on"):
        drain.check()


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_is_raised_after_what_was_under_way_has_ended(
    number: signal.Signals, raised: type[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    ended: list[str] = []

    async def work() -> None:
        await asyncio.sleep(1.0)
        ended.append("by itself")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may not have it
    try:
        signalled(number, 0.2, 0.25)  # the second one within a second belongs to the first
        with sigterm_raises(), pytest.raises(raised):
            Drain(5.0).run("candidates", work)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended == ["by itself"]
    assert "no new candidates begin; those under way have 5 s to end" in capfd.readouterr().err


def test_what_lasts_longer_is_stopped_once_and_cleans_up_in_peace() -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.5)  # as a sandbox is taken away: not cut short by a second cancellation
            seen.append("cleaned up")

    signalled(signal.SIGTERM, 0.1)
    began = time.monotonic()
    with sigterm_raises(), pytest.raises(Terminated):
        Drain(0.3).run("rollouts", work)
    assert seen == ["cleaned up"]
    assert time.monotonic() - began < 5


def test_a_part_that_failed_for_good_ends_the_others_in_order() -> None:
    drain = Drain(0.2)
    began: list[int] = []

    def part(number: int) -> None:
        if number == 0:
            raise ValueError("no room")
        for _ in range(100):
            if drain.is_over:
                return
            if not drain.is_begun:
                began.append(number)
            time.sleep(0.05)

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(part, number) for number in range(2)]
        with (
            pytest.raises(ValueError, match="no room"),
            drain.guarding("parts", lambda seconds: wait_for_futures(futures, timeout=seconds)),
        ):
            for future in futures:
                future.result()
    assert drain.is_over and len(began) < 10


SCRIPT = """
import asyncio, sys, time
from flows.drain import Drain
from flows.terminated import sigterm_raises
async def work():
    print("at work", flush=True)
    await asyncio.sleep(60)
with sigterm_raises():
    Drain(30.0).run("rollouts", work)
"""


def test_a_second_signal_ends_the_process_at_once() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGTERM)
    time.sleep(1.5)
    assert process.poll() is None, "the grace has not been given"
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 143
    assert "SIGTERM again: ended at once" in said
