"""edit_state: the model reads what it has changed so far, whatever had changed it."""

from agents.agent import AgentLimits, Session, ToolAnswer
from agents.memory.composed import Composed
from agents.memory.edit_state import EditState
from agents.rollout import roll_out
from environments import Backend
from tasks.task import Task
from tests.agents.conftest import RollOut
from tests.agents.openai_server import says, serving
from tests.agents.test_react import FIX, model
from tests.agents.test_rollout import Act
from trajectories.rollout import RolloutKey


async def test_the_state_follows_each_change_and_only_changes(tiny_task: Task, bubblewrap: Backend) -> None:
    seen: list[ToolAnswer] = []

    async def act(session: Session) -> None:
        seen.append(await session.call("edit", FIX))
        seen.append(await session.call("bash", {"command": "ls"}))
        seen.append(await session.call("bash", {"command": "echo 1 > new.txt"}))
        undo = {"path": FIX["path"], "old": FIX["new"], "new": FIX["old"]}
        await session.call("edit", undo)
        seen.append(await session.call("bash", {"command": "rm new.txt"}))

    agent = Composed(Act(act), [EditState()], "test+edit_state")  # type: ignore[arg-type]
    key = RolloutKey(suite_hash="s", task_id=tiny_task.id, agent="test+edit_state", backend="bubblewrap")
    await roll_out(tiny_task, agent, bubblewrap, key=key, limits=AgentLimits(), model=None)
    edited, listed, made, undone = (answer.note for answer in seen)
    assert edited.splitlines()[:2] == ["[your changes so far: 1 file]", "tinylib/numbers.py: +1 -1"]
    assert listed == "", "nothing has changed, nothing is said"
    assert made.splitlines()[:3] == ["[your changes so far: 2 files]", "new.txt: +1 -0 (new)", "+ 1"]
    assert undone == "[your changes so far: none; all is as it was]"
    assert "your changes" not in seen[0].text, "agents in code read the answer alone"


async def test_a_model_is_sent_the_state(rolling: RollOut) -> None:
    with serving(says("", ("edit", FIX)), says("", ("submit", {}))) as (server, url):
        rollout = await rolling("react+edit_state", model=model(url))
    assert rollout.verdict.is_solved
    assert "[your changes so far: 1 file]" in server.requests[1]["messages"][-1]["content"]
