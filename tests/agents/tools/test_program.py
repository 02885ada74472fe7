"""The program that keeps a shell, spoken to as `Shell` does, here without a sandbox around it."""

import json
import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Any

import pytest

from agents.tools import _program
from agents.tools._inside import MODULES
from agents.tools._program import BOOT, message, shell_program


def answers(*commands: str, program: bytes, cwd: Path) -> list[dict[str, Any]]:
    """What a keeper says to these commands, one after the other; it ends with its input."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-I", "-S", "-B", "-c", BOOT], cwd=cwd, **pipes) as keeper:
        assert keeper.stdin is not None and keeper.stdout is not None
        sent, said = keeper.stdin, keeper.stdout

        def ask(data: bytes) -> dict[str, Any]:
            sent.write(data)
            sent.flush()
            answer: dict[str, Any] = json.loads(said.readline())
            return answer

        assert ask(program) == {"id": "ready"}
        request = {"id": 1, "do": "run", "limit": 100_000, "timeout": 20.0}
        return [ask(message({**request, "command": command})) for command in commands]


# of a Python that has another form of compiled code
OTHER_MAGIC = shell_program().replace(MAGIC_NUMBER, b"\0\0\r\n", 1)


@pytest.mark.parametrize("program", [shell_program(), OTHER_MAGIC], ids=["our version", "another version"])
def test_it_runs_in_our_version_of_python_and_in_others(program: bytes, tmp_path: Path) -> None:
    first, second = answers("kept=yes; echo out; echo err >&2; (exit 3)", "echo $kept", program=program, cwd=tmp_path)
    assert (first["out"], first["err"], first["status"], first["timed_out"]) == ("out\n", "err\n", 3, False)
    assert (second["out"], second["id"]) == ("yes\n", 1)


def test_what_commands_write_arrives_as_it_is(tmp_path: Path) -> None:
    every = "".join(map(chr, range(1, 128))) + "\x80é\u2028\U0001f600" + '\\u0041"'
    (tmp_path / "f").write_text(every, encoding="utf-8")
    bad, good = answers(r"printf '\xff\x00'", "cat f", program=shell_program(), cwd=tmp_path)
    assert (bad["out"], good["out"]) == ("�\0", every)


def test_it_imports_nothing_that_takes_time(tmp_path: Path) -> None:
    """Its start is what a short rollout pays for a shell; each of these is a millisecond or more."""
    show = "import sys; sys.stderr.write(' '.join(sorted(sys.modules)))\n"
    boot = BOOT.replace("module.main()", show)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", boot], input=shell_program(), capture_output=True, cwd=tmp_path
    )
    loaded = set(done.stderr.decode().split())
    assert {f"agents.tools._inside.{name}" for name in MODULES} <= loaded
    assert not loaded & {"__future__", "contextlib", "ctypes", "json", "os", "re", "signal", "typing"}


def test_its_texts_are_those_of_the_files() -> None:
    folder = Path(_program.__file__).parent / "_inside"
    assert sorted(MODULES) == sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")
