"""instruction.md with an issue report that a model writes: it sees what one failing test printed, and nothing else."""

import re
from collections.abc import Sequence
from random import Random
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field

from environments.diff import Diff
from tasks.instruction import ADDRESS, LINE_WIDTH, changed_lines, excerpt_of, leaks
from tasks.lm import LmClient, LmRefused, Reply, render_prompt
from tasks.testrun import TestResult

OUTPUT_LINES = 40
SHORTEST, LONGEST = 80, 6_000  # characters of a report
WORD = re.compile(r"[A-Za-z_]{4,}|\d{2,}")
# In every failure: that a report has them says nothing about this one.
COMMON = {"assert", "error", "test", "tests", "self", "raise", "none", "true", "false", "return", "expected", "where",
          "assertionerror", "python", "with", "that", "from", "this"}  # fmt: skip


class LmInstruction(BaseModel):
    """The whole text, or why the model's report was not used: then `text` is empty and `refused` says it."""

    model_config = ConfigDict(frozen=True)

    text: str = ""
    shown: tuple[str, ...] = Field((), description="ids of the tests that the text shows")
    refused: str = Field("", description="short and countable: 'leaks', 'cut off', 'says nothing of the failure', ...")
    details: dict[str, Any] = Field(default_factory=dict, description="model, tokens and cost, also of a refused one")


def write_issue(
    client: LmClient, name: str, failures: Sequence[TestResult], reference: Diff, *, workdir: str, rng: Random
) -> LmInstruction:
    """Ask for the report of one of the failures; refused where it contains a line of the reference, or is none.

    `name`: of the package; `failures`: at least one. Raises LmFault where the server does not answer.
    After SWE-smith's issue texts (Yang et al., 2025), of which the model sees the diff as well; here it does not.
    """
    chosen = rng.choice(list(failures))
    output = _output_of(chosen, reference)
    prompt = render_prompt("lm_issue.md.j2", package=name, test=chosen.node_id.rpartition("::")[2], output=output)
    try:
        reply = client.ask(prompt)
    except LmRefused as refused:
        return LmInstruction(refused="the model's server refuses the question", details={"detail": str(refused)})
    report = _without_fence(reply.text.strip())
    if refusal := _refusal(report, reply, output):
        return LmInstruction(refused=refusal, details=reply.details)
    page = Environment(
        loader=PackageLoader("tasks", "instructions"), undefined=StrictUndefined, keep_trailing_newline=True
    ).get_template("report_lm.md.j2")
    text = page.render(
        report=ADDRESS.sub("0x…", report),
        failures=[{"test": chosen.node_id}],
        others=len(failures) - 1,
        workdir=workdir,
    )
    if leaks(text, reference):
        return LmInstruction(refused="leaks", details=reply.details)
    return LmInstruction(text=text, shown=(chosen.node_id,), details=reply.details)


def _output_of(result: TestResult, reference: Diff) -> str:
    """The end of what the test printed, without the lines that the reference changes, which a traceback may show."""
    secret = {_squeezed(line) for line in changed_lines(reference)}
    lines = [line[:LINE_WIDTH] for line in result.longrepr.splitlines() if not _is_of(line, secret)]
    return ADDRESS.sub("0x…", "\n".join(lines[-OUTPUT_LINES:])) or excerpt_of(result)


def _is_of(line: str, secret: set[str]) -> bool:
    squeezed = _squeezed(line)
    return any(each in squeezed for each in secret)


def _refusal(report: str, reply: Reply, output: str) -> str:
    """Why a reply is no report of this failure; '' if it is one."""
    if reply.is_cut:
        return "cut off"
    if len(report) < SHORTEST:
        return "too short"
    if len(report) > LONGEST:
        return "too long"
    said = {word.lower() for word in WORD.findall(report)} - COMMON
    if not said & ({word.lower() for word in WORD.findall(output)} - COMMON):
        return "says nothing of the failure"
    return ""


def _without_fence(text: str) -> str:
    """Some models put the whole report into a code block."""
    whole = re.fullmatch(r"```(?:markdown|md)[ \t]*\n(.*)\n```", text, re.DOTALL)
    return whole[1].strip() if whole else text


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)
