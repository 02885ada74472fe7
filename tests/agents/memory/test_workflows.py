"""workflows: induced by rule from real rollouts, told to later ones, learned within a run."""

from pathlib import Path

import pytest

from agents.memory.abstraction import abstract_command, without_loops
from agents.memory.errors import PieceFault
from agents.memory.past import VERIFIED, Did, Past, past_of, read_past
from agents.memory.workflow import choose, induce, load_workflows, save_workflows
from agents.memory.workflows import Workflows
from tests.agents.conftest import RollOut
from trajectories.store import open_store


def solved(task: str, word: str, source: str, output: str) -> Past:
    did = (
        Did("read", {"path": source}, word, False),
        Did("write", {"path": "wrong/", "content": word}, "IsADirectoryError", True),
        Did("write", {"path": output, "content": word}, f"wrote {output}", False),
        Did("submit", {}, "submitted", False),
    )
    return Past(id=task, task=task, family="copy", instruction=f"Read {source} and copy its word to {output}.", did=did)


def test_values_become_variables_that_say_where_they_came_from() -> None:
    (workflow,) = induce([solved("a", "maple", "note.txt", "out.txt"), solved("b", "zebra", "memo.txt", "answer.txt")])
    assert workflow.steps == (
        "read(path={path from the task})",
        "write(path={path from the task}, content={content from what read gave})",
        "submit()",
    )
    assert (workflow.support, workflow.tasks) == (2, ("a", "b"))
    assert workflow.description == "copy: Read {…} and copy its word to {…}"


def test_commands_keep_programs_and_options_alone() -> None:
    command = 'cd src && grep -rn "def clamp" numbers.py | head -5; git diff a.py'
    assert abstract_command(command, "mend numbers.py") == (
        "cd {text} && grep -rn {text} {path from the task} | head -5 ; git diff {path}"
    )


def test_loops_are_told_once() -> None:
    assert without_loops(["look", *["edit", "test", "edit back"] * 40, "submit"]) == [
        "look", "edit", "test", "edit back (these 3 again as needed)", "submit",
    ]  # fmt: skip
    assert without_loops(["read", "read", "read"]) == ["read (again as needed)"]


def test_what_a_task_itself_has_taught_is_not_told_to_it() -> None:
    known = induce([solved("a", "maple", "note.txt", "out.txt")])
    asked = "Read list.txt and copy its word to card.txt."
    assert choose(known, asked, "copy", task="b", most=3, tokens=500)
    assert choose(known, asked, "copy", task="a", most=3, tokens=500) == []
    assert choose(known, asked, "copy", task="b", most=3, tokens=20) == [], "a workflow is told whole or not at all"


def test_a_file_of_workflows_is_read_back(tmp_path: Path) -> None:
    known = induce([solved("a", "maple", "note.txt", "out.txt")])
    save_workflows(known, tmp_path / "w.yaml")
    assert load_workflows(tmp_path / "w.yaml") == known
    (tmp_path / "w.yaml").write_text("- steps: []\n")
    with pytest.raises(PieceFault, match=r"w.yaml: no list of workflows"):
        load_workflows(tmp_path / "w.yaml")


async def test_only_verified_successes_of_the_store_teach(rolling: RollOut, tmp_path: Path) -> None:
    repaired, nothing = await rolling("repair", steps=300), await rolling("nop")
    with open_store(tmp_path / "store") as store:
        store.record(repaired)
        store.record(nothing)
        past = read_past(store, where=VERIFIED, dataset="", most=10)
        assert [each.id for each in past] == [repaired.key.id]
        with pytest.raises(PieceFault, match="speed"):
            read_past(store, where="speed > 3", dataset="", most=10)
    (workflow,) = induce(past)
    assert workflow.steps[0].startswith("run_tests(coverage=true") and workflow.steps[-1] == "submit()"
    assert len(workflow.steps) < len(past[0].did)


async def test_online_a_success_teaches_the_next_task(rolling: RollOut) -> None:
    piece = Workflows(when="online")
    piece.hear(await rolling("nop"))
    assert piece._known == []
    rollout = await rolling("repair", steps=300)
    piece.hear(rollout)
    piece.hear(rollout)
    assert [each.support for each in piece._known] == [2]
    assert past_of(rollout).instruction == "Numbers above the upper limit come out wrong. Make the failing tests pass."
