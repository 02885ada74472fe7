"""Rows that are written many a statement are what they are one by one, on both databases."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError

from trajectories import inserting
from trajectories.inserting import insert_many
from trajectories.store import Store, open_store
from trajectories.tables import ExportRow, SuiteRow

EXPORTS: Any = ExportRow.__table__  # type: ignore[attr-defined]
SUITES: Any = SuiteRow.__table__  # type: ignore[attr-defined]


def rows(count: int) -> list[dict[str, Any]]:
    """With a time and an object, which databases hold in their own ways."""
    made = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    return [
        {"format": "trl", "out": f"ü'{each}", "rows": each, "created_at": made, "manifest": {"a": [each, None]}}
        for each in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 2, 399, 400, 1001])
def test_all_are_there_as_they_were(store: Store, count: int) -> None:
    with store.writing() as session:
        insert_many(session.connection(), EXPORTS, rows(count))
        session.commit()
        found = session.execute(select(EXPORTS).order_by(EXPORTS.c.rows)).mappings().all()
    assert [{name: row[name] for name in row if name != "id"} for row in found] == rows(count)


def test_sqlite_is_asked_once_four_hundred_rows_and_within_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    asked: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    with store.writing() as session:
        insert_many(session.connection(), EXPORTS, rows(801))
        inserts = [text for text in asked if text.startswith("INSERT")]
        assert [text.count("(?") for text in inserts] == [400, 400, 1] and len(set(inserts)) == 2
        monkeypatch.setattr(inserting, "_most_variables", lambda connection: 12)  # two rows of five columns
        asked.clear()
        insert_many(session.connection(), EXPORTS, rows(5))
        assert [text.count("(?") for text in asked if text.startswith("INSERT")] == [2, 2, 1]


def test_a_key_that_is_there_already_is_refused(store: Store) -> None:
    suites = [{"hash": f"{each % 150}", "name": "n", "version": "1", "tasks": 0} for each in range(200)]
    with store.writing() as session, pytest.raises(IntegrityError):
        insert_many(session.connection(), SUITES, suites)
