"""subgoals: two bugs that no single mutation mends; parts that were not reached are undone."""

import json
from pathlib import Path

from agents.memory.piece import Piece
from agents.strategies.subgoals import Subgoals, way_back
from environments import Backend, Diff, FileChange
from tasks.repository import Repository
from tests.agents.conftest import RollOut
from tests.agents.openai_server import says, serving
from tests.agents.test_cut_off import cut_off
from tests.agents.test_react import FIX, model
from tests.several_bugs import task_with_bugs


async def test_repair_mends_two_bugs_part_by_part(
    rolling: RollOut, tiny_repository: Repository, bubblewrap: Backend, tmp_path: Path, session_cache: Path
) -> None:
    task = await task_with_bugs(
        "clamp", "wrap", repository=tiny_repository, backend=bubblewrap, folder=tmp_path, cache=session_cache
    )
    rollout = await rolling("repair+subgoals", task=task, steps=1000)
    assert (rollout.verdict.reward, rollout.ending) == (1.0, "submitted")
    told = (rollout.trajectory.extra or {})["subgoals"]
    assert [(each["goal"], each["is_reached"]) for each in told] == [
        ("Make the failing tests of tests/test_numbers.py pass.", True),
        ("Make the failing tests of tests/test_text.py pass.", True),
    ]
    ids = [call.tool_call_id for step in rollout.trajectory.steps for call in step.tool_calls or ()]
    assert len(ids) == len(set(ids))


async def test_a_models_plan_is_carried_out_checked_and_undone_where_it_fails(rolling: RollOut) -> None:
    plan = {"parts": [{"goal": "write a note", "check": "test -s note.txt"}, {"goal": "mend clamp", "check": "true"}]}
    wrong = {"path": "other.txt", "content": "x"}
    answers = (
        says(json.dumps(plan)),
        *(says("", ("write", wrong)), says("", ("submit", {}))),  # not reached: undone
        *(says("", ("edit", FIX)), says("", ("submit", {}))),  # reached
        *(says("", ("write", {**wrong, "path": "note.txt"})), says("", ("submit", {}))),  # the second try
    )
    with serving(*answers) as (server, url):
        rollout = await rolling("react+subgoals:plan=model", model=model(url))
    assert rollout.verdict.is_solved
    told = (rollout.trajectory.extra or {})["subgoals"]
    assert [(each["try"], each["is_reached"]) for each in told] == [(1, False), (1, True), (2, True)]
    assert "other.txt" not in rollout.diff and "note.txt" in rollout.diff
    assert "was tried 1 time(s)" in json.dumps(server.requests[5]["messages"])
    assert rollout.prompt_tokens == 700, "the plan is paid for too"


async def test_a_plan_that_was_cut_off_is_none_and_the_agent_goes_on_without(rolling: RollOut) -> None:
    answers = (cut_off('{"parts": [{"goal": "write a note and'), says("", ("edit", FIX)), says("", ("submit", {})))
    with serving(*answers) as (server, url):
        rollout = await rolling("react+subgoals:plan=model", model=model(url))
    assert rollout.verdict.is_solved, rollout.ending_detail
    assert len(server.requests) == 3, "the same answer would come again"
    assert rollout.completion_tokens == 70, "the plan is paid for too"


def test_the_way_back_leads_to_what_was_before() -> None:
    made = FileChange(path="new", before=None, after=b"1")
    then = Diff(changes=(FileChange(path="a", before=b"0", after=b"1"), FileChange(path="b", before=b"0", after=b"1")))
    now = Diff(changes=(FileChange(path="a", before=b"0", after=b"2"), made))
    back = {change.path: change.after for change in way_back(now, then).changes}
    assert back == {"a": b"1", "b": b"1", "new": None}
    assert issubclass(Subgoals, Piece)
