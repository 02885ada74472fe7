"""How `gristmill down` asks runs to end; tests/e2e/faults/test_worker.py does it with real ones."""

import os
import signal
import time
from pathlib import Path

import pytest
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelled

from flows.deployments.entry import ended_in_order
from flows.deployments.processes import end, marked, runs_of
from flows.drain import Drain
from flows.ending import NAME, asking, read_ending
from flows.place import Place
from tests.flows.test_deployments_processes import SLEEPS, started

WITH_A_RUN_AND_A_HELPER = f"""
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", {SLEEPS!r}], env={{**os.environ, "PREFECT__FLOW_RUN_ID": "7"}})
subprocess.Popen([sys.executable, "-c", {SLEEPS!r}])
{SLEEPS}
"""


def test_the_grace_is_the_one_that_down_gives(tmp_path: Path) -> None:
    drain = Drain(60.0, ending=tmp_path / NAME)
    with asking(tmp_path / NAME, 0.1):
        drain.begin()
    time.sleep(0.15)
    assert drain.is_over and drain.grace_sec == 0.1
    assert read_ending(tmp_path / NAME) is None, "the file is there while runs are asked, no longer"


@pytest.mark.parametrize("text", [None, "", "{}", '{"grace_sec": -1}'])
def test_any_other_signal_leaves_the_grace_as_it_was_set(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / NAME).write_text(text)
    drain = Drain(60.0, ending=tmp_path / NAME)
    drain.begin()
    assert not drain.is_over and drain.grace_sec == 60.0


def test_a_run_that_down_ends_is_cancelled_and_any_other_is_prefects_to_judge(tmp_path: Path) -> None:
    place = Place(store=str(tmp_path), cache=tmp_path, ending=tmp_path / NAME)

    @ended_in_order
    def flow(request: str, place: Place) -> str:
        raise TerminationSignal(signal.SIGTERM)

    with asking(tmp_path / NAME, 1.0):
        state: object = flow("anything", place=place)
    assert isinstance(state, type(Cancelled())) and state.name == "Cancelled"
    with pytest.raises(TerminationSignal):
        flow("anything", place)


def test_runs_are_what_a_worker_started_for_runs(tmp_path: Path) -> None:
    worker = started(tmp_path, WITH_A_RUN_AND_A_HELPER, count=3)
    found = runs_of({worker.pid})
    assert len(found) == 1 and found < marked(tmp_path)
    assert b"PREFECT__FLOW_RUN_ID=7" in Path(f"/proc/{found.pop()}/environ").read_bytes()
    assert runs_of({os.getpid()}) == set()
    end(marked(tmp_path), grace_sec=5)
