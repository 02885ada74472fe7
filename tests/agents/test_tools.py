"""Tools in a real sandbox: what they give, and what they say when the caller is wrong."""

from collections.abc import AsyncIterator

import pytest

from agents.agent import AgentLimits, Submitted
from agents.recorder import Recorder
from agents.session import RolloutSession
from agents.tools.tool import Place
from environments import Backend, running
from tasks.task import Task


@pytest.fixture
async def session(tiny_task: Task, bubblewrap: Backend) -> AsyncIterator[RolloutSession]:
    async with running(bubblewrap, tiny_task.agent_spec) as sandbox:
        place = Place(sandbox, bubblewrap, tiny_task)
        yield RolloutSession(place, seed=1, limits=AgentLimits(invalid_calls=100), recorder=Recorder("s"), model=None)
        await place.close()


async def text(session: RolloutSession, tool: str, **arguments: object) -> str:
    return (await session.call(tool, arguments)).text


async def test_bash_keeps_its_folder_and_tells_the_exit_code(session: RolloutSession) -> None:
    assert await text(session, "bash", command="cd tinylib && echo $((6 * 7))") == "42"
    assert (await text(session, "bash", command="basename $PWD")) == "tinylib"
    assert await text(session, "bash", command="echo oh >&2; (exit 3)") == "[stderr]\noh\n[exit code 3]"
    assert "[stopped after 0.5 s]" in await text(session, "bash", command="sleep 9", timeout_sec=0.5)
    assert await text(session, "bash", command="true") == "[no output]"
    flood = await text(session, "bash", command="yes | head -c 1000000")
    assert len(flood) < 13_000 and "characters left out" in flood


async def test_read_write_and_edit(session: RolloutSession) -> None:
    await text(session, "write", path="new/a.txt", content="one\ntwo\nthree\n")
    assert await text(session, "read", path="new/a.txt", first_line=2, last_line=2) == "     2\ttwo"
    assert "at line 2" in await text(session, "edit", path="new/a.txt", old="two", new="2")
    assert "occurs 0 times" in await text(session, "edit", path="new/a.txt", old="two", new="2")
    assert "occurs 2 times" in await text(session, "edit", path="new/a.txt", old="e\n", new="")
    assert "FileNotFoundError" in await text(session, "read", path="nowhere")
    assert "nothing is at line 99" in await text(session, "read", path="new/a.txt", first_line=99)
    assert await text(session, "bash", command="cat new/a.txt") == "one\n2\nthree"


async def test_search(session: RolloutSession) -> None:
    assert "tinylib/numbers.py:" in await text(session, "search", pattern=r"def cl[a-z]+p")
    assert await text(session, "search", pattern="no such thing at all") == "no line matches"
    assert "nowhere" in await text(session, "search", pattern="x", path="nowhere")


async def test_run_tests_shows_failures_and_never_brings_the_tests_here(session: RolloutSession) -> None:
    answer = await session.call("run_tests", {})
    assert answer.report is not None
    failing = [result.node_id for result in answer.report.results if result.outcome == "failed"]
    assert failing and f"{len(failing)} failed" in answer.text and "assert" in answer.text
    assert await text(session, "bash", command="ls | grep -c test") == "0\n[exit code 1]"
    await text(
        session,
        "edit",
        path="tinylib/numbers.py",
        old="if value > high:\n        return low",
        new="if value > high:\n        return high",
    )
    assert "0 failed" in await text(session, "run_tests")


async def test_wrong_calls_are_told_and_counted(session: RolloutSession) -> None:
    assert "there is no tool 'fly'" in await text(session, "fly")
    assert "command: Field required" in await text(session, "bash")
    assert "timeout_sec: Input should be less" in await text(session, "bash", command="ls", timeout_sec=1e9)
    assert "speed: Extra inputs" in await text(session, "bash", command="ls", speed="fast")
    assert session.invalid_calls == 4


async def test_submit_ends(session: RolloutSession) -> None:
    with pytest.raises(Submitted):
        await session.call("submit", {})
