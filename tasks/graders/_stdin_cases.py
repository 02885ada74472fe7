"""Programs that read standard input: what they print is compared with what is expected, outside the sandbox."""

from typing import Any

from tasks.graders._languages import is_java, with_memory_limit
from tasks.graders._numbers import parse_number
from tasks.graders._reading import is_near, shown
from tasks.graders._sandboxed import why_ended
from tasks.graders.grading import Part, Work

_START_SEC = 0.5  # what starting an interpreter may take on a busy machine, above the case's own limit


async def run_stdin_cases(work: Work, command: list[str], cases: list[dict[str, Any]], data: Any) -> list[Part]:
    """One part a case, each run in its own process. Details show no expected output."""
    parts = []
    limited = with_memory_limit(command, data.memory_mb)
    limit = data.time_limit_sec + _START_SEC * (3 if is_java(command) else 1)
    for number, case in enumerate(cases, start=1):
        name = str(case.get("name", f"case {number}"))
        ran = await work.run(limited, timeout_sec=limit, stdin=str(case.get("stdin", "")).encode())
        if ran.exit_code != 0:
            parts.append(Part(name, False, why_ended(ran, limit)))
            continue
        is_right = same_output(ran.stdout, str(case["stdout"]), how=data.compare, tolerance=data.tolerance)
        parts.append(Part(name, is_right, "" if is_right else f"printed: {shown(ran.stdout)}"))
    return parts


def same_output(found: str, wanted: str, *, how: str, tolerance: float = 0.0) -> bool:
    """`tolerance`: absolute, or relative to the wanted number, whichever is larger; only where tokens are compared."""
    if how == "exact":
        return found == wanted
    if how == "lines":
        ours, theirs = ([line.rstrip() for line in text.rstrip().splitlines()] for text in (found, wanted))
        return ours == theirs
    our_tokens, their_tokens = found.split(), wanted.split()
    return len(our_tokens) == len(their_tokens) and all(
        ours == theirs or (tolerance > 0 and _near(ours, theirs, tolerance))
        for ours, theirs in zip(our_tokens, their_tokens, strict=True)
    )


def _near(found: str, wanted: str, tolerance: float) -> bool:
    ours, theirs = parse_number(found, thousands=False), parse_number(wanted, thousands=False)
    return ours is not None and theirs is not None and is_near(ours, theirs, absolute=tolerance, relative=tolerance)
