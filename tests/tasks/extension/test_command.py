"""`gristmill extend` as a person calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from flows.cli import extend
from flows.errors import UsageError
from tasks.errors import BadTaskFolder
from tasks.suite import Suite

PROGRAM = """
import typer
from flows.cli import extend

app = typer.Typer()
app.callback()(lambda: None)
extend.add_to(app)
app()
"""


def call(*arguments: str) -> BaseException | None:
    app = typer.Typer()
    app.callback()(lambda: None)
    extend.add_to(app)
    return CliRunner().invoke(app, ["extend", *arguments]).exception


def test_wrong_usage_is_told_before_anything_starts(atomic_suite: Suite, tmp_path: Path) -> None:
    fault = call(str(atomic_suite.folder), "--by", "height", "--out", str(tmp_path / "x"))
    assert isinstance(fault, UsageError) and "give one of depth, width, chain" in str(fault)
    fault = call(str(tmp_path / "none"), "--by", "depth", "--out", str(tmp_path / "x"))
    assert isinstance(fault, BadTaskFolder) and "there is no such folder" in str(fault)
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_the_whole_command(atomic_suite: Suite, tmp_path: Path) -> None:
    out = tmp_path / "deep"
    arguments = ["--by", "depth", "--levels", "3", "--out", str(out), "-n", "2", "--seed", "1", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "extend", str(atomic_suite.folder), *arguments],
        env={**os.environ, "GRISTMILL_STORE": str(tmp_path / "store")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["accepted"] == 2 and result["levels"] == {"2": 1, "3": 1}
    assert len(list((out / "tasks").iterdir())) == 2
