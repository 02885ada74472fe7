"""Each form of an export: what its trainer reads, row by row."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import yaml

from tasks.verdict import Check, Verdict
from tests.trajectories.conftest import BASH, lines, make_rollout, make_trajectory
from trajectories.atif import Observation, ObservationResult, Step, ToolCall
from trajectories.errors import BadExport
from trajectories.exports import export, export_names
from trajectories.exports.exporter import example_of
from trajectories.store import Store, open_store


@pytest.fixture
def compared(tmp_path: Path) -> Store:
    """Two tasks: of `easy` two rollouts passed and two failed, one of them far longer; of `hard` none passed."""
    store = open_store(tmp_path / "store")
    for attempt, (reward, steps) in enumerate([(1.0, 2), (1.0, 3), (0.0, 3), (0.5, 40)]):
        store.record(attempted("easy", attempt, reward, steps))
    for attempt in range(2):
        store.record(attempted("hard", attempt, 0.0, 2))
    return store


def attempted(task: str, attempt: int, reward: float, steps: int) -> Any:
    trajectory = make_trajectory(f"{task}-{attempt}", steps)
    opening = (Step(step_id=0, source="system", message="You mend software."), *trajectory.steps)
    return make_rollout(
        task,
        attempt=attempt,
        reward=reward,
        trajectory=trajectory.model_copy(update={"steps": opening}),
        completion_tokens=5 * steps,
        verdict=Verdict(
            reward=reward, checks=(Check(name="a", passed=reward > 0), Check(name="b", passed=reward >= 1))
        ),
    )


def rows_of(store: Store, form: str, out: Path, **options: Any) -> list[Any]:
    """The rows of JSONL, once Parquet was seen to have as many, with the same columns."""
    export(store, to=form, out=out, test_share=0, **options)
    rows = lines(out / "train.jsonl")
    table = pyarrow.parquet.read_table(out / "train.parquet")
    assert table.num_rows == len(rows)
    assert all(set(table.column_names) == set(row) for row in rows)
    return rows


@pytest.mark.parametrize("form", sorted({*export_names()} - {"tokens"}))
def test_every_form_writes_rows_that_say_where_they_come_from(compared: Store, tmp_path: Path, form: str) -> None:
    rows = rows_of(compared, form, tmp_path / "out")
    assert rows
    for row in rows:
        assert row["task_id"] in ("easy", "hard") and compared.load(row["rollout_id"])


def test_pairs_are_of_one_task_and_matched_in_length(compared: Store, tmp_path: Path) -> None:
    (row,) = rows_of(compared, "dpo", tmp_path / "out")
    assert [message["role"] for message in row["prompt"]] == ["system", "user"]
    assert compared.load(row["rollout_id"]).verdict.reward == 1.0
    assert compared.load(row["rejected_rollout_id"]).verdict.reward == 0.0, "the one of 40 steps is far too long"
    assert (row["chosen"][0]["role"], row["rejected"][0]["role"]) == ("assistant", "assistant")
    assert row["tools"] == [BASH]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert sum(len(ids) for ids in manifest["skipped"].values()) == 1, "the other success found no partner"


def test_unpaired_preferences_have_both_labels(compared: Store, tmp_path: Path) -> None:
    rows = rows_of(compared, "kto", tmp_path / "out")
    assert sorted(row["label"] for row in rows) == [False] * 4 + [True] * 2
    assert all(row["completion"][0]["role"] == "assistant" for row in rows)


def test_reward_rows_have_the_verdict(compared: Store, tmp_path: Path) -> None:
    rows = rows_of(compared, "reward", tmp_path / "out")
    assert sorted((row["reward"], row["passed"], row["checks"]) for row in rows)[-3:] == [
        (0.5, 1, 2),
        (1.0, 2, 2),
        (1.0, 2, 2),
    ]


def test_steps_get_credit_against_the_tasks_other_rollouts(compared: Store, tmp_path: Path) -> None:
    rows = rows_of(compared, "steps", tmp_path / "out")
    assert all(row["credit"] == 0 for row in rows if row["task_id"] == "hard"), "nobody solves it: nothing to learn"
    two = [row for row in rows if row["task_id"] == "easy" and row["steps"] == 2]
    assert [row["step"] for row in two] == [1, 2]
    assert two[1]["credit"] == pytest.approx(1 - (1 + 0 + 0.5) / 3)
    assert two[0]["return"] == pytest.approx(0.99)
    assert [len(row["prompt"]) for row in two] == [2, 4] and all(len(row["completion"]) == 1 for row in two)


def test_llama_factory_has_its_sides_in_turn(compared: Store, tmp_path: Path) -> None:
    rows = rows_of(compared, "llama-factory", tmp_path / "out")
    for row in rows:
        sides = [turn["from"] for turn in row["conversations"]]
        assert set(sides[0::2]) <= {"human", "observation"} and set(sides[1::2]) <= {"gpt", "function_call"}
        assert len(sides) % 2 == 0
    assert rows[0]["system"] == "You mend software."
    assert json.loads(rows[0]["tools"]) == [BASH["function"]]
    said, _, called = rows[0]["conversations"][1]["value"].partition("<tool_call>")
    assert said == "I look at 0\n"
    assert json.loads(called.removesuffix("</tool_call>")) == {"name": "bash", "arguments": {"command": "ls"}}
    info = json.loads((tmp_path / "out" / "dataset_info.json").read_text())
    assert (tmp_path / "out" / info["gristmill_train"]["file_name"]).is_file()


def test_axolotls_configuration_names_the_files(compared: Store, tmp_path: Path) -> None:
    rows = rows_of(compared, "axolotl", tmp_path / "out")
    settings = yaml.safe_load((tmp_path / "out" / "axolotl.yaml").read_text())
    assert [part["path"] for part in settings["datasets"]] == ["train.jsonl"]
    assert settings["datasets"][0]["roles_to_train"] == ["assistant"]

    assert isinstance(rows[0]["tools"], str), "as text: its `datasets` would fill objects with nulls"
    call = rows[0]["messages"][2]["tool_calls"][0]["function"]
    assert call == {"name": "bash", "arguments": '{"command": "ls"}'}


def test_lmflow_reads_one_json_file_of_users_and_assistants_in_turn(compared: Store, tmp_path: Path) -> None:
    rows = rows_of(compared, "lmflow", tmp_path / "out")
    row = rows[0]
    assert row["system"].startswith("You mend software.\n\n") and "- bash(command)" in row["system"]
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"] * 2
    assert json.loads(row["messages"][1]["content"])["tool"] == "bash"
    whole = json.loads((tmp_path / "out" / "train" / "train.json").read_text())
    assert whole == {"type": "conversation", "instances": rows}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["files"]["train/train.json"]["rows"] == len(rows)
    assert json.loads((tmp_path / "out" / "test" / "test.json").read_text())["instances"] == []


def test_ms_swift_learns_from_what_the_agent_said_alone(compared: Store, tmp_path: Path) -> None:
    row = rows_of(compared, "ms-swift", tmp_path / "out")[0]
    assert {message["role"] for message in row["messages"] if message["loss"]} == {"assistant", "tool_call"}


@pytest.mark.parametrize(("form", "where"), [("verl", "extra_info"), ("skyrl", "extra_info"), ("verifiers", "info")])
def test_prompts_name_the_task_and_how_often_it_was_solved(
    compared: Store, tmp_path: Path, form: str, where: str
) -> None:
    rows = rows_of(compared, form, tmp_path / "out")
    facts = [json.loads(row[where]) if isinstance(row[where], str) else row[where] for row in rows]
    assert [(each["task_id"], each["pass_rate"], each["rollouts"]) for each in facts] == [
        ("easy", 0.5, 4),
        ("hard", 0.0, 2),
    ]
    assert [message["role"] for message in rows[0]["prompt"]] == ["system", "user"]


def test_calls_as_text_are_what_a_model_without_tool_calls_was_shown(compared: Store, tmp_path: Path) -> None:
    row = rows_of(compared, "trl", tmp_path / "out", calls="json")[0]
    assert [message["role"] for message in row["messages"]][:4] == ["system", "user", "assistant", "user"]
    assert "- bash(command): Run a command" in row["messages"][0]["content"]
    said = json.loads(row["messages"][2]["content"])
    assert said == {"thought": "I look at 0", "tool": "bash", "arguments": {"command": "ls"}}
    assert row["messages"][3]["content"] == "Result:\na.py"
    assert row["tools"] == []
    with pytest.raises(BadExport, match="native, json"):
        export(compared, to="trl", out=tmp_path / "other", calls="xml")  # type: ignore[arg-type]


def answered_the_other_way_round() -> Any:
    """Two calls of one message; the second was answered first."""
    first, act, *_ = make_trajectory("s", 1).steps
    calls = tuple(
        ToolCall(tool_call_id=f"c{at}", function_name="bash", arguments={"command": f"<tool_call> {at}"})
        for at in (0, 1)
    )
    results = tuple(ObservationResult(source_call_id=f"c{at}", content=f"result {at}") for at in (1, 0))
    both = act.model_copy(update={"tool_calls": calls, "observation": Observation(results=results)})
    last = Step(step_id=4, source="agent", message="Done.", reasoning_content="It works.")
    trajectory = make_trajectory("s", 1)
    return make_rollout("two", trajectory=trajectory.model_copy(update={"steps": (first, both, last)}))


def test_results_stand_in_the_order_of_their_calls_where_only_places_tell(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        store.record(answered_the_other_way_round())
        (swift,) = rows_of(store, "ms-swift", tmp_path / "swift")
        (factory,) = rows_of(store, "llama-factory", tmp_path / "factory")
        (flow,) = rows_of(store, "lmflow", tmp_path / "flow")
    results = [message["content"] for message in swift["messages"] if message["role"] == "tool_response"]
    assert results == ["result 0", "result 1"]
    _, called, observed, said = factory["conversations"]
    assert observed["value"] == "result 0\n</tool_response>\n<tool_response>\nresult 1"
    assert said["value"] == "<think>\nIt works.\n</think>\n\nDone."
    calls = json.loads(called["value"].partition("<tool_call>")[2].removesuffix("</tool_call>"))
    assert [call["arguments"]["command"] for call in calls] == ["<tool_call> 0", "<tool_call> 1"]
    assert flow["messages"][2]["content"] == "Result:\nresult 0\n\nResult:\nresult 1"


def test_an_example_splits_where_the_agent_begins() -> None:
    example = example_of(attempted("easy", 0, 1.0, 2))
    assert [message["role"] for message in example.opening] == ["system", "user"]
    assert [message["role"] for message in example.acting] == ["assistant", "tool", "assistant", "tool"]
