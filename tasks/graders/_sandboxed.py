"""Running a grader's own program in the sandbox: the request goes in by stdin, so that no file of it lies there."""

import json
import secrets
from pathlib import Path
from typing import Any

from tasks.graders._reading import shown
from tasks.graders.grading import CannotGrade, Ran, Work

_INSIDE = Path(__file__).with_name("_inside")
_NOT_FOUND = (126, 127)  # what a shell says where a command is missing or cannot be run


class NoAnswer(Exception):
    """The program ended without its answer: at its time limit, out of memory, or ended by what it ran."""


async def ask_inside(
    work: Work, name: str, request: Any, *, timeout_sec: float, cwd: str | None = None, isolated: bool = True
) -> Any:
    """The answer of _inside/NAME.py to a request.

    Neither the folder's modules nor variables are seen; `isolated`: no installed packages either. The answer is the
    last line that starts with a word that only this run knows. Raises NoAnswer, CannotGrade where there is no Python.
    """
    word = secrets.token_hex(16)
    program = (_INSIDE / f"{name}.py").read_text(encoding="utf-8")
    flags = ["-I", "-S"] if isolated else ["-I", "-B"]
    ran = await work.run(
        ["python3", *flags, "-c", program],
        timeout_sec=timeout_sec,
        stdin=json.dumps({"word": word, "request": request}).encode(),
        cwd=cwd,
    )
    for line in reversed(ran.stdout.splitlines()):
        if line.startswith(word):
            try:
                return json.loads(line[len(word) :])
            except (ValueError, RecursionError):
                raise NoAnswer("its answer was cut") from None
    if await is_missing(work, "python3", ran):
        raise CannotGrade("the sandbox has no python3; this grader needs it there")
    raise NoAnswer(why_ended(ran, timeout_sec))


async def is_missing(work: Work, command: str, ran: Ran) -> bool:
    """Whether it ended so because there is no such command; the same exit codes can come from what it ran."""
    if ran.exit_code not in _NOT_FOUND:
        return False
    looked = await work.run(["/bin/sh", "-c", 'command -v "$1"', "sh", command], timeout_sec=10)
    return looked.exit_code != 0


def why_ended(ran: Ran, timeout_sec: float) -> str:
    """One line on how a command ended that did not do what it should."""
    if ran.timed_out or ran.exit_code is None:
        return f"stopped after {timeout_sec:g} s"
    said = [line for line in ran.stderr.strip().splitlines() if line.strip()]
    return f"exit code {ran.exit_code}" + (f": {shown(said[-1], 300)}" if said else "")
