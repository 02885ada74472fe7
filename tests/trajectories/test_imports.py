"""Trajectories of other tools come in as rollouts, once, with what is known of their reward."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from flows.cli import store as command
from trajectories.errors import BadImport
from trajectories.imports import ImportReport, import_trajectories, read_rewards
from trajectories.messages import to_messages
from trajectories.rollout import Rollout
from trajectories.store import Store, open_store

CALL = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
USAGE = {"response": {"usage": {"prompt_tokens": 10, "completion_tokens": 3}}, "actions": [{"command": "ls"}]}

MINI = {
    "trajectory_format": "mini-swe-agent-1.1",
    "instance_id": "astropy__astropy-12907",
    "info": {
        "exit_status": "Submitted",
        "submission": "diff --git a/x.py b/x.py\n",
        "model_stats": {"instance_cost": 0.25, "api_calls": 1},
        "mini_version": "2.2.7",
        "config": {"model": {"model_name": "deepseek/deepseek-chat", "model_kwargs": {"api_key": "hush"}}},
    },
    "messages": [
        {"role": "system", "content": "You can use a shell."},
        {"role": "user", "content": "Mend it."},
        {"role": "assistant", "content": "I look.", "tool_calls": [CALL], "extra": USAGE},
        {"role": "tool", "tool_call_id": "c1", "content": "x.py", "extra": {"raw_output": "x.py"}},
        {"role": "exit", "content": "diff"},
    ],
}
MINI_AS_TEXT = {
    **MINI,
    "messages": [
        {"role": "user", "content": "Mend it."},
        {"role": "assistant", "content": "```bash\nls\n```"},
        {"role": "user", "content": "<output>x.py</output>"},
        {"role": "assistant", "content": "done"},
    ],
}
SWE_AGENT = {
    "environment": "swe_main",
    "replay_config": json.dumps({"agent": {"model": {"name": "gpt-4o"}}}),
    "info": {
        "exit_status": "exit_cost",
        "submission": None,
        "model_stats": {"tokens_sent": 7, "tokens_received": 2, "instance_cost": 1},
    },
    "history": [
        {"role": "system", "content": "Here is how.", "agent": "main", "message_type": "system_prompt"},
        {"role": "assistant", "content": "shown", "is_demo": True},
        {"role": "user", "content": [{"type": "text", "text": "Mend it."}]},
        {"role": "assistant", "content": "I look.", "tool_calls": [CALL], "thought": "I look.", "action": "ls"},
        {"role": "tool", "content": [{"type": "text", "text": "x.py"}], "tool_call_ids": ["c1"]},
    ],
    "trajectory": [],
}
ATIF = {
    "schema_version": "ATIF-v1.7",
    "session_id": None,
    "agent": {"name": "claude-code", "version": "2", "model_name": "opus"},
    "steps": [
        {"step_id": 1, "source": "user", "message": "Mend it."},
        {
            "step_id": 2,
            "timestamp": "2026-01-01T00:00:05Z",
            "source": "agent",
            "message": "",
            "tool_calls": [{"tool_call_id": "c1", "function_name": "Bash", "arguments": {"command": "ls"}}],
            "observation": {"results": [{"source_call_id": "c1", "content": "x.py"}]},
        },
    ],
}
TRIAL = {
    "id": "0",
    "task_name": "hello-world",
    "trial_name": "hello-world__abc",
    "agent_info": {"name": "claude-code", "version": "2.1", "model_info": {"name": "opus", "provider": "anthropic"}},
    "agent_result": {"n_input_tokens": 100, "n_output_tokens": 20, "cost_usd": 0.5},
    "verifier_result": {"rewards": {"reward": 1.0, "style": 0.5}},
    "exception_info": None,
    "started_at": "2026-01-01T00:00:00Z",
    "finished_at": "2026-01-01T00:01:00Z",
    "agent_execution": {"started_at": "2026-01-01T00:00:10Z", "finished_at": "2026-01-01T00:00:40Z"},
}


def write(path: Path, *data: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(each) for each in data))
    return path


def job(folder: Path, name: str = "hello-world__abc", atif: Any = ATIF, **changes: Any) -> Path:
    """A Harbor job of one trial."""
    write(folder / "result.json", {"n_total_trials": 1, "stats": {}})
    write(folder / name / "result.json", {**TRIAL, **changes})
    if atif is not None:
        write(folder / name / "agent" / "trajectory.json", atif)
    return folder


def only(store: Store) -> Rollout:
    (row,) = store.rollouts()
    return store.body(row)


def test_mini_swe_agent(store: Store, tmp_path: Path) -> None:
    write(tmp_path / "runs" / "a.traj.json", MINI)
    report = import_trajectories(store, tmp_path / "runs", suite="mini", rewards={"astropy__astropy-12907": 1.0})
    assert (report.imported, report.unknown, report.bad) == (1, 0, [])
    rollout = only(store)
    assert (rollout.key.agent, rollout.key.model) == ("mini-swe-agent", "deepseek/deepseek-chat")
    assert (rollout.ending, rollout.verdict.reward, rollout.cost_usd) == ("submitted", 1.0, 0.25)
    assert (rollout.prompt_tokens, rollout.completion_tokens) == (10, 3)
    assert [message["role"] for message in to_messages(rollout.trajectory)] == ["system", "user", "assistant", "tool"]
    assert "hush" not in rollout.model_dump_json()
    (task,) = store.tasks()
    assert (task.id, task.repository) == ("astropy__astropy-12907", "astropy")
    assert [(suite.name, suite.tasks) for suite in store.suites()] == [("mini", 1)]


def test_an_agent_that_calls_by_text_keeps_its_text(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        import_trajectories(store, write(tmp_path / "a.traj.json", MINI_AS_TEXT), suite="mini")
        messages = to_messages(only(store).trajectory)
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant"]
    assert messages[2]["content"] == "<output>x.py</output>"


def test_swe_agent(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        import_trajectories(store, write(tmp_path / "django__django-1.traj", SWE_AGENT), suite="swe", license="MIT")
        rollout, (row,) = only(store), store.rollouts()
    assert (rollout.key.task_id, rollout.key.model, rollout.ending) == ("django__django-1", "gpt-4o", "cost_limit")
    assert rollout.is_unknown  # nobody verified it
    assert (rollout.prompt_tokens, row.license) == (7, "MIT")
    sources = [step.source for step in rollout.trajectory.steps]
    assert sources == ["system", "user", "user", "agent"]  # the demonstration is not the agent's
    assert rollout.trajectory.steps[3].observation


def test_swe_agents_old_files(tmp_path: Path) -> None:
    old = {"trajectory": [{"response": "I look", "action": "ls\n", "observation": "x.py"}], "info": {}}
    with open_store(tmp_path / "store") as store:
        import_trajectories(store, write(tmp_path / "a.traj", old), suite="swe")
        (step,) = only(store).trajectory.steps
    assert (step.message, step.observation and step.observation.results[0].content) == ("I look", "x.py")


def test_harbor(store: Store, tmp_path: Path) -> None:
    assert import_trajectories(store, job(tmp_path / "job"), suite="hello").imported == 1
    rollout = only(store)
    assert (rollout.key.task_id, rollout.key.agent, rollout.key.model) == (
        "hello-world",
        "claude-code",
        "anthropic/opus",
    )
    assert (rollout.verdict.reward, rollout.agent_sec, rollout.total_sec) == (1.0, 30.0, 60.0)
    assert {check.name: check.passed for check in rollout.verdict.checks} == {"reward": True, "style": False}
    assert (rollout.prompt_tokens, rollout.cost_usd) == (100, 0.5)
    assert len(rollout.trajectory.steps) == 2


FAILED = {"exception_type": "RuntimeError", "exception_message": "no container"}


@pytest.mark.parametrize(
    ("changes", "ending", "is_unknown", "is_privileged"),
    [
        ({"exception_info": {**FAILED, "exception_type": "AgentTimeoutError"}}, "time_limit", False, False),
        ({"exception_info": FAILED, "verifier_result": None}, "infrastructure_error", True, False),
        ({"exception_info": FAILED}, "agent_error", False, False),
        ({"verifier_result": None}, "finished", True, False),
        ({"agent_info": {"name": "oracle", "version": "1"}}, "finished", False, True),
    ],
)
def test_how_a_trial_ended(
    changes: dict[str, Any], ending: str, is_unknown: bool, is_privileged: bool, tmp_path: Path
) -> None:
    with open_store(tmp_path / "store") as store:
        import_trajectories(store, job(tmp_path / "job", atif=None, **changes), suite="hello")
        rollout = only(store)
    assert (rollout.ending, rollout.is_unknown, rollout.is_privileged) == (ending, is_unknown, is_privileged)


def test_importing_again_adds_what_is_new(tmp_path: Path) -> None:
    row = {"task": "a", "model": "m", "messages": [{"role": "user", "content": "1 + 1?"}]}
    answers = [{**row, "messages": [*row["messages"], {"role": "assistant", "content": each}]} for each in "23"]
    with open_store(tmp_path / "store") as store:

        def run(*rows: Any) -> ImportReport:
            return import_trajectories(store, write(tmp_path / "chats.jsonl", *rows), suite="chats")

        assert (run(answers[0]).imported, store.count()) == (1, 1)
        again = run(*reversed(answers))
        assert (again.imported, again.known, store.count()) == (1, 1, 2)
        assert store.count("unknown = true") == 2
        judged = run(*({**answer, "reward": reward} for answer, reward in zip(answers, (1, 0), strict=True)))
        assert (judged.imported, store.count(), store.count("reward >= 1 and unknown = false")) == (2, 2, 1)
        assert run(*answers).known == 2  # what is known is not lost


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "x.jsonl:2: no JSON"),
        ('{"messages": 1}', "no object with a list"),
        ('{"messages": [{"role": "robot"}]}', "unknown role 'robot'"),
        ('{"messages": [{"role": "tool", "content": "x"}]}', "no call was made"),
        ('{"messages": [], "reward": 7}', "not a number in 0…1"),
        ('{"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]}', "has no name"),
    ],
)
def test_what_cannot_be_read_is_named(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"messages": [{"role": "user", "content": "hi"}]}\n' + line)
    with open_store(tmp_path / "store") as store:
        report = import_trajectories(store, tmp_path, suite="x")
        assert report.imported == 1
        assert said in report.bad[0]


def test_arguments_that_are_no_json_are_kept(tmp_path: Path) -> None:
    call = {"id": "c1", "function": {"name": "bash", "arguments": "{ls"}}
    row = {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}
    with open_store(tmp_path / "store") as store:
        import_trajectories(store, write(tmp_path / "x.jsonl", row), suite="x")
        (step,) = only(store).trajectory.steps
    assert step.tool_calls and step.tool_calls[0].arguments == {"_text": "{ls"}


def test_nothing_that_fits_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with open_store(tmp_path / "store") as store:
        with pytest.raises(BadImport, match="nothing there"):
            import_trajectories(store, tmp_path / "empty", suite="x")
        with pytest.raises(BadImport, match="there are: auto, harbor"):
            import_trajectories(store, tmp_path, suite="x", format="hrabor")


def test_rewards_come_from_swe_benchs_report(tmp_path: Path) -> None:
    report = {"resolved_ids": ["a"], "unresolved_ids": ["b"], "empty_patch_ids": ["c"], "error_ids": ["d"]}
    assert read_rewards(write(tmp_path / "r.json", report)) == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert read_rewards(write(tmp_path / "r.json", {"a": 0.5})) == {"a": 0.5}
    with pytest.raises(BadImport, match="neither"):
        read_rewards(write(tmp_path / "r.json", ["a"]))


def test_the_command(tmp_path: Path) -> None:
    app, run = typer.Typer(), CliRunner()
    command.add_to(app)
    write(tmp_path / "runs" / "a.traj.json", MINI)
    rewards = write(tmp_path / "rewards.json", {"astropy__astropy-12907": 1})
    arguments = ["--suite", "mini", "--rewards", str(rewards), "--store", str(tmp_path / "store"), "--json"]
    said = run.invoke(app, ["store", "import", str(tmp_path / "runs"), *arguments])
    assert (json.loads(said.stdout)["imported"], said.exit_code) == (1, 0)
    (tmp_path / "runs" / "b.traj").write_text("{")
    said = run.invoke(app, ["store", "import", str(tmp_path / "runs"), *arguments])
    assert (json.loads(said.stdout)["known"], said.exit_code) == (1, 1)
