"""Pages and counts that the dashboard shows, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tasks.audit.finding import Finding
from tasks.task import Provenance
from tests.trajectories.conftest import empty_database, make_rollout
from trajectories import browsing, reading
from trajectories.browsing import findings_of, newest, of_task, rollout_page, task_page, task_rates, task_row
from trajectories.counting import (
    Rate,
    count_findings,
    size_bytes,
    started_within,
    task_families,
    totals,
    totals_by_day,
    totals_by_hour,
)
from trajectories.errors import BadFilter
from trajectories.patience import TookTooLong
from trajectories.recording import remove_rollouts
from trajectories.store import Store, open_store

START = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)  # an hour and a half before midnight
SUITE = "suite"  # the one of make_rollout


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """12 tasks of two families, two agents, a rollout each every 10 minutes; every 5th is lost. Tests only read it."""
    folder = tmp_path_factory.mktemp("browsing")
    with open_store(empty_database(request, folder), blobs=str(folder / "blobs")) as store:
        origin = Provenance(source="s", source_hash="5" * 64, license="MIT", repository="r")
        tasks = [(f"t{number:02d}", "even" if number % 2 == 0 else "odd", origin) for number in range(12)]
        store.register_suite(hash=SUITE, name="night", version="1", tasks=tasks)
        finding = Finding(task_id="t03", kind="text", place="instruction", evidence="the answer")
        store.record_audit(SUITE, [task for task, _, _ in tasks], [finding], START)
        store.record_many(
            make_rollout(
                tasks[number % 12][0],
                agent="react" if number < 12 else "repair",
                family=tasks[number % 12][1],
                reward=1.0 if number % 3 == 0 else 0.0,
                error="lost" if number % 5 == 4 else None,
                started_at=(START + timedelta(minutes=10 * number)).isoformat(),
                cost_usd=0.5,
            )
            for number in range(24)
        )
        yield store


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if each question took too long: pages look through windows of 7 rows."""
    monkeypatch.setattr(browsing, "WINDOW", 7)
    monkeypatch.setattr(browsing, "FIRST_WINDOWS", 1)
    monkeypatch.setattr(browsing, "LOOK_SEC", 0.0)

    monkeypatch.setattr(browsing, "patient", _too_long)


def _too_long(session: object, limit_sec: float = 0.0) -> None:
    raise TookTooLong


def walk(store: Store, where: str, limit: int) -> list[str]:
    """The ids of all pages."""
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        shown = rollout_page(store, where, after=after, limit=limit)
        found += [row.id for row in shown.rows]
        after = shown.after
    return found


WHERE = ("", "agent = 'react'", "reward >= 1 and unknown = false", "unknown = true", "license = 'nothing'")


@pytest.mark.parametrize("where", WHERE)
def test_pages_hold_what_the_filter_accepts_newest_first(filled: Store, where: str) -> None:
    expected = sorted(filled.rollouts(where), key=lambda row: row.started_at, reverse=True)
    assert walk(filled, where, limit=5) == [row.id for row in expected]


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.usefixtures("impatient")
def test_windows_hold_the_same(filled: Store, where: str) -> None:
    expected = sorted(filled.rollouts(where), key=lambda row: row.started_at, reverse=True)
    assert walk(filled, where, limit=5) == [row.id for row in expected]
    assert rollout_page(filled, where).looked_through == 7


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("is_patient", [True, False])
def test_the_first_few_are_the_first_of_all(
    filled: Store, where: str, is_patient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_patient:
        monkeypatch.setattr(reading, "patient", _too_long)
    expected = [row.id for row in filled.rollouts(where)]
    assert [row.id for row in filled.rollouts(where, limit=3)] == expected[:3] and expected == sorted(expected)


@pytest.mark.usefixtures("impatient")
def test_windows_follow_each_other_while_there_is_time(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsing, "LOOK_SEC", 60.0)
    shown = rollout_page(filled, "agent = 'react'")
    assert (len(shown.rows), shown.after, shown.looked_through) == (12, None, 24)


def test_a_question_that_takes_too_long_is_ended_and_the_next_one_is_not(filled: Store) -> None:
    slow = (
        "SELECT pg_sleep(5)"
        if filled.engine.dialect.name == "postgresql"
        else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999999) SELECT count(*) FROM n"
    )
    with filled.reading() as session:
        with pytest.raises(TookTooLong), browsing.patient(session, 0.02):
            session.execute(browsing.text(slow)).all()
        session.rollback()
        assert session.execute(browsing.text("SELECT 1")).scalar_one() == 1
    assert len(rollout_page(filled, limit=50).rows) == 24


def test_a_page_begins_where_the_last_one_ended_whatever_came_in_meanwhile(filled: Store) -> None:
    first = rollout_page(filled, limit=10)
    assert first.after is not None
    late = make_rollout("t00", attempt=5, started_at=(START + timedelta(days=1)).isoformat())
    filled.record(late)
    try:
        second = rollout_page(filled, after=first.after, limit=10)
        assert rollout_page(filled, limit=1).rows[0].id == late.key.id
    finally:
        with filled.writing() as session:
            remove_rollouts(session, [late.key.id])
            session.commit()
    assert second.rows[0].started_at < first.rows[-1].started_at
    assert len({row.id for row in (*first.rows, *second.rows)}) == 20
    with pytest.raises(BadFilter, match="no place in the list"):
        rollout_page(filled, after="nonsense")


def test_tasks_with_rates_and_findings(filled: Store) -> None:
    shown = task_page(filled, limit=5)
    assert [row.id for row in shown.rows] == ["t00", "t01", "t02", "t03", "t04"]
    assert shown.rates[0] == Rate(n=2, solved=2) and shown.rates[4] == Rate(n=1, unknown=1)
    assert shown.findings == [0, 0, 0, 1, 0] and shown.after == "suite~t04"
    after = task_page(filled, after=shown.after, family="odd", limit=50)
    assert [row.id for row in after.rows] == ["t05", "t07", "t09", "t11"] and after.after is None
    assert [row.id for row in task_page(filled, suite_hash=SUITE, prefix="t1").rows] == ["t10", "t11"]
    assert task_page(filled, suite_hash="none").rows == []
    assert task_families(filled) == ["even", "odd"]


def test_one_task(filled: Store) -> None:
    row = task_row(filled, SUITE, "t03")
    assert row is not None and row.family == "odd" and task_row(filled, SUITE, "none") is None
    assert [each.evidence for each in findings_of(filled, SUITE, "t03")] == ["the answer"]
    assert task_rates(filled, SUITE, "t03") == [
        ("react", "m", Rate(n=1, solved=1)),
        ("repair", "m", Rate(n=1, solved=1)),
    ]
    assert [each.agent for each in of_task(filled, SUITE, "t03")] == ["repair", "react"]
    assert [each.task_id for each in newest(filled, 2)] == ["t11", "t10"]


def test_counts_of_everything_by_day_and_by_hour(filled: Store) -> None:
    counted = totals(filled)
    whole = sum((each.rate for each in counted), Rate())
    assert whole == Rate(n=20, solved=7, unknown=4)
    assert sum(each.cost_usd for each in counted) == 12.0 and sum(each.tokens for each in counted) == 24 * 30
    days: dict[str, int] = {}
    for each in totals_by_day(filled):
        days[each.day] = days.get(each.day, 0) + each.rate.n + each.rate.unknown
    assert days == {"2026-03-01": 9, "2026-03-02": 15}
    hours = totals_by_hour(filled, START)
    assert [each.hour for each in hours] == [START.replace(minute=0) + timedelta(hours=n) for n in range(5)]
    assert [each.rate.n + each.rate.unknown for each in hours] == [3, 6, 6, 6, 3]
    since = START + timedelta(minutes=115)
    elsewhere = since.astimezone(timezone(timedelta(hours=9)))
    late = started_within(filled, since)
    assert late.n + late.unknown == 12 and started_within(filled, elsewhere) == late
    assert count_findings(filled) == {SUITE: 1}
    size = size_bytes(filled)
    assert size is not None and size > 10_000
