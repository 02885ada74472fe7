"""Tasks of templates in the rest of the system: agents roll out on them, leaks are found, the command makes them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents.agent import AgentLimits
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import Backend, running
from flows.cli import main
from tasks.audit import scan_own
from tasks.folder import read_task
from tasks.task import Task
from trajectories.rollout import RolloutKey

from .making import SUM

GRISTMILL = Path(sys.executable).with_name("gristmill")


@pytest.mark.parametrize(("agent", "reward"), [("oracle", 1.0), ("nop", 0.0)])
async def test_agents_roll_out_on_them(shop_task: Task, bubblewrap: Backend, agent: str, reward: float) -> None:
    key = RolloutKey(suite_hash="s", task_id=shop_task.id, agent=agent, model="", backend="bubblewrap", attempt=0)
    rollout = await roll_out(shop_task, get_agent(agent), bubblewrap, key=key, limits=AgentLimits(), model=None)
    assert rollout.verdict is not None
    assert rollout.verdict.reward == reward, rollout.verdict


async def test_an_answer_that_is_planted_is_found(
    shop_task: Task, bubblewrap: Backend, session_cache: Path, tmp_path: Path
) -> None:
    clean = await scan_own(shop_task, shop_task.reference, bubblewrap)
    assert clean.findings == ()
    assert shop_task.reference is not None
    copied = tmp_path / shop_task.id
    subprocess.run(["cp", "-r", str(shop_task.folder), str(copied)], check=True)
    (copied / "environment/files/notes/old.bak").write_bytes(
        b"kept:\n" + (shop_task.reference.changes[0].after or b"") + b"end\n"
    )
    task = read_task(copied, cache=session_cache)
    (finding,) = (await scan_own(task, task.reference, bubblewrap)).findings
    assert finding.place.endswith("notes/old.bak")


async def test_the_agents_sandbox_has_no_grader(shop_task: Task, bubblewrap: Backend) -> None:
    async with running(bubblewrap, shop_task.agent_spec) as sandbox:
        found = await sandbox.run(
            ["sh", "-c", "ls /tests /solution; find / -name 'grading.json' -not -path '/proc/*' 2>/dev/null"],
            timeout_sec=60,
        )
    assert found.stdout == ""


def gristmill(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(GRISTMILL), *arguments], cwd=folder, capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, "GRISTMILL_CACHE": str(folder / "cache")},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "give exactly one of source, template and family (SOURCE, --template FILE or --family NAME)"),
        (["here", "--family", "all"], "give exactly one of source, template and family, not source and family"),
        (["--template", "no.yaml"], "no.yaml: there is no such file"),
        (["--template", "."], ".: is a folder; give a template's file"),
        (["--template", "bad.yaml"], "bad.yaml:6: phrasings.plain: there is no parameter 'c' here"),
        (["--template", "tools.yaml"], "tools.yaml:13: tools.0: no tool is called 'bsh'; there are: bash"),
        (["--template", "sum.yaml", "--phrasing", "long"], "sum.yaml:6: phrasings: there is none called 'long'"),
        (["--template", "sum.yaml", "--generator", "x"], "generators goes with a source; a template has none"),
        (["--family", "nothing"], "no family is called 'nothing'; there are: all, "),
        (["here", "--phrasing", "all"], "phrasing goes with a template or a family; a source has none"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    (tmp_path / "sum.yaml").write_text(SUM)
    (tmp_path / "bad.yaml").write_text(SUM.replace("  b: {range: [1, 40]}\n", "").replace("{{ b }}", "{{ c }}", 1))
    (tmp_path / "tools.yaml").write_text(SUM.replace("accepts:", "tools: [bsh]\naccepts:"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["gristmill", "generate", "--out", "suite", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2 and said.out == ""
    assert told in said.err
    assert not (tmp_path / "suite").exists()


@pytest.mark.slow
def test_the_command_makes_validates_and_inspects(tmp_path: Path, bubblewrap: Backend) -> None:
    (tmp_path / "sum.yaml").write_text(SUM)
    done = gristmill(
        tmp_path, "generate", "--template", "sum.yaml", "--out", "suite", "-n", "4", "--seed", "7", "--json"
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["accepted"] == 4 and result["yields"][0]["generator"] == "sum"
    assert "generate: 4 of 4" in done.stderr
    again = gristmill(
        tmp_path, "generate", "--template", "sum.yaml", "--out", "again", "-n", "4", "--seed", "7", "--json"
    )
    assert json.loads(again.stdout)["suite_hash"] == result["suite_hash"]
    assert "4 of 4 tasks hold" in gristmill(tmp_path, "validate", "suite").stdout
    (first, *_) = sorted(path.name for path in (tmp_path / "suite/tasks").iterdir())
    shown = gristmill(tmp_path, "inspect", f"suite/{first}").stdout
    assert "Grading: numeric" in shown and "changes that count: answer.txt" in shown
    (tmp_path / "few.yaml").write_text(SUM.replace("[1, 40]", "[1, 2]"))
    few = gristmill(tmp_path, "generate", "--template", "few.yaml", "--out", "few", "-n", "9", "--phrasing", "brief")
    assert few.returncode == 1 and "4 of 9 tasks; sum: 200 draws in a row gave nothing new" in few.stderr
    assert "drawn before" in few.stdout
