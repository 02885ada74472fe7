"""SQL over the store, on SQLite and on PostgreSQL."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from flows.cli import query as command
from tests.trajectories.conftest import make_rollout
from trajectories.errors import BadFilter, BadQuery
from trajectories.query import query, tables
from trajectories.store import Store, open_store


@pytest.fixture
def filled(store: Store) -> Store:
    for number in range(3):
        store.record(make_rollout(f"t{number}", reward=float(number > 0)))
    store.record(make_rollout("t0", agent="repair", reward=0.5))
    return store


def test_rows_are_counted_and_joined(filled: Store) -> None:
    answer = query(filled, "SELECT agent, count(*) AS n, avg(reward) FROM rollouts GROUP BY agent ORDER BY agent")
    assert answer.columns[:2] == ["agent", "n"]
    assert [row[:2] for row in answer.rows] == [("react", 3), ("repair", 1)]
    joined = "SELECT count(*) FROM rollouts r JOIN steps s ON s.rollout_id = r.id JOIN verdicts v USING (rollout_id)"
    assert query(filled, joined).rows == [(12,)]


def test_every_table_can_be_read_whole(filled: Store) -> None:
    for name, columns in tables().items():
        assert query(filled, f"SELECT * FROM {name}").columns == columns


def test_bodies_hold_messages_calls_and_results(filled: Store) -> None:
    sql = (
        "SELECT source, message, tool, json_extract_string(arguments, '$.command'), result FROM bodies b "
        "JOIN rollouts r ON r.id = b.rollout_id WHERE r.task_id = 't1' ORDER BY step"
    )
    rows = query(filled, sql).rows
    assert rows[0] == ("user", "Mend it.", None, None, None)
    assert rows[1] == ("agent", "I look at 0", "bash", "ls", "a.py")


def test_a_filter_says_whose_bodies_are_read(filled: Store) -> None:
    assert query(filled, "SELECT count(DISTINCT rollout_id) FROM bodies", where="agent = 'repair'").rows == [(1,)]
    with pytest.raises(BadFilter):
        query(filled, "SELECT count(*) FROM bodies", where="agnet = 'repair'")


def test_a_whole_row_can_be_asked_for_by_the_tables_name(filled: Store) -> None:
    (row,) = query(filled, "SELECT r FROM rollouts r WHERE r.task_id = 't2'").rows
    assert row[0]["license"] == "BSD-3-Clause"


def test_a_table_may_be_named_twice(filled: Store) -> None:
    sql = "WITH x AS (SELECT step FROM bodies) SELECT (SELECT count(*) FROM x), (SELECT count(*) FROM bodies)"
    assert query(filled, sql).rows == [(12, 12)]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT agnet FROM rollouts", "agnet"),
        ("SELECT * FROM rolouts", "rolouts"),
        ("DELETE FROM rollouts", "one SELECT"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("", "0 statements"),
        ("SET threads = 8", "one SELECT"),
        ("ATTACH 'x.db'", "one SELECT"),
        ("SELECT * FROM read_text('/etc/hostname')", "disabled"),
        ("SELECT * FROM '/etc/hostname.csv'", "hostname"),
        ("SELECT error('x') FROM rollouts", "x"),
    ],
)
def test_what_cannot_be_answered_says_why(tmp_path: Path, sql: str, said: str) -> None:
    with open_store(tmp_path) as store:
        store.record(make_rollout())
        with pytest.raises(BadQuery, match=said):
            query(store, sql)


def test_a_query_has_limits(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        cut = query(store, "SELECT * FROM range(10)", limit=3)
        assert (len(cut.rows), cut.is_cut) == (3, True)
        with pytest.raises(BadQuery, match="stopped after"):
            query(store, "SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b", seconds=0.2)


def test_the_command_gives_json_and_a_table(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.record(make_rollout())
    app = typer.Typer()
    command.add_to(app)
    sql = "SELECT task_id, started_at FROM rollouts"
    said = CliRunner().invoke(app, [sql, "--store", str(tmp_path), "--json"])
    assert json.loads(said.stdout)["rows"] == [{"task_id": "t1", "started_at": "2026-01-01 00:00:00"}]
    assert "t1" in CliRunner().invoke(app, [sql, "--store", str(tmp_path)]).stdout
