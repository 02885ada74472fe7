"""Which line keeps a file from being YAML: PyYAML says where it stopped, which may be far behind the broken line."""

from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

MOST_TRIED = 200  # lines above the place where the reader stopped
MOST_NAMED = 4
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Lines = list[str]


def explained(file: Path, text: str, error: yaml.MarkedYAMLError) -> str:
    """Names the line whose change would let the text be read; where there is none, the one where the reader stopped."""
    stopped = error.problem_mark or error.context_mark
    at = stopped.line + 1 if stopped is not None else 1
    opened = (error.context or "").startswith(("while scanning", "while parsing a flow"))
    began = error.context_mark.line + 1 if opened and error.context_mark is not None else at
    suspects = find_suspects(text, at)
    line = began if began in suspects or not suspects else suspects[0]
    others = [f"line {each}" for each in dict.fromkeys((*suspects, at)) if each != line]
    also = f" (or it is {' or '.join(others)})" if others else ""
    what = " ".join(filter(None, (error.context, error.problem)))
    return f"{file}:{line}: is not valid YAML: {what}{also}; mind indentation, quotes, brackets and colons"


def find_suspects(text: str, last: int) -> list[int]:
    """Lines up to `last` that can be mended so that the rest is YAML, the most likely first.

    Four ways, the simplest first: left out alone, with what is indented below it, moved to another indentation, left
    out with all that is indented as it is. Of each way those nearest to `last` come first.
    """
    lines = text.splitlines()
    last = min(last, len(lines))
    found: list[int] = []
    for mend in (_without, _without_deeper, _moved, _without_block):
        if mend is _without_block and found:
            break
        for at in range(last - 1, max(-1, last - MOST_TRIED), -1):
            if len(found) == MOST_NAMED:
                return found
            if lines[at].strip() and at + 1 not in found and any(_is_yaml(mended) for mended in mend(lines, at)):
                found.append(at + 1)
    return found


def _without(lines: Lines, at: int) -> Iterator[Lines]:
    yield [*lines[:at], "", *lines[at + 1 :]]


def _without_deeper(lines: Lines, at: int) -> Iterator[Lines]:
    yield _cut(lines, at, lambda indent: indent > _indent(lines[at]))


def _without_block(lines: Lines, at: int) -> Iterator[Lines]:
    if _indent(lines[at]):
        yield _cut(lines, at, lambda indent: indent >= _indent(lines[at]))


def _moved(lines: Lines, at: int) -> Iterator[Lines]:
    own = _indent(lines[at])
    around = {_indent(line) for line in lines[max(0, at - 10) : at + 10] if line.strip()}
    for indent in sorted(around - {own}):
        yield [*lines[:at], " " * indent + lines[at].strip(), *lines[at + 1 :]]


def _cut(lines: Lines, at: int, goes_too: Callable[[int], bool]) -> Lines:
    end = at + 1
    while end < len(lines) and (not lines[end].strip() or goes_too(_indent(lines[end]))):
        end += 1
    return [*lines[:at], *lines[end:]]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _is_yaml(lines: Lines) -> bool:
    try:
        for _ in yaml.parse("\n".join(lines), Loader=_Loader):
            pass
    except (yaml.YAMLError, ValueError, RecursionError):
        return False
    return True
