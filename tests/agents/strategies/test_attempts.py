"""best_of_n and majority: several attempts in sandboxes of their own, a choice without the verifier."""

import json

from agents.agent import AgentLimits, Session
from agents.memory.composed import Composed
from agents.memory.piece import Piece
from agents.rollout import roll_out
from agents.strategies.best_of_n import BestOfN
from agents.strategies.majority import Majority, outcome_of
from environments import Backend, Diff, FileChange
from tasks.task import Task
from tests.agents.conftest import RollOut
from tests.agents.openai_server import says, serving
from tests.agents.test_react import FIX, model
from tests.agents.test_rollout import Act
from trajectories.exports.exporter import example_of
from trajectories.rollout import Rollout, RolloutKey

WRONG = {**FIX, "new": "if value > high:\n        return value"}


async def run(act: object, piece: Piece, task: Task, backend: Backend, **limits: float) -> Rollout:
    agent = Composed(Act(act), [piece], f"test+{piece.name}")  # type: ignore[arg-type]
    key = RolloutKey(suite_hash="s", task_id=task.id, agent=agent.name, backend="bubblewrap")
    options = AgentLimits.model_validate({"seconds": 60, **limits})
    return await roll_out(task, agent, backend, key=key, limits=options, model=None)


class Trying:
    """An agent whose attempts differ: the next edit of a list each time."""

    def __init__(self, *edits: dict[str, str] | None) -> None:
        self.edits = list(edits)
        self.seeds: list[int] = []

    async def __call__(self, session: Session) -> None:
        self.seeds.append(session.seed)
        if edit := self.edits.pop(0):
            await session.call("edit", edit)
        await session.call("submit", {})


async def test_the_attempt_whose_visible_tests_pass_is_handed_in(tiny_task: Task, bubblewrap: Backend) -> None:
    trying = Trying(WRONG, FIX, None)
    rollout = await run(trying, BestOfN(n=3), tiny_task, bubblewrap)
    assert (rollout.verdict.reward, rollout.ending) == (1.0, "submitted")
    assert len(set(trying.seeds)) == 3 and trying.seeds[0] == rollout.seed
    extra = rollout.trajectory.extra or {}
    assert [each["is_chosen"] for each in extra["attempts"]] == [False, True, False]
    names = [call.function_name for step in rollout.trajectory.steps for call in step.tool_calls or ()]
    assert names == ["edit", "submit"], "the trajectory is the chosen attempt's"
    assert [step.step_id for step in rollout.trajectory.steps] == [1, 2, 3]


async def test_most_votes_win_and_doing_nothing_has_none(tiny_task: Task, bubblewrap: Backend) -> None:
    same = {**FIX, "new": "if value > high:  # too high\n        return high"}
    rollout = await run(Trying(None, WRONG, FIX, None, same), Majority(n=5), tiny_task, bubblewrap)
    assert rollout.verdict.is_solved
    assert (rollout.trajectory.extra or {})["choice"]["votes"] == 2


def test_outcomes_are_compared_by_what_they_come_to() -> None:
    def outcome(path: str, text: str) -> object:
        return outcome_of(Diff(changes=(FileChange(path=path, before=None, after=text.encode()),)))

    assert outcome("a.py", "x = 1  # one\n") == outcome("a.py", "x=1") != outcome("a.py", "x = 2")
    assert outcome("a.json", '{"a": 1, "b": 2}') == outcome("a.json", '{"b": 2, "a": 1}')
    assert outcome("answer.txt", "Karsk\n") == outcome("answer.txt", " karsk") != outcome("answer.txt", "Velm")


async def test_the_limits_hold_for_all_attempts_together(tiny_task: Task, bubblewrap: Backend) -> None:
    async def loop(session: Session) -> None:
        while True:
            await session.call("bash", {"command": "true"})

    rollout = await run(loop, BestOfN(n=3), tiny_task, bubblewrap, steps=7)
    assert rollout.ending == "step_limit"
    assert [each["steps"] for each in (rollout.trajectory.extra or {})["attempts"]] == [3, 3, 4]  # with the instruction


async def test_tokens_of_every_attempt_are_counted_and_the_export_is_the_chosen_one(rolling: RollOut) -> None:
    answers = [says("", ("edit", WRONG)), says("", ("submit", {})), says("", ("edit", FIX)), says("", ("submit", {}))]
    with serving(*answers) as (server, url):
        rollout = await rolling("react+best_of_n:n=2", model=model(url, timeout_sec=60), seconds=250)
    assert rollout.verdict.is_solved and len(server.requests) == 4
    assert (rollout.prompt_tokens, rollout.completion_tokens) == (400, 40)
    assert server.requests[0]["seed"] != server.requests[2]["seed"]
    assert WRONG["new"] not in json.dumps([dict(each) for each in example_of(rollout).messages], default=str)
