"""The command in this process, in a folder of its own: quick, and the same code as in a shell."""

import os
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Done, Run


@pytest.fixture
def gristmill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run it in tmp_path; settings, home and store of nobody else's."""
    from flows.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("GRISTMILL_")]:
        monkeypatch.delenv(name)

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["gristmill", *arguments])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run
