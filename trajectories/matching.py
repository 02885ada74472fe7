"""Which of many texts match one of many expressions, in one pass over all: by Hyperscan, or RE2 where it is missing.

Hyperscan (Wang et al., NSDI 2019) looks for all expressions at once in a third of RE2's time; what it refuses, such as
an expression with too many states, is left to RE2 (in pyarrow). Both let go of the interpreter's lock.
"""

import threading
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from types import ModuleType
from typing import Any

engine: ModuleType | None
try:
    import hyperscan as engine
except ImportError:  # no build for this machine
    engine = None


class Matcher:
    """`together`: what RE2 looks for in one expression, `apart`: what by themselves. Any thread may ask."""

    def __init__(self, together: Sequence[str], apart: Sequence[str]) -> None:
        self._database: Any = None
        left = [*together, *apart]
        if engine is not None:
            self._database, left = _compiled(left)
        rest = [each for each in together if each in left]
        self._expressions = [*(["|".join(rest)] if rest else []), *(each for each in apart if each in left)]
        self._local = threading.local()

    def matches(self, texts: Sequence[bytes]) -> list[bool]:
        """Of each text (UTF-8) whether one of the expressions matches in it."""
        found = [self._scanned(texts)] if self._database is not None else []
        if self._expressions:
            found += self._matched(texts)
        return found[0] if len(found) == 1 else [any(each) for each in zip(*found, strict=True)]

    def _matched(self, texts: Sequence[bytes]) -> list[list[bool]]:
        """By RE2, for each expression."""
        import pyarrow as pa
        import pyarrow.compute as pc

        # By way of bytes: as texts they would be checked one by one, which takes as long as all the rest.
        column = pa.array(texts, type=pa.binary()).view(pa.string())
        return [pc.match_substring_regex(column, pattern=each).to_pylist() for each in self._expressions]

    def _scanned(self, texts: Sequence[bytes]) -> list[bool]:
        """All in one piece: each call takes the interpreter's lock. From a match on with the text after it."""
        assert engine is not None and self._database is not None
        if not hasattr(self._local, "scratch"):
            self._local.scratch = engine.Scratch(self._database)
        whole = memoryview(b"\n".join(texts))
        ends = list(accumulate(len(text) + 1 for text in texts))
        found, at = [False] * len(texts), 0
        while at < len(texts):
            start = ends[at - 1] if at else 0
            last: list[int] = []
            try:
                self._database.scan(whole[start:], match_event_handler=_stop, context=last, scratch=self._local.scratch)
            except engine.ScanTerminated:
                at = bisect_right(ends, start + last[0] - 1)  # where the match's last byte is
                found[min(at, len(texts) - 1)] = True
                at += 1
            else:
                break
        return found


def _stop(number: int, start: int, end: int, flags: int, context: list[int]) -> bool:
    context.append(end)
    return True


def _compiled(expressions: Sequence[str]) -> tuple[Any, list[str]]:
    """Hyperscan's database, None where it takes none, and what it does not take."""
    assert engine is not None
    taken, left = list[bytes](), list[str]()
    flags = engine.HS_FLAG_UTF8 | engine.HS_FLAG_DOTALL

    def database(some: Sequence[bytes]) -> Any:
        made = engine.Database()
        made.compile(expressions=some, ids=range(len(some)), elements=len(some), flags=[flags] * len(some))
        return made

    try:
        return database([each.encode() for each in expressions]), []
    except engine.error:  # it does not say which one; each is tried
        pass
    for each in expressions:
        try:
            database([each.encode()])
            taken.append(each.encode())
        except engine.error:
            left.append(each)
    return (database(taken) if taken else None), left
