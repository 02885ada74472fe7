"""The `program` grader: a program on hidden inputs, each in a process of its own (COFO, MBPP: Austin et al. 2021).

What is expected never enters the sandbox: outputs and returned values are compared outside it.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.graders._languages import built, language_of
from tasks.graders._python_cases import check_call_cases, run_call_cases
from tasks.graders._reading import Refused, read_text
from tasks.graders._stdin_cases import run_stdin_cases
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed, share


@dataclass(frozen=True)
class ProgramData:
    """`cases`: {stdin, stdout} for programs; {arguments, keywords, expected | raises} for calls of `function`.

    `asserts`: Python statements as in MBPP, `assert f(1, 2) == 3`; both kinds of calls are for a Python file with
    functions. `setup`: Python statements before each. `compare`: `tokens` (white space does not count), `lines`
    (trailing white space does not count) or `exact`; numbers in tokens may differ by `tolerance`.
    `command`: how to run it where `language` does not say, as [node, solution.js].
    """

    cases: list[dict[str, Any]] = field(default_factory=list)
    asserts: list[str] = field(default_factory=list)
    output: str = "solution.py"
    language: Literal["auto", "python", "c", "cpp", "java"] = "auto"
    command: list[str] = field(default_factory=list)
    function: str = ""
    setup: str = ""
    compare: Literal["tokens", "lines", "exact"] = "tokens"
    tolerance: float = 0.0
    time_limit_sec: float = 2.0
    memory_mb: int = 256
    all_or_nothing: bool = False


class ProgramGrader:
    name = "program"
    Data = ProgramData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Reward: the share of cases. Raises CannotGrade for no cases, cases that say nothing, no compiler."""
        calls = check_call_cases(data)
        if not data.cases and not calls:
            raise CannotGrade("program: `cases` or `asserts` needs at least one")
        try:
            await read_text(work, data.output)
            parts: list[Part] = []
            if stdin_cases := [case for case in data.cases if "stdout" in case]:
                command = data.command or await built(work, data.output, language_of(data), data.memory_mb)
                parts += await run_stdin_cases(work, command, stdin_cases, data)
            if calls:
                parts += await run_call_cases(work, calls, data)
        except Refused as reason:
            return failed(data.output, str(reason))
        graded = share(parts)
        return Grade(0.0, graded.parts) if data.all_or_nothing and graded.reward < 1 else graded
