"""Filters over a million rows of metadata, for benchmarks/store.py: how long, and by which plan."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlmodel import col

from trajectories.browsing import rollout_page
from trajectories.filter import parse_filter
from trajectories.store import Store
from trajectories.tables import RolloutRow
from trajectories.unindexed import unindexed

FILTERS = {
    "selective": "agent = 'agent-3' and model = 'model-1' and family = 'family-2' and reward >= 1 and unknown = false",
    "one suite's solved": "suite = 'suite-7' and reward >= 1 and unknown = false",
    "one task": "suite = 'suite-7' and task = 'task-0000707'",
    "solved": "reward >= 1 and privileged = false",
    "not solved": "reward < 1 and unknown = false",
    "tried to cheat": "attempts > 0",
    "an agent's solved": "agent = 'agent-3' and reward >= 1",
    "what an export takes": "unknown = false and reward >= 1 and privileged = false and attempts = 0",
    "no index": "steps > 100",
}
"""The first is the figure; the others are the dashboard's own, an export's, and one that no index answers."""

ROUNDS = 5
DAY = "'2026-01-01'"

INSERT = """
INSERT INTO rollouts (id, suite_hash, task_id, family, repository, license, agent, model, backend, attempt, seed,
  ending, ending_detail, is_unknown, is_privileged, tries, reward, steps, prompt_tokens, completion_tokens, cost_usd,
  invalid_tool_calls, agent_sec, verifier_sec, total_sec, started_at, attempts, body)
WITH RECURSIVE n(i) AS (SELECT {start} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {end})
SELECT {id}, 'suite-' || (i / 8 % 100), 'task-' || {task}, 'family-' || ((i / 8) * 48271 / 7 % 10),
  'repository-' || ((i / 8) % 100), 'MIT', 'agent-' || (i % 5), 'model-' || ((i / 5) % 4), 'bubblewrap', i, 1,
  'submitted', '', (i * 48271 / 7) % 97 = 0, i % 5 = 4, 1, CASE WHEN (i * 69621 / 11) % 3 = 0 THEN 1.0 ELSE 0.0 END,
  20 + i % 70, 20000, 1500, 0.01, 0, 60.0, 5.0, 65.0, {moment}, CASE WHEN i % 89 = 0 THEN 1 ELSE 0 END, {body} FROM n
"""
PIECE = 100_000  # rows a transaction


@dataclass(frozen=True)
class Took:
    """Milliseconds (medians) of the newest 50, the first 100 by id, and the count; the plans of the latter two.

    The page's plan is that of what is rare; the rest is found before, by looking through rows in order.
    """

    rows: int
    newest: float
    page: float
    count: float
    plans: list[str]

    @property
    def slowest(self) -> float:
        return max(self.newest, self.page, self.count)


def fill(store: Store, rows: int) -> None:
    """Rows as rollouts leave them, ids in the order of chance; a transaction each 100,000."""
    is_sqlite = store.engine.dialect.name == "sqlite"
    hashed = "(i * 2654435761 % 4294967296) * 1048576 + i"
    parts = {
        "id": f"printf('%016x', {hashed})"
        if is_sqlite
        else f"lpad(to_hex(({hashed.replace('i', 'i::bigint')})), 16, '0')",
        "task": "printf('%07d', i / 8)" if is_sqlite else "lpad((i / 8)::text, 7, '0')",
        "body": "printf('%064x', i)" if is_sqlite else "lpad(to_hex(i), 64, '0')",
        "moment": f"datetime({DAY}, '+' || (i * 7) || ' seconds') || '.000000'"
        if is_sqlite
        else f"timestamp {DAY} + i * interval '7 seconds'",
    }
    for start in range(0, rows, PIECE):
        statement = INSERT.format(
            start=start if is_sqlite else f"{start}::bigint", end=min(start + PIECE, rows), **parts
        )
        with store.engine.begin() as connection:
            connection.execute(text(statement))
    if not is_sqlite:  # what autovacuum does by itself a minute later
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE rollouts"))


def measure(store: Store) -> dict[str, Took]:
    return {name: _took(store, where) for name, where in FILTERS.items()}


def _took(store: Store, where: str) -> Took:
    count = store.count(where)  # also warms the caches, as everything is warm that is asked twice
    newest = _median(lambda: rollout_page(store, where))
    page = _median(lambda: list(store.rollouts(where, limit=100)))
    return Took(count, newest, page, _median(lambda: store.count(where)), _plans(store, where))


def _median(act: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def _plans(store: Store, where: str) -> list[str]:
    accepted = parse_filter(where)
    queries = {
        "page": select(col(RolloutRow.id)).where(accepted).order_by(unindexed(col(RolloutRow.id))).limit(100),
        "count": select(func.count()).select_from(RolloutRow).where(accepted),
    }
    is_sqlite, lines = store.engine.dialect.name == "sqlite", list[str]()
    for name, query in queries.items():
        sql = str(query.compile(store.engine, compile_kwargs={"literal_binds": True}))
        with store.engine.connect() as connection:
            for row in connection.execute(text(f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{sql}")):
                lines.append(f"{name}: {row[3] if is_sqlite else row[0]}")
    return lines
