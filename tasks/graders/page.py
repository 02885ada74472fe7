"""The `page` grader: a web site after an agent's steps, subtask by subtask (VeriGUI, Liu et al. 2025).

The steps that the agent handed in are done again, by headless Chromium, on the site as it was at first. A subtask is
reached when its checks hold, of the page or of the site's own database; reward is the share of the chain of subtasks.
"""

import json
import secrets
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tasks.graders._inside.browse import MODULES
from tasks.graders._inside.browse.steps import BadSteps, read_steps
from tasks.graders._page_checks import Moment, Tables, holds, misfit, told
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed

_BROWSE = Path(__file__).with_name("_inside") / "browse"
_MOST_BYTES = 1_000_000
_MOST_LOG_BYTES = 100_000_000
_START_AND_END_SEC = 45.0
_SPOILED = 0.5
_MOST_DETAIL = 500


@dataclass(frozen=True)
class PageData:
    """`subtasks`: {name, checks, when}, in order; `keep`: checks, each with a name, that must hold when all is done.

    A check is one of {path: REGEX}, {query: {NAME: VALUE}}, {text: TEXT}, {no_text: TEXT}, {field: NAME, value: TEXT},
    {sql: QUERY, equals: VALUE or ROWS}, {sql: QUERY, unchanged: true} (as before the first step). All checks of a
    subtask hold at one moment: after any step from the subtask before it on, or with `when: end` after the last one.
    The site: `origin`, `start` (path), `restart` (POST gives its first state), `state` (GET tells its tables as JSON
    {TABLE: {columns, rows}}; a secret is in it), `refused` (beginnings of paths that no step may go to).
    """

    subtasks: list[dict[str, Any]] = field(default_factory=list)
    keep: list[dict[str, Any]] = field(default_factory=list)
    origin: str = "http://127.0.0.1:8000"
    start: str = "/"
    restart: str = ""
    state: str = ""
    refused: list[str] = field(default_factory=list)
    output: str = "actions.json"
    max_steps: int = 200
    time_limit_sec: float = 60.0
    engine: Literal["devtools", "playwright"] = "devtools"


class PageGrader:
    name = "page"
    Data = PageData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade where Chromium or the site does not work, or a check is no check."""
        _check(data)
        content = await work.read(data.output, max_bytes=_MOST_BYTES)
        if content is None:
            return failed(data.output, f"there is no {data.output} (a regular file below {_MOST_BYTES:,} bytes)")
        try:
            steps = read_steps(content, max_steps=data.max_steps)
        except BadSteps as error:
            return failed(data.output, f"{data.output} {_writable(str(error))}")
        if not steps:
            return failed(data.output, f"{data.output} has no steps")
        moments, broke = await _replay(work, data, steps)
        try:
            return _graded(data, moments, broke, len(steps))
        except sqlite3.Error as error:
            raise CannotGrade(f"page: a check's SQL: {error}") from error


def _writable(text: str) -> str:
    """What an agent wrote may come back in it."""
    return text[:_MOST_DETAIL].encode("utf-8", "replace").decode()


def _check(data: PageData) -> None:
    """Raises CannotGrade."""
    if not data.subtasks:
        raise CannotGrade("page: `subtasks` must not be empty")
    for subtask in data.subtasks:
        name, checks, when = subtask.get("name"), subtask.get("checks"), subtask.get("when", "ever")
        if not isinstance(name, str) or not isinstance(checks, list) or not checks or when not in ("ever", "end"):
            raise CannotGrade(f"page: a subtask needs name, checks and perhaps when (ever or end): {subtask}")
        for check in checks:
            if problem := misfit(check):
                raise CannotGrade(f"page: subtask {name}: {problem}: {check}")
    for check in data.keep:
        if problem := misfit(check) or ("" if isinstance(check.get("name"), str) else "needs a name"):
            raise CannotGrade(f"page: keep: {problem}: {check}")


async def _replay(work: Work, data: PageData, steps: list[dict[str, Any]]) -> tuple[list[Moment], str]:
    """The moments, and why it broke off ("" if it did not). Raises CannotGrade."""
    # A folder of its own outside of the agent's: nothing of theirs can take the place of a module.
    folder = f"/tmp/page-{secrets.token_hex(8)}"
    await work.put({f"{folder}/browse/{name}.py": (_BROWSE / f"{name}.py").read_bytes() for name in MODULES})
    request = {
        "steps": steps,
        "site": {name: getattr(data, name) for name in ("origin", "start", "restart", "state", "refused")},
        "time_limit_sec": data.time_limit_sec,
        "engine": data.engine,
        "out": f"{folder}/log.json",
    }
    ran = await work.run(
        ["python3", "-E", "-s", "-B", "-m", "browse", "--for-grader"],
        timeout_sec=data.time_limit_sec + _START_AND_END_SEC,
        stdin=json.dumps(request).encode(),
        cwd=folder,
    )
    log = await work.read(f"{folder}/log.json", max_bytes=_MOST_LOG_BYTES)
    if log is None or ran.exit_code != 0:
        why = "it did not end in time" if ran.timed_out else ran.stderr.strip()[-1000:]
        raise CannotGrade(f"page: the replay ended without a result (exit code {ran.exit_code}): {why}")
    answer = json.loads(log)
    if "cannot" in answer:
        raise CannotGrade(f"page: {answer['cannot']}")
    moments, tables = [], Tables({})
    for each in answer["moments"]:
        if "state" in each:
            tables = Tables(json.loads(each["state"]))
        moments.append(Moment(each["url"], each["text"], each["fields"], tables))
    return moments, answer["broke"]


def _graded(data: PageData, moments: list[Moment], broke: str, count: int) -> Grade:
    first, last = moments[0], moments[-1]
    parts: list[Part] = []
    at, reached, is_whole = 0, 0, True
    for subtask in data.subtasks:
        candidates = [last] if subtask.get("when") == "end" else moments[at:]
        place = next(
            (
                i
                for i, moment in enumerate(candidates)
                if all(holds(check, moment, first) for check in subtask["checks"])
            ),
            None,
        )
        if place is None:
            missed = next((check for check in subtask["checks"] if not holds(check, last, first)), None)
            parts.append(Part(subtask["name"], False, told(missed, last) if missed else "never at one moment"))
            is_whole = False
            continue
        if subtask.get("when") != "end":
            at += place
        # What comes after a subtask that was missed is shown, but earns nothing: the chain is broken there.
        parts.append(Part(subtask["name"], True, "" if is_whole else "reached, but after a subtask that was not"))
        reached += is_whole
    spoiled = [check for check in data.keep if not holds(check, last, first)]
    parts += [
        Part(check["name"], check not in spoiled, told(check, last) if check in spoiled else "") for check in data.keep
    ]
    reward = reached / len(data.subtasks) * (_SPOILED if spoiled else 1.0)
    done = (
        f"{len(moments) - 2} of {count} steps were done" if not broke else f"the replay broke off at {_writable(broke)}"
    )
    return Grade(
        reward, tuple(parts), f"{done}; {reached} of {len(data.subtasks)} subtasks; the page at the end: {last.url}"
    )
