"""What foreign agents write of themselves becomes ATIF; the files in `recorded/` have the shape of their own."""

from pathlib import Path

import pytest

from agents.foreign.formats import FORMATS
from trajectories.errors import BadImport
from trajectories.imports.imported import Imported

RECORDED = Path(__file__).with_name("recorded")


def read(format: str, file: str) -> Imported:
    return FORMATS[format]((RECORDED / file).read_bytes(), format)


def test_claude_code_blocks_of_a_message_are_one_step() -> None:
    found = read("claude-code", "claude-code.jsonl")
    first, last = found.trajectory.steps
    assert (first.message, first.reasoning_content) == ("I look at the file.", "The comparison looks turned round.")
    assert first.tool_calls and first.tool_calls[0].function_name == "Read"
    assert first.observation and first.observation.results[0].content == "def clamp(value, low, high):"
    assert first.metrics and (first.metrics.prompt_tokens, first.metrics.cached_tokens) == (140, 40)
    assert last.message == "Mended."
    assert (found.ending, found.trajectory.agent.version) == ("step_limit", "2.1.332")


def test_codex_what_was_said_before_a_call_is_the_calls_step() -> None:
    found = read("codex", "codex.jsonl")
    look, change, failed, last = found.trajectory.steps
    assert (look.message, look.reasoning_content) == ("I look at the file.", "**Looking for the cause**")
    assert look.observation and look.observation.results[0].content == "def clamp(value, low, high):\n"
    assert change.tool_calls and change.tool_calls[0].function_name == "file_change"
    assert failed.observation and failed.observation.results[0].content == "\n[exit code 1]"
    assert (last.message, found.ending, found.prompt_tokens) == ("Mended.", "finished", 24763)


def test_openhands_observations_join_the_actions_that_caused_them() -> None:
    found = read("openhands", "openhands.json")
    sources = [step.source for step in found.trajectory.steps]
    assert sources == ["system", "user", "agent", "agent", "agent"]
    run, edit, finish = found.trajectory.steps[2:]
    assert run.message == "I look at the file."
    assert run.tool_calls and run.tool_calls[0].tool_call_id == "call_1"
    assert run.observation and run.observation.results[0].content == "x = 1"
    assert edit.tool_calls and edit.tool_calls[0].function_name == "str_replace_editor"
    assert finish.tool_calls and finish.tool_calls[0].arguments["final_thought"] == "Mended."
    assert found.ending == "finished"


def test_openhands_command_line_actions_of_one_answer_are_one_step() -> None:
    found = read("openhands-events", "openhands-events.jsonl")
    asked, look, finish = found.trajectory.steps
    assert (asked.source, asked.message) == ("user", "Mend it.")
    assert (look.message, look.reasoning_content) == ("I look at the file.", "The comparison, perhaps.")
    assert look.tool_calls and [call.arguments for call in look.tool_calls] == [
        {"command": "cat a.py"},
        {"_text": '{"command": 1'},
    ]
    assert look.observation and [each.content for each in look.observation.results] == ["x = 1", "no JSON"]
    assert finish.tool_calls and finish.tool_calls[0].arguments == {"message": "Mended."}
    assert found.ending == "finished"


def test_mini_swe_agents_dropped_answers_are_steps_too_and_say_so() -> None:
    found = read("mini-swe-agent", "mini-swe-agent.traj.json")
    said = [step for step in found.trajectory.steps if step.source == "agent"]
    assert [step.message for step in said][::2] == ["I would look at the file first.", "It is fine."]
    assert [bool((step.extra or {}).get("is_dropped")) for step in said] == [True, False, True]
    assert said[0].observation and "found 0 actions" in str(said[0].observation.results[0].content)
    assert (found.ending, found.ending_detail) == ("invalid_calls", "RepeatedFormatError")


def test_swe_agent_is_read_by_the_import() -> None:
    found = read("swe-agent", "swe-agent.traj")
    assert [step.source for step in found.trajectory.steps] == ["system", "user", "agent", "agent"]
    assert (found.ending, found.prompt_tokens) == ("submitted", 200)


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_what_is_no_such_file_is_told(format: str) -> None:
    with pytest.raises(BadImport):
        FORMATS[format](b"no trajectory at all", format)
