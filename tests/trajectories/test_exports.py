"""Exports: verified successes only, whole folders only, the rows that trainers read."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tasks.audit.finding import Finding
from tasks.task import Provenance
from tests.trajectories.conftest import BASH, lines, make_rollout, make_trajectory
from trajectories.atif import Observation, ObservationResult, Step, Trajectory
from trajectories.errors import BadExport
from trajectories.exports import ExportManifest, export
from trajectories.messages import to_messages
from trajectories.rollout import Attempt
from trajectories.store import Store, open_store


@pytest.fixture
def filled(tmp_path: Path) -> Store:
    """Successes, a failure, an unknown outcome and an oracle, on three repositories."""
    store = open_store(tmp_path / "store")
    for number, repository in enumerate(("sqlparse", "tomlkit", "attrs")):
        provenance = {"repository": repository, "license": "MIT"}
        store.record(make_rollout(f"{repository}-1", provenance=provenance))
        store.record(make_rollout(f"{repository}-2", provenance=provenance, reward=0.0))
        store.record(make_rollout(f"{repository}-3", provenance=provenance, agent="oracle", is_privileged=True))
        store.record(make_rollout(f"{repository}-4", provenance=provenance, error="lost", attempt=number))
    return store


def test_only_verified_successes_of_agents_without_the_reference(filled: Store, tmp_path: Path) -> None:
    manifest = export(filled, to="trl", out=tmp_path / "out")
    rows = lines(tmp_path / "out" / "train.jsonl") + lines(tmp_path / "out" / "test.jsonl")
    assert sorted(row["task_id"] for row in rows) == ["attrs-1", "sqlparse-1", "tomlkit-1"]
    assert manifest.licenses == {"MIT": 3}
    assert ExportManifest.model_validate_json((tmp_path / "out" / "manifest.json").read_text()) == manifest
    assert [row.rows for row in filled.exports()] == [3]
    assert export(filled, to="trl", out=tmp_path / "all", include_failures=True, include_privileged=True).rollouts == 9


@pytest.fixture
def watched(tmp_path: Path) -> Store:
    """On two repositories: an honest success, one that tried to cheat, and one on a task with a finding."""
    store = open_store(tmp_path / "watched")
    attempts = [
        Attempt(kind="network", step_id=2, evidence="curl x"),
        Attempt(kind="history-search", step_id=2, evidence="git log -p"),
        Attempt(kind="network", step_id=3, evidence="curl y"),
    ]
    for repository in ("sqlparse", "tomlkit"):
        provenance = {"repository": repository, "license": "MIT"}
        store.record(make_rollout(f"{repository}-honest", provenance=provenance))
        store.record(make_rollout(f"{repository}-cheat", provenance=provenance, attempts=attempts))
        store.record(make_rollout(f"{repository}-failed", provenance=provenance, attempts=attempts, reward=0.0))
        store.record(make_rollout(f"{repository}-leak", provenance=provenance))
    leaks = [f"{repository}-leak" for repository in ("sqlparse", "tomlkit")]
    tasks = [(leak, "repository", Provenance(source="x", source_hash="h")) for leak in leaks]
    store.register_suite(hash="suite", name="demo", version="1", tasks=tasks)
    findings = [Finding(task_id=leak, kind="text", place="/notes") for leak in leaks]
    store.record_audit("suite", leaks, findings, datetime(2026, 1, 1, tzinfo=UTC))
    return store


def exported(folder: Path) -> list[Any]:
    return lines(folder / "train.jsonl") + lines(folder / "test.jsonl")


def test_what_tried_to_cheat_and_what_can_be_cheated_is_left_out_and_counted(watched: Store, tmp_path: Path) -> None:
    manifest = export(watched, to="trl", out=tmp_path / "out")
    assert sorted(row["task_id"] for row in exported(tmp_path / "out")) == ["sqlparse-honest", "tomlkit-honest"]
    assert manifest.left_out == {"attempts": 2, "findings": 2, "marks": 0}
    assert "label" not in exported(tmp_path / "out")[0]
    everything = export(watched, to="trl", out=tmp_path / "all", include_findings=True, attempts="include")
    assert (everything.rollouts, everything.left_out) == (6, {"attempts": 0, "findings": 0, "marks": 0})
    assert everything.filters["attempts"] == "include" and everything.filters["include_findings"] is True


@pytest.mark.parametrize("form", ["trl", "ms-swift"])
def test_successes_that_tried_to_cheat_are_negatives(watched: Store, tmp_path: Path, form: str) -> None:
    export(watched, to=form, out=tmp_path / "out", attempts="only")
    rows = exported(tmp_path / "out")
    assert sorted(row["task_id"] for row in rows) == ["sqlparse-cheat", "tomlkit-cheat"], "failures are no negatives"
    assert all((row["label"], row["attempts"]) == (False, ["history-search", "network"]) for row in rows)
    table = pyarrow.parquet.read_table(tmp_path / "out" / "train.parquet").to_pylist()
    assert [(row["label"], row["attempts"]) for row in table] == [(False, ["history-search", "network"])]


def test_negatives_are_split_as_the_positives_are(watched: Store, tmp_path: Path) -> None:
    for repository in ("attrs", "rich", "flask"):  # of which there is nothing bad
        watched.record(make_rollout(f"{repository}-honest", provenance={"repository": repository, "license": "MIT"}))
    export(watched, to="trl", out=tmp_path / "good", test_share=0.4)
    export(watched, to="trl", out=tmp_path / "bad", test_share=0.4, attempts="only")
    for name in ("train", "test"):
        good, bad = (
            {row["repository"] for row in lines(tmp_path / folder / f"{name}.jsonl")} for folder in ("good", "bad")
        )
        assert bad == good & {"sqlparse", "tomlkit"}


def test_a_wrong_word_for_attempts_is_told(watched: Store, tmp_path: Path) -> None:
    with pytest.raises(BadExport, match="exclude, include, only"):
        export(watched, to="trl", out=tmp_path / "out", attempts="some")  # type: ignore[arg-type]


def test_train_and_test_share_no_repository(filled: Store, tmp_path: Path) -> None:
    export(filled, to="trl", out=tmp_path / "out", test_share=0.4)
    train, test = (
        {row["repository"] for row in lines(tmp_path / "out" / f"{name}.jsonl")} for name in ("train", "test")
    )
    assert len(train) == 2 and len(test) == 1 and not train & test


def test_one_repository_is_all_for_training_and_the_manifest_says_so(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        store.record(make_rollout())
        manifest = export(store, to="trl", out=tmp_path / "out")
    assert manifest.files["test.parquet"].rows == 0
    assert "fewer than two" in manifest.split


def test_trl_rows(filled: Store, tmp_path: Path) -> None:
    export(filled, to="trl", out=tmp_path / "out", test_share=0)
    row = lines(tmp_path / "out" / "train.jsonl")[0]
    assert row["tools"] == [BASH]
    assert [message["role"] for message in row["messages"]] == ["user", "assistant", "tool", "assistant", "tool"]
    assert row["messages"][1]["tool_calls"] == [
        {"id": "c0", "type": "function", "function": {"name": "bash", "arguments": {"command": "ls"}}}
    ]
    assert row["messages"][2] == {"role": "tool", "tool_call_id": "c0", "name": "bash", "content": "a.py"}


def test_parquet_holds_what_jsonl_holds(filled: Store, tmp_path: Path) -> None:
    export(filled, to="trl", out=tmp_path / "out", test_share=0)
    decoded = []
    for row in pyarrow.parquet.read_table(tmp_path / "out" / "train.parquet").to_pylist():
        for message in row["messages"]:
            for call in message["tool_calls"] or ():
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        messages = [
            {name: value for name, value in message.items() if value is not None} for message in row["messages"]
        ]
        decoded.append({**row, "messages": messages, "tools": json.loads(row["tools"])})
    assert decoded == lines(tmp_path / "out" / "train.jsonl")


def test_ms_swift_rows(filled: Store, tmp_path: Path) -> None:
    export(filled, to="ms-swift", out=tmp_path / "out", test_share=0)
    row = lines(tmp_path / "out" / "train.jsonl")[0]
    assert json.loads(row["tools"]) == [BASH]
    assert [message["role"] for message in row["messages"]][:4] == ["user", "assistant", "tool_call", "tool_response"]
    assert json.loads(row["messages"][2]["content"]) == {"name": "bash", "arguments": {"command": "ls"}}
    assert all(isinstance(message["content"], str) for message in row["messages"])


def test_the_same_store_and_seed_give_the_same_bytes(filled: Store, tmp_path: Path) -> None:
    first = export(filled, to="trl", out=tmp_path / "first")
    second = export(filled, to="trl", out=tmp_path / "second")
    assert first.files == second.files


def test_a_folder_that_is_in_use_is_refused(filled: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(BadExport, match="no export wrote"):
        export(filled, to="trl", out=tmp_path / "mine", overwrite=True)
    export(filled, to="trl", out=tmp_path / "out")
    with pytest.raises(BadExport, match="--overwrite"):
        export(filled, to="trl", out=tmp_path / "out")
    export(filled, to="ms-swift", out=tmp_path / "out", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out", "store"]


def test_a_kill_between_two_renames_loses_nothing(filled: Store, tmp_path: Path) -> None:
    export(filled, to="trl", out=tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / ".out.12345678.replaced")  # what a kill at the worst moment leaves
    (tmp_path / ".out.87654321.partial").mkdir()
    with pytest.raises(BadExport, match="--overwrite"):
        export(filled, to="trl", out=tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "store"]


def test_rows_that_cannot_be_rendered_are_counted_with_the_reason(tmp_path: Path) -> None:
    silent = Trajectory(session_id="s", agent=make_trajectory().agent, steps=(Step(step_id=1, source="user"),))
    stray = Step(
        step_id=3,
        source="agent",
        tool_calls=make_trajectory().steps[1].tool_calls,
        observation=Observation(results=(ObservationResult(source_call_id="other", content="x"),)),
    )
    with open_store(tmp_path / "store") as store:
        store.record(make_rollout("a", trajectory=silent))
        store.record(make_rollout("b", trajectory=silent.model_copy(update={"steps": (stray,)})))
        manifest = export(store, to="trl", out=tmp_path / "out")
    assert sorted(manifest.skipped) == [
        "step 3: a result answers call 'other', which was not made",
        "the agent said nothing and called nothing",
    ]


def test_unknown_fields_of_a_trajectory_are_kept() -> None:
    text = '{"session_id": "s", "agent": {"name": "a", "version": "1", "mood": "good"}, "steps": [], "weather": "fair"}'
    trajectory = Trajectory.model_validate_json(text)
    assert json.loads(trajectory.model_dump_json(exclude_unset=True)) == json.loads(text)


def test_what_the_system_says_comes_before_the_users_message() -> None:
    trajectory = make_trajectory()
    first, *rest = trajectory.steps
    system = Step(step_id=2, source="system", message="You mend software.")
    messages = to_messages(trajectory.model_copy(update={"steps": (first, system, *rest)}))
    assert [message["role"] for message in messages[:3]] == ["system", "user", "assistant"]
