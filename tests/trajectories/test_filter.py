"""`--where`: what is understood, what is refused, and that nothing of it is run as SQL."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from tasks.audit.finding import Finding
from tasks.task import Provenance
from tests.trajectories.conftest import make_rollout
from trajectories.errors import BadFilter
from trajectories.filter import parse_filter
from trajectories.rollout import Attempt
from trajectories.store import Store, open_store
from trajectories.tables import RolloutRow

PROVENANCE = Provenance(source="x", source_hash="h")
HARD = {"difficulty": {"files": 2, "lines": 30, "tests": 4, "distance": 5, "distance_median": 5.5}}
EASY = {"difficulty": {"files": 1, "lines": 2, "tests": 9}}


@pytest.mark.parametrize(
    ("expression", "tasks"),
    [
        ("", ["a", "b", "c"]),
        ("agent = 'react'", ["a", "b"]),
        ("reward >= 1 and agent != 'nop'", ["a"]),
        ("not (agent = 'react') or reward = 0", ["b", "c"]),
        ("task in ('a', 'c')", ["a", "c"]),
        ("task not in ('a')", ["b", "c"]),
        ("task like '%'' OR 1=1 --'", []),
        ("task not like 'b%'", ["a", "c"]),
        ("steps > 2.5", ["a", "b", "c"]),
        ("tokens = 30 and privileged = false and unknown = false", ["a", "b", "c"]),
        ("started_at < '2026-01-01T00:00:01' and started_at >= '2026-01-01T01:00:00+01:00'", ["a", "b", "c"]),
        ("started_at > '2026-01-02'", []),
        ("suite_name = 'demo'", ["a", "b", "c"]),
        ("attempts = 0", ["a", "c"]),
        ("attempts > 0 and findings = 0", ["b"]),
        ("findings > 0", ["c"]),
        ("findings in (0, 1) and not attempts = 1", ["a"]),
    ],
)
def test_expressions_choose(store: Store, expression: str, tasks: list[str]) -> None:
    store.register_suite(hash="suite", name="demo", version="1", tasks=[("c", "repository", PROVENANCE)])
    findings = [Finding(task_id="c", kind="text", place=place) for place in ("/a", "/b")]
    store.record_audit("suite", ["c"], findings, datetime(2026, 1, 1, tzinfo=UTC))
    store.record(make_rollout("a"))
    store.record(make_rollout("b", reward=0.0, attempts=[Attempt(kind="network", step_id=2, evidence="curl x")]))
    store.record(make_rollout("c", reward=0.0, agent="nop"))
    assert sorted(row.task_id for row in store.rollouts(expression)) == tasks


@pytest.mark.parametrize(
    ("expression", "tasks"),
    [
        ("difficulty_lines > 2", ["hard"]),
        ("difficulty_files = 1 and difficulty_tests in (9, 10)", ["easy"]),
        ("difficulty_distance >= 2", ["hard"]),
        ("difficulty_distance < 2", []),  # of `easy` it is not known
        ("not difficulty_lines > 100", ["easy", "hard"]),  # `bare` was not measured: neither one nor the other
        ("difficulty_pass_rate <= 0.5", ["hard"]),
        ("difficulty_pass_rate > 0 and difficulty_pass_rate < 1", ["hard"]),
        ("difficulty_pass_rate = 1", ["bare", "easy"]),
    ],
)
def test_rollouts_are_chosen_by_the_difficulty_of_their_task(store: Store, expression: str, tasks: list[str]) -> None:
    measured = {"hard": HARD, "easy": EASY, "bare": {}}
    registered = [(task, "repository", PROVENANCE.model_copy(update={"details": details}))
                  for task, details in measured.items()]  # fmt: skip
    store.register_suite(hash="suite", name="demo", version="1", tasks=registered)
    for task in measured:
        store.record(make_rollout(task))
    store.record(make_rollout("hard", agent="repair", reward=0.0))
    # None of these tells how hard a task is: outcome unknown, told the answer, tried to cheat.
    store.record(make_rollout("easy", agent="repair", reward=0.0, error="no sandbox"))
    store.record(make_rollout("hard", agent="oracle", is_privileged=True))
    store.record(make_rollout("hard", agent="thief", attempts=[Attempt(kind="network", step_id=2, evidence="curl x")]))
    assert sorted({row.task_id for row in store.rollouts(expression)}) == tasks


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("colour = 'red'", "expected a column .*agent.*found 'colour'"),
        ("agent == 'x'", "expected a text in single quotes for agent, found '='"),
        ("agent = 1", "expected a text in single quotes for agent, found '1'"),
        ("reward = 'x'", "expected a number for reward, found 'x'"),
        ("steps = 99999999999999999999", "expected a number for steps"),
        (f"steps = {'9' * 5000}", "expected a number for steps"),
        ("steps like '1%'", "expected =, !="),
        ("started_at > 'yesterday'", "a date and time such as"),
        ("started_at > '0001-01-01T00:00+23:00'", "a date and time such as"),
        ("unknown = 'maybe'", "true or false"),
        ("(" * 5000 + "reward = 1", "write it flatter"),
        ("agent = react", "found 'react'"),
        ("agent = 'x' and", "found the end"),
        ("(agent = 'x'", "closing parenthesis"),
        ("agent = 'x'; drop table rollouts", "cannot read from"),
        ("agent 'x'", "expected =, !="),
    ],
)
def test_what_cannot_be_read_is_named(expression: str, message: str) -> None:
    with pytest.raises(BadFilter, match=message):
        parse_filter(expression)


def test_sqlite_takes_no_index_for_a_filter_that_is_to_have_none(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, store.reading() as session:

        def plan(*, by_index: bool) -> str:
            query = select(RolloutRow).where(parse_filter("attempts = 0 and agent = 'a'", by_index=by_index))
            query = query.order_by(col(RolloutRow.started_at).desc(), col(RolloutRow.id).desc()).limit(5)
            sql = query.compile(store.engine, compile_kwargs={"literal_binds": True})
            return str(session.execute(text(f"EXPLAIN QUERY PLAN {sql}")).all())

        assert "rollouts_by_time" in plan(by_index=False) and "TEMP B-TREE" not in plan(by_index=False)
        assert "rollouts_by_time" not in plan(by_index=True)
