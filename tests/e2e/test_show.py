"""`gristmill show` and `gristmill export` on a store with findings and attempts, by the real command."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks.audit.finding import Finding
from tasks.task import Provenance
from tests.e2e.conftest import Run
from tests.trajectories.conftest import make_rollout
from trajectories.rollout import Attempt, Rollout
from trajectories.store import open_store


@pytest.fixture
def cheat(tmp_path: Path) -> Rollout:
    """A success that looked into history, in a store with an honest one and a task with a finding."""
    attempt = Attempt(kind="history-search", step_id=3, evidence="git log -p")
    rollout = make_rollout("cheat", attempts=[attempt])
    provenance = Provenance(source="x", source_hash="h", repository="sqlparse")
    with open_store(tmp_path / "store") as store:
        tasks = [(task, "repository", provenance) for task in ("cheat", "honest", "leak")]
        store.register_suite(hash="suite", name="demo", version="1", tasks=tasks)
        leak = Finding(task_id="leak", kind="backup-file", place="/workspace/a.py.orig", evidence="return high")
        store.record_audit("suite", ["honest", "leak"], [leak], datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
        for each in (rollout, make_rollout("honest"), make_rollout("leak")):
            store.record(each)
    return rollout


def test_findings_are_shown_with_their_tasks(gristmill: Run, cheat: Rollout) -> None:
    tasks = {row["id"]: row for row in gristmill("show", "tasks", "--json").json}
    assert {name: row["findings"] for name, row in tasks.items()} == {"cheat": 0, "honest": 0, "leak": 1}
    assert tasks["leak"]["audited_at"].startswith("2026-01-02T03:04") and tasks["cheat"]["audited_at"] is None
    (finding,) = gristmill("show", "findings", "--json").json
    assert (finding["task_id"], finding["kind"], finding["place"]) == ("leak", "backup-file", "/workspace/a.py.orig")
    assert "/workspace/a.py.orig" in gristmill("show", "findings").stdout
    assert "audited_at" in gristmill("show", "tasks").stdout


def test_attempts_are_shown_with_their_rollouts(gristmill: Run, cheat: Rollout) -> None:
    rows = {row["task_id"]: row["attempts"] for row in gristmill("show", "rollouts", "--json").json}
    assert rows == {"cheat": 1, "honest": 0, "leak": 0}
    assert "attempts" in gristmill("show", "rollouts", "--where", "attempts > 0").stdout
    assert "attempt: history-search in step 3: git log -p" in gristmill("show", cheat.key.id).stdout
    assert gristmill("show", cheat.key.id, "--json").json["attempts"] == [cheat.attempts[0].model_dump()]


def test_exports_leave_both_out_unless_asked(gristmill: Run, cheat: Rollout) -> None:
    done = gristmill("export", "--to", "trl", "--out", "good", "--json")
    assert done.code == 0, done.stderr
    assert (done.json["rollouts"], done.json["left_out"]) == (1, {"attempts": 1, "findings": 1, "marks": 0})
    bad = gristmill("export", "--to", "trl", "--out", "bad", "--attempts", "only", "--include-findings", "--json")
    assert (bad.json["rollouts"], bad.json["filters"]["attempts"]) == (1, "only")
    wrong = gristmill("export", "--to", "trl", "--out", "x", "--attempts", "some")
    assert wrong.code == 2 and "exclude" in wrong.stderr and "Traceback" not in wrong.stderr
