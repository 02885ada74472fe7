"""`--where`: what is understood, what is refused, and that nothing of it is run as SQL."""

import pytest

from tests.trajectories.conftest import make_rollout
from trajectories.errors import BadFilter
from trajectories.filter import parse_filter
from trajectories.store import Store


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
        ("steps > 2.5", ["a", "b", "c"]),
    ],
)
def test_expressions_choose(store: Store, expression: str, tasks: list[str]) -> None:
    store.record(make_rollout("a"))
    store.record(make_rollout("b", reward=0.0))
    store.record(make_rollout("c", reward=0.0, agent="nop"))
    assert sorted(row.task_id for row in store.rollouts(expression)) == tasks


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("colour = 'red'", "expected a column .*agent.*found 'colour'"),
        ("agent == 'x'", "expected a number or a text"),
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
