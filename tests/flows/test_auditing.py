"""What becomes of an audit's report: the store, the suite's folder, the rates."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.auditing import AUDIT, CHECKS, AuditReport, Check, Rate, TaskAudit, keep, keep_marks, kept_report
from flows.rollout import register
from tasks.audit import Finding
from tasks.audit.finding import Kind
from tasks.errors import BadTaskFolder
from tasks.suite import Suite, open_suite
from tasks.task import Task
from trajectories.store import open_store


@pytest.fixture
def suite(tiny_task: Task, tmp_path: Path, session_cache: Path) -> Suite:
    (tmp_path / "suite" / "tasks").mkdir(parents=True)
    (tmp_path / "suite" / "tasks" / tiny_task.id).symlink_to(tiny_task.folder)
    return open_suite(tmp_path / "suite", cache=session_cache)


def report_of(suite: Suite, kinds: tuple[Kind, ...], checks: tuple[Check, ...] = CHECKS) -> AuditReport:
    (task_id,) = suite.task_ids()
    found = tuple(Finding(task_id=task_id, kind=kind, place="here") for kind in kinds)
    return AuditReport(
        suite_hash=suite.manifest.hash,
        backend="bubblewrap",
        checks=checks,
        audited_at=datetime.now(UTC),
        tasks=(TaskAudit(task_id=task_id, family="repository", findings=found),),
        families=(),
        seconds=1.0,
    )


def test_an_audit_by_some_checks_leaves_what_others_found(suite: Suite, tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        register(suite, store)
        keep(report_of(suite, ("thief", "archive")), suite, store)
        keep(report_of(suite, ("text",), checks=("leaks",)), suite, store)
        assert {row.kind for row in store.findings(suite.manifest.hash)} == {"thief", "text"}
        keep(report_of(suite, ()), suite, store)
        assert list(store.findings(suite.manifest.hash)) == []


def test_a_whole_audit_goes_with_the_folder_and_a_part_of_one_does_not(suite: Suite, tmp_path: Path) -> None:
    with open_store(tmp_path / "one") as store:
        register(suite, store)
        keep(report_of(suite, ("text",), checks=("leaks",)), suite, store)
        assert kept_report(suite) is None
        keep(report_of(suite, ("thief",)), suite, store)
    with open_store(tmp_path / "another") as store:
        register(suite, store)
        assert [row.kind for row in store.findings(suite.manifest.hash)] == ["thief"]


def test_a_report_of_other_tasks_says_nothing_of_these(suite: Suite) -> None:
    report = report_of(suite, ("thief",)).model_copy(update={"suite_hash": "another"})
    (suite.folder / AUDIT).write_text(report.model_dump_json())
    assert kept_report(suite) is None


def test_a_broken_report_is_told(suite: Suite) -> None:
    (suite.folder / AUDIT).write_text("{}")
    with pytest.raises(BadTaskFolder, match="remove it, or audit"):
        kept_report(suite)


def test_rates_have_intervals() -> None:
    rate = Rate.of(1, 4)
    assert (rate.rate, rate.count, rate.n) == (0.25, 1, 4)
    assert rate.low < 0.25 < rate.high
    assert Rate.of(0, 0).high == 1.0


def test_a_mark_becomes_a_finding_that_no_other_check_takes_away(suite: Suite, tmp_path: Path) -> None:
    (task_id,) = suite.task_ids()
    provenance = suite.task(task_id).provenance
    marks = {task_id: provenance.model_copy(update={"details": {"contamination": "it is in a benchmark"}})}
    with open_store(tmp_path / "store") as store:
        register(suite, store)
        keep_marks(suite, {task_id: provenance}, store)
        assert list(store.findings(suite.manifest.hash)) == []
        for _ in range(2):
            keep_marks(suite, marks, store)
            keep(report_of(suite, ("thief",)), suite, store)
            found = [(row.kind, row.evidence) for row in store.findings(suite.manifest.hash)]
            assert sorted(found) == [("contaminated", "it is in a benchmark"), ("thief", "")]
        # The report that goes with the folder has both.
        report = kept_report(suite)
        assert report is not None and {finding.kind for finding in report.findings} == {"contaminated", "thief"}
        keep(report_of(suite, (), checks=("contamination",)), suite, store)
        assert [row.kind for row in store.findings(suite.manifest.hash)] == ["thief"]
