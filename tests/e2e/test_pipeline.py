"""The main job on a small repository: source in, exports out, by the real command and on both backends."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.e2e.conftest import Run

PIPELINE = """
generate: {{source: {source}, out: suite, n: 4, seed: 1}}
rollout:
  - agent: oracle
  - agent: nop
export:
  - {{to: trl, out: export, include_privileged: true}}
"""


@pytest.fixture
def pipeline(tmp_path: Path, tiny_folder: Path) -> Path:
    file = tmp_path / "pipeline.yaml"
    file.write_text(PIPELINE.format(source=tiny_folder))
    return file


def test_one_command_goes_the_whole_way(gristmill: Run, pipeline: Path, tmp_path: Path) -> None:
    done = gristmill("run", str(pipeline), "--json")
    assert done.code == 0, done.stderr
    rates = {rate["agent"]: rate for rate in done.json["rolled_out"]["pass_rates"]}
    assert (rates["oracle"]["n"], rates["oracle"]["solved"]) == (4, 4)
    assert (rates["nop"]["n"], rates["nop"]["solved"]) == (4, 0)

    rows = pyarrow.parquet.read_table(tmp_path / "export" / "train.parquet").to_pylist()
    lines = [json.loads(line) for line in (tmp_path / "export" / "train.jsonl").read_text().splitlines()]
    assert len(rows) == len(lines) == 4
    assert lines[0]["messages"][0]["role"] in {"system", "user"}

    again = gristmill("export", "--to", "trl", "--out", "export")
    assert again.code == 2, "an export is there: refused, not overwritten"
    assert "--overwrite" in again.stderr
    assert "Traceback" not in again.stderr


def test_the_same_command_again_repeats_nothing(gristmill: Run, pipeline: Path, tmp_path: Path) -> None:
    first = gristmill("run", str(pipeline), "--json")
    manifest = (tmp_path / "suite" / "suite.json").read_bytes()
    second = gristmill("run", str(pipeline), "--json")
    assert first.json["rolled_out"]["already_there"] == 0
    assert second.json["rolled_out"]["already_there"] == 8
    assert (tmp_path / "suite" / "suite.json").read_bytes() == manifest


def test_both_backends_give_the_same_verdicts(gristmill: Run, pipeline: Path, docker_ready: None) -> None:
    assert gristmill("run", str(pipeline), "--json").code == 0
    done = gristmill("rollout", "suite", "--agent", "oracle", "--agent", "nop", "--backend", "docker", "--json")
    assert done.code == 0, done.stderr
    rows = gristmill("show", "rollouts", "--json").json
    verdicts: dict[str, dict[tuple[str, str], float]] = {"bubblewrap": {}, "docker": {}}
    for row in rows:
        verdicts[row["backend"]][row["task_id"], row["agent"]] = row["reward"]
    assert len(verdicts["docker"]) == 8
    assert verdicts["bubblewrap"] == verdicts["docker"]


def test_validate_finds_a_task_that_no_longer_holds(gristmill: Run, pipeline: Path, tmp_path: Path) -> None:
    gristmill("run", str(pipeline))
    assert gristmill("validate", "suite").code == 0
    task = next(folder for folder in sorted((tmp_path / "suite" / "tasks").iterdir()))
    shutil.rmtree(task / "solution")
    (task / "solution").mkdir()
    (task / "solution" / "solve.sh").write_text("#!/bin/sh\ntrue\n")
    done = gristmill("validate", "suite", "--json")
    assert done.code == 1
    assert [row["task_id"] for row in done.json["results"] if not row["is_valid"]] == [task.name]
