"""Examples that an instruction shows, answered one by one: for tasks whose tests cannot be seen."""

import json
import re
import shlex
from dataclasses import dataclass

from agents.agent import Session
from agents.cheats._failures import is_literal, paths_in

CALL = re.compile(r"([A-Za-z_]\w*)(\([^\n()]*\))`?\s*(?:->|=>|→|==|=|returns?|gives|is)\s*`?(?=([^\n`]+))")
DOCTEST = re.compile(r"^\s*>>> ([A-Za-z_]\w*)(\([^\n()]*\))\n[ \t]*(\S[^\n]*)$", re.MULTILINE)
_INPUT = r"(?:(?:sample|example) )?input(?: \d+)?\W*?:[ *]*"
_OUTPUT = r"(?:(?:sample|example|expected) )?output(?: \d+)?\W*?:[ *]*"
RUN = re.compile(
    rf"^\W*{_INPUT}\n?(.+?)\n?^\W*{_OUTPUT}\n?(.+?)(?=\n\s*\n|\s*\Z|\n\W*{_INPUT})",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
PROGRAMS = (".py", ".sh", ".js")


@dataclass(frozen=True)
class Examples:
    """`calls`: function name -> text of the arguments -> text of the value. `runs`: what is read, what is printed."""

    calls: dict[str, dict[str, str]]
    runs: dict[str, str]


def examples_in(instruction: str) -> Examples:
    """`f(2) -> 4`, `>>> f(2)` with `4` below it, and `Input: 2` / `Output: 4`, with literal values."""
    calls: dict[str, dict[str, str]] = {}
    for name, arguments, rest in (*CALL.findall(instruction), *DOCTEST.findall(instruction)):
        inside = f"({arguments[1:-1].strip().rstrip(',')},)" if arguments[1:-1].strip() else "()"
        if is_literal(inside) and (value := _longest_literal(rest)) is not None:
            calls.setdefault(name, {})[inside] = value
    runs = {_unfenced(given): _unfenced(printed) for given, printed in RUN.findall(instruction)}
    return Examples(calls, runs)


async def write_examples(session: Session) -> None:
    """Into the program (else the file) that the instruction names, its examples' answers; nothing without examples."""
    examples = examples_in(session.instruction)
    paths = paths_in(session.instruction)
    program = next((path for path in paths if path.endswith(PROGRAMS)), None)
    if program is not None and program.endswith(".py") and examples.calls:
        before = (await session.call("read", {"path": program})).data or b""
        text = before.decode(errors="replace") + "".join(_function(*each) for each in examples.calls.items())
        await session.call("write", {"path": program, "content": text})
    elif program is not None and examples.runs:
        await session.call("write", {"path": program, "content": _program(program, examples.runs)})
    elif paths and (
        answers := [*examples.runs.values(), *(v for each in examples.calls.values() for v in each.values())]
    ):
        await session.call("write", {"path": paths[-1], "content": "\n".join(answers) + "\n"})


def _longest_literal(text: str) -> str | None:
    """The longest beginning of a text that is a value; a full stop or comma after it is the sentence's."""
    ends = [end for end in range(len(text), 0, -1) if not re.fullmatch(r"\w\w", text[end - 1 : end + 1])]
    beginnings = (text[:end].strip() for end in ends)
    return next((each for each in beginnings if not each.endswith((",", ".")) and is_literal(each)), None)


def _unfenced(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.strip().startswith("```")]
    return "\n".join(lines).strip().strip("`").strip()


def _function(name: str, values: dict[str, str]) -> str:
    """As plain as can be: some judges take no attributes or calls."""
    cases = "".join(f"    if arguments == {inside}:\n        return {value}\n" for inside, value in values.items())
    return f"\n\ndef {name}(*arguments):\n{cases}"


def _program(path: str, runs: dict[str, str]) -> str:
    if path.endswith(".py"):
        return (
            f"import sys\n\nANSWERS = {runs!r}\n"
            "print(ANSWERS.get(' '.join(sys.argv[1:]) or sys.stdin.read().strip(), ''))\n"
        )
    if path.endswith(".js"):
        return (
            f"const answers = {json.dumps(runs)};\n"
            "const given = require('fs').readFileSync(0, 'utf8').trim();\n"
            "console.log(answers[given] ?? '');\n"
        )
    cases = "".join(
        f"    {shlex.quote(given)}) printf '%s\\n' {shlex.quote(printed)} ;;\n" for given, printed in runs.items()
    )
    return f'#!/bin/sh\ngiven="${{*:-$(cat)}}"\ncase "$given" in\n{cases}esac\n'
