"""Tools from solved tasks: made, validated in fresh sandboxes, de-duplicated, kept, found and used again."""

from pathlib import Path
from typing import Any

import pytest

from agents.agent import AgentLimits
from agents.errors import AgentFault
from agents.memory.past import Did, Past
from agents.recorder import Recorder
from agents.session import RolloutSession
from agents.toolmaking.abstraction import abstract
from agents.toolmaking.binding import bind
from agents.toolmaking.making import is_applicable, make_toolset
from agents.toolmaking.naming import renamed
from agents.toolmaking.toolset import Toolset, read_toolset
from agents.tools import Place, RetrieveConfig, ToolsConfig
from environments import Backend, running

from .conftest import tasks_of


def past(instruction: str, *did: tuple[str, dict[str, Any], str]) -> Past:
    return Past("r", "t", "f", instruction, tuple(Did(tool, given, answer, False) for tool, given, answer in did))


COPY = past(
    "Read memo.txt and write the town into out.txt.",
    ("search", {"pattern": "x"}, "no line matches"),
    ("read", {"path": "memo.txt"}, "     1\tmood: calm\n     2\ttown: Oslo"),
    ("write", {"path": "out.txt", "content": "Oslo\n"}, "wrote out.txt (1 lines)"),
    ("submit", {}, "submitted"),
)


def test_values_become_parameters_and_answers_are_derived() -> None:
    tool = abstract(COPY)
    assert tool is not None
    assert [call.tool for call in tool.calls] == ["read", "write"]
    assert {each.description for each in tool.parameters} == {
        "for example memo.txt", "for example town", "for example out.txt"
    }  # fmt: skip
    assert tool.derived[0].call == 0 and tool.derived[0].key is not None and "Oslo" not in str(tool.calls)
    values = bind(tool, "Please read a/b.md and write the colour into reply.txt.")
    assert values is not None and sorted(values.values()) == ["a/b.md", "colour", "reply.txt"]
    assert bind(tool, "Count the lines of all files.") is None
    assert abstract(past("Do something.", ("bash", {"command": "ls"}, "a"))) is None


def test_what_does_the_same_is_kept_once_and_found_by_both_problems() -> None:
    other = past(
        "Read card.md and write the mood into x.txt.",
        ("read", {"path": "card.md"}, "     1\tmood: sad\n     2\ttown: Rome"),
        ("write", {"path": "x.txt", "content": "sad\n"}, "wrote"),
    )
    toolset = Toolset()
    first, second = abstract(COPY), abstract(other)
    assert first is not None and second is not None
    assert toolset.add(first) is None and toolset.add(second) == first.name
    assert len(toolset.made) == 1 and len(toolset.made[0].problems) == 2


def test_three_views_vote() -> None:
    tool = abstract(COPY)
    assert tool is not None
    copy = tool.model_copy(update={"name": "copy_field", "docstring": "Take a value from a file."})
    count = tool.model_copy(
        update={
            "name": "count_lines",
            "docstring": "Count lines of a file.",
            "problems": ("How many lines has a.txt?",),
        }
    )
    toolset = Toolset([count, copy])
    assert [each.name for each in toolset.retrieve("Read note.txt and write the town into it", 1)] == ["copy_field"]
    assert [each.name for each in toolset.retrieve("Tell how many lines there are", 1)] == ["count_lines"]


async def test_a_models_words_are_taken_and_its_nonsense_is_not() -> None:
    tool = abstract(COPY)
    assert tool is not None
    names = {each.name: f"p{number}" for number, each in enumerate(tool.parameters)}

    async def good(prompt: str) -> str:
        assert "snake_case" in prompt and "memo.txt" in prompt
        quoted = ", ".join(f'"{old}": "{new}"' for old, new in names.items())
        return f'Here: {{"name": "copy_field", "docstring": "Copies.", "parameters": {{{quoted}}}}}'

    async def bad(prompt: str) -> str:
        return "I cannot"

    better = await renamed(tool, good)
    assert (better.name, better.docstring, [each.name for each in better.parameters]) == (
        "copy_field", "Copies.", ["p0", "p1", "p2"]
    )  # fmt: skip
    assert better.shape() == tool.shape()
    assert await renamed(tool, bad) == tool


async def test_made_from_solved_tasks_and_used_on_others(solving: Any, bubblewrap: Backend, tmp_path: Path) -> None:
    seen = [task for kind in ("copy", "write") for task in tasks_of(kind, range(2), tmp_path)]
    toolset, manifest = await make_toolset([(await solving(task), task) for task in seen], bubblewrap)
    assert (manifest.tried, manifest.not_validated, len(toolset.made)) == (4, 0, 2)
    toolset.write(tmp_path / "made", manifest)
    read = read_toolset(tmp_path / "made")
    assert read.made == toolset.made
    held_out = [task for kind in ("copy", "write") for task in tasks_of(kind, range(7, 9), tmp_path)]
    assert all([await is_applicable(read, task, bubblewrap) for task in held_out])
    other = tasks_of("field", range(1), tmp_path)[0]
    assert not await is_applicable(Toolset(read.made[-1:]), other, bubblewrap)

    config = ToolsConfig(toolsets=(tmp_path / "made",), retrieve=RetrieveConfig(show=5, ranking="bm25"))
    async with running(bubblewrap, seen[-1].agent_spec) as sandbox:
        place = Place(sandbox, bubblewrap, seen[-1])
        session = RolloutSession(place, seed=1, limits=AgentLimits(), recorder=Recorder("s"), model=None)
        await session.open(config)
        writer = next(each for each in read.made if len(each.calls) == 1)
        values = bind(writer, seen[-1].instruction)
        assert values is not None
        assert "wrote" in (await session.call(writer.name, values)).text


def test_a_broken_toolset_is_told(tmp_path: Path) -> None:
    with pytest.raises(AgentFault, match=r"manifest.yaml"):
        read_toolset(tmp_path)
    (tmp_path / "manifest.yaml").write_text("version: 1\ntools: [gone]\n")
    with pytest.raises(AgentFault, match=r"gone.yaml"):
        read_toolset(tmp_path)
