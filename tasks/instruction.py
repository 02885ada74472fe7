"""instruction.md: an issue report from what the failing tests show, never from what was changed."""

import difflib
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from environments.diff import Diff
from tasks.errors import TaskFault
from tasks.testrun import TestResult

SHOWN = 3
PHRASINGS = 3
EXCERPT_LINES = 12
LINE_WIDTH = 200
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")  # of an object: another one in each run
SHORTEST_LEAK = 8  # characters without white space: shorter lines (`else:`, `pass`) tell nothing


class LeakFound(TaskFault):
    """An instruction contains a line of the reference."""


def write_instruction(
    name: str,
    failures: Sequence[TestResult],
    reference: Diff,
    *,
    workdir: str,
    rng: Random,
    template: str = "report.md.j2",
    context: Mapping[str, Any] | None = None,
    shows_failures: bool = True,
) -> tuple[str, tuple[str, ...]]:
    """The text and the ids of the tests that it shows (at most SHOWN; the rest stays hidden).

    `template`: a file of tasks/instructions; `context`: its own variables.
    Raises LeakFound if even the shortest form shows a line of the reference.
    """
    page = Environment(
        loader=PackageLoader("tasks", "instructions"), undefined=StrictUndefined, keep_trailing_newline=True
    ).get_template(template)
    chosen = _choose(failures, rng) if shows_failures and failures else []
    phrasing = rng.randrange(PHRASINGS)
    for detail in (excerpt_of, last_line_of, lambda result: result.outcome):
        text = page.render(
            **(context or {}),
            name=name,
            phrasing=phrasing,
            headline=headline_of(chosen[0]) if chosen and detail is excerpt_of else "tests fail",
            failures=[{"test": result.node_id, "excerpt": detail(result)} for result in chosen],
            others=len(failures) - len(chosen),
            workdir=workdir,
        )
        if not leaks(text, reference):
            return text, tuple(result.node_id for result in chosen)
        if not chosen:
            raise LeakFound(f"it contains a line of the reference: {leaks(text, reference)[0].strip()}")
    raise LeakFound("the names of the failing tests already contain a line of the reference")


def leaks(text: str, reference: Diff) -> list[str]:
    """Lines that the reference changes (either side) and that the text contains, white space aside."""
    squeezed = _squeeze(text)
    return [line for line in changed_lines(reference) if _squeeze(line) in squeezed]


def changed_lines(reference: Diff) -> list[str]:
    """Lines that are only before or only after, long enough to tell something."""
    found = []
    for change in reference.changes:
        before, after = ((data or b"").decode(errors="replace").splitlines() for data in (change.before, change.after))
        for line in difflib.ndiff(before, after):
            if line[:2] in ("- ", "+ ") and len(_squeeze(line[2:])) >= SHORTEST_LEAK:
                found.append(line[2:])
    return found


def excerpt_of(result: TestResult) -> str:
    """What pytest marks as the error: the lines of the exception, and the failing line of the test itself."""
    lines = result.longrepr.splitlines()
    errors = [line for line in lines if line.startswith("E ")]
    test_line = next((line for line in lines if line.startswith(">")), None)
    kept = ([test_line] if test_line and _is_of_the_test(lines) else []) + errors[:EXCERPT_LINES]
    return ADDRESS.sub("0x…", "\n".join(line[:LINE_WIDTH] for line in kept)) or last_line_of(result)


def last_line_of(result: TestResult) -> str:
    """Exception type and message alone."""
    errors = [line[1:].strip() for line in result.longrepr.splitlines() if line.startswith("E ")]
    text = next((line for line in errors if re.match(r"[\w.]*(Error|Exception|Warning|Exit)\b", line)), "")
    return ADDRESS.sub("0x…", text or (errors[0] if errors else result.outcome))[:LINE_WIDTH]


def headline_of(result: TestResult) -> str:
    """A few words for the title."""
    words = re.sub(r"^test_?|\[.*", "", result.node_id.rpartition("::")[2]).replace("_", " ").strip()
    return f"{words or 'a test'} fails"


def _is_of_the_test(lines: Sequence[str]) -> bool:
    """The first frame that pytest shows is the test's own function."""
    return any(line.lstrip().startswith(("def test", "async def test")) for line in lines[:10])


def _choose(failures: Sequence[TestResult], rng: Random) -> list[TestResult]:
    """A few failures with different messages before more of the same; at most half, so that some stay hidden."""
    most = min(SHOWN, max(1, len(failures) // 2))
    order = list(failures)
    rng.shuffle(order)
    seen: set[str] = set()
    fresh = [result for result in order if not (last_line_of(result) in seen or seen.add(last_line_of(result)))]  # type: ignore[func-returns-value]
    chosen = (fresh + [result for result in order if result not in fresh])[:most]
    return sorted(chosen, key=lambda result: result.node_id)


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)
