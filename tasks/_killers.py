"""Which tests to run first where one that fails is enough: those that failed for a bug close by, slow ones last.

Bugs of one function are found by much the same tests (Just, Kapfhammer, Schweiggert, "Using non-redundant mutation
operators and test suite prioritization to achieve efficient and scalable mutation analysis", ISSRE 2012).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set

from tasks.candidate import Candidate

MOST = 5  # tests of the same function, and as many of the same file, that go ahead
SLOW_SEC = 0.05  # a bug that a slow test sees is mostly seen by a quick one too, and a hang is known there sooner


class Killers:
    """What has failed so far, by function and file of the bug."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        """`seconds`: node id -> clean time."""
        self._seconds = seconds
        self._of: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    def note(self, candidate: Candidate, test: str) -> None:
        """`test`, a node id, failed first."""
        for place in _places(candidate):
            self._of[place][test] += 1

    def first(self, candidate: Candidate, tests: Sequence[str], near: Set[str] = frozenset()) -> tuple[str, ...]:
        """All of `tests`: the likely ones, then the quick ones, then the others by their time.

        Of the quick ones those of `near` go first, and of both the first of each function with parameters: the rest
        do much the same. Else in their order.
        """
        wanted = set(tests)
        ahead: dict[str, None] = {}
        for place in _places(candidate):
            known = (test for test, _ in self._of[place].most_common() if test in wanted)
            ahead.update(dict.fromkeys(test for test, _ in zip(known, range(MOST), strict=False)))
        others = [test for test in tests if test not in ahead]
        slow = [test for test in others if self._seconds.get(test, 0.0) > SLOW_SEC]
        slow.sort(key=self._seconds.__getitem__)
        late = set(slow)
        quick = [test for test in others if test not in late]
        again = _repeated(quick)
        quick.sort(key=lambda test: (test not in near, test in again))
        return (*ahead, *quick, *slow)


def _repeated(tests: Sequence[str]) -> set[str]:
    """All with parameters but the first of each function."""
    seen: set[str] = set()
    again: set[str] = set()
    for test in tests:
        function, _, parameters = test.partition("[")
        if parameters and function in seen:
            again.add(test)
        seen.add(function)
    return again


def _places(candidate: Candidate) -> tuple[tuple[str, str], tuple[str, str]]:
    return (candidate.path, candidate.symbol), (candidate.path, "")
