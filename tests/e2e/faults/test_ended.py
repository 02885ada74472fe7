"""SIGTERM and Ctrl-C: nothing new begins, what is under way gets its grace, what has ended is kept, nothing is left."""

import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Run
from tests.e2e.faults.conftest import Leftovers, Model, Start, each_once, rows_of
from tests.e2e.helpers import wait_for
from tests.hello_suite import make_suite

ROLLOUT = ("rollout", "suite", "--agent", "react", "--model", "hello", "-j", "2", "--json")


@pytest.mark.timeout(180)
def test_sigterm_keeps_what_has_ended_and_the_same_command_goes_on(
    tmp_path: Path, model: Model, start: Start, gristmill: Run, leftovers: Leftovers
) -> None:
    make_suite(tmp_path / "suite", tasks=5)
    database = tmp_path / "store" / "gristmill.db"
    model.up(prompt=2)
    command = start(*ROLLOUT, env={"GRISTMILL_GRACE_SEC": "0.5"})
    wait_for("two rollouts that wait for the model", lambda: model.log.count("held") == 2, 90)
    wait_for("two rollouts in the store", lambda: len(rows_of(database)) == 2, 30)

    command.send(signal.SIGTERM)
    asked = time.monotonic()
    done = command.ended(timeout=30)
    assert done.code == 143, done.stderr
    assert time.monotonic() - asked < 12
    assert "SIGTERM: no new rollouts begin; those under way have 0.5 s to end" in done.stderr
    assert "the same command goes on" in done.stderr and "Traceback" not in done.stderr
    model.kill()
    leftovers.none()
    assert [row[3:] for row in rows_of(database)] == [(1.0, 0)] * 2  # those that were stopped left no row
    assert model.log.count("first") == 4  # the fifth did not begin

    model.up(prompt=100)
    again = gristmill(*ROLLOUT)
    assert again.code == 0, again.stderr
    assert (again.json["already_there"], again.json["solved"], again.json["unknown"]) == (2, 3, 0)
    each_once(rows_of(database), 5)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_ctrl_c_is_the_same(tmp_path: Path, model: Model, start: Start, gristmill: Run, leftovers: Leftovers) -> None:
    make_suite(tmp_path / "suite", tasks=3)
    model.up(prompt=1)
    # In a group of its own, as a terminal starts it: Ctrl-C is for the whole group.
    command = start(*ROLLOUT, env={"GRISTMILL_GRACE_SEC": "0.5"}, new_group=True)
    wait_for("two rollouts that wait for the model", lambda: model.log.count("held") == 2, 90)
    command.send_to_group(signal.SIGINT)
    done = command.ended(timeout=30)
    assert done.code == 130, done.stderr
    assert "interrupted: no new rollouts begin" in done.stderr and "Traceback" not in done.stderr
    model.kill()
    leftovers.none()
    model.up(prompt=100)
    assert gristmill(*ROLLOUT).json["already_there"] == 1
    each_once(rows_of(tmp_path / "store" / "gristmill.db"), 3)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_what_ends_within_the_grace_is_kept(tmp_path: Path, model: Model, start: Start, leftovers: Leftovers) -> None:
    make_suite(tmp_path / "suite", tasks=6)
    database = tmp_path / "store" / "gristmill.db"
    model.up(prompt=100, seconds=5)
    command = start(*ROLLOUT, env={"GRISTMILL_GRACE_SEC": "30"})
    wait_for("two rollouts that wait for the model", lambda: model.log.count("second") == 2, 90)
    command.send(signal.SIGTERM)
    done = command.ended(timeout=40)
    assert done.code == 143, done.stderr
    model.kill()
    leftovers.none()
    assert [row[3:] for row in rows_of(database)] == [(1.0, 0)] * 2
    assert model.log.count("first") == 2


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_second_signal_ends_it_at_once(
    tmp_path: Path, model: Model, start: Start, gristmill: Run, leftovers: Leftovers
) -> None:
    make_suite(tmp_path / "suite", tasks=3)
    model.up(prompt=1)
    command = start(*ROLLOUT, env={"GRISTMILL_GRACE_SEC": "60"})
    wait_for("two rollouts that wait for the model", lambda: model.log.count("held") == 2, 90)
    command.send(signal.SIGTERM)
    command.send(signal.SIGTERM)  # `timeout` sends two at once: that is one
    time.sleep(2.5)
    assert command.is_running()
    command.send(signal.SIGTERM)
    done = command.ended(timeout=3)
    assert done.code == 143 and "again: ended at once" in done.stderr
    model.kill()
    leftovers.none()
    model.up(prompt=100)
    assert gristmill(*ROLLOUT).json["already_there"] == 1
    each_once(rows_of(tmp_path / "store" / "gristmill.db"), 3)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_generate_goes_on_with_what_it_had_decided(
    tmp_path: Path, tiny_folder: Path, start: Start, gristmill: Run, leftovers: Leftovers, number: signal.Signals
) -> None:
    options = ("generate", str(tiny_folder), "-n", "60", "--seed", "3", "--json")
    journal = tmp_path / "stopped" / ".journal" / "decisions.jsonl"
    command = start(*options, "--out", "stopped", env={"GRISTMILL_GRACE_SEC": "2"})
    wait_for("decisions", lambda: journal.is_file() and journal.read_bytes().count(b"\n") > 3, 120, pause=0.01)
    command.send(number)
    done = command.ended(timeout=30)
    assert done.code == 128 + number, done.stderr
    assert "no new candidates begin" in done.stderr and "Traceback" not in done.stderr
    leftovers.none()
    assert journal.read_bytes().count(b"\n") > 3
    assert not (tmp_path / "stopped" / "suite.json").exists()  # half a suite is none
    again = gristmill(*options, "--out", "stopped")
    whole = gristmill(*options, "--out", "whole")
    assert again.code == whole.code
    assert again.json["suite_hash"] == whole.json["suite_hash"]  # the same bytes as if nobody had stopped it
