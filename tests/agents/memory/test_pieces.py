"""Pieces by name: parsed, told apart, refused with what there is; and hung onto any agent."""

import pytest

from agents.errors import UnknownAgent
from agents.memory.composed import Composed
from agents.memory.errors import BadPiece
from agents.memory.pieces import make_piece, piece_names, split_name, with_pieces
from agents.registry import agent_class, get_agent
from agents.repair import Repair
from agents.rollout import seed_of
from tests.agents.conftest import RollOut
from trajectories.rollout import RolloutKey


def test_the_name_of_an_agent_says_its_pieces_and_their_options() -> None:
    assert (
        with_pieces("react", ["best_of_n:tests=false:n=3", "edit_state"])
        == "react+best_of_n:n=3:tests=false+edit_state"
    )
    assert split_name("react+workflows:where=reward >= 1+edit_state") == (
        "react",
        ["workflows:where=reward >= 1", "edit_state"],
    )
    agent = get_agent("repair+best_of_n:n=3", tries=5)
    assert isinstance(agent, Composed) and agent.name == "repair+best_of_n:n=3" and agent.version == "1+1"
    assert isinstance(agent.agent, Repair) and agent.agent.tries == 5
    assert agent_class("react+edit_state").needs_model and get_agent("oracle+edit_state").needs_reference  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("react+wings", "no piece is called 'wings'; there are: best_of_n"),
        ("react+best_of_n:n=many", "n: Input should be a valid integer"),
        ("react+best_of_n:speed=3", "speed: Extra inputs are not permitted. Its options: n, scorer, tests"),
        ("wizard+edit_state", "no agent is called 'wizard'"),
    ],
)
def test_what_is_not_there_is_told_with_what_there_is(name: str, said: str) -> None:
    with pytest.raises(UnknownAgent, match=said):
        get_agent(name)


@pytest.mark.parametrize("name", piece_names())
def test_every_piece_can_be_made_without_options(name: str) -> None:
    assert make_piece(name).name == name


def test_a_piece_without_a_name_is_no_piece() -> None:
    with pytest.raises(BadPiece, match="cannot be read"):
        make_piece("a b")


def test_an_attempt_has_the_same_seed_with_pieces_as_without() -> None:
    def seed(agent: str, attempt: int = 0) -> int:
        return seed_of(RolloutKey(suite_hash="s", task_id="t", agent=agent, backend="b", attempt=attempt))

    assert seed("react") == seed("react+edit_state") != seed("react+edit_state", attempt=1)


async def test_any_agent_takes_pieces_and_its_rollout_says_so(rolling: RollOut) -> None:
    rollout = await rolling("oracle+edit_state")
    assert rollout.verdict.is_solved and rollout.is_privileged
    assert (rollout.key.agent, rollout.trajectory.agent.name) == ("oracle+edit_state", "oracle+edit_state")
    step = rollout.trajectory.steps[1]
    assert step.observation is not None
    assert "[your changes so far: 1 file]\ntinylib/numbers.py: +1 -1\n-         return low" in str(
        step.observation.results[0].content
    )
