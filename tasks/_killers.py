"""Which tests to run first where one that fails is enough: those that failed for a bug close by.

Bugs of one function are found by much the same tests (Just, Kapfhammer, Schweiggert, "Using non-redundant mutation
operators and test suite prioritization to achieve efficient and scalable mutation analysis", ISSRE 2012).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from tasks.candidate import Candidate

MOST = 5  # tests of the same function, and as many of the same file, that go ahead


class Killers:
    """What has failed so far, by function and file of the bug."""

    def __init__(self) -> None:
        self._of: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    def note(self, candidate: Candidate, test: str) -> None:
        """`test`, a node id, failed first."""
        for place in _places(candidate):
            self._of[place][test] += 1

    def first(self, candidate: Candidate, tests: Sequence[str]) -> tuple[str, ...]:
        """All of `tests`: the likely ones, then the others in their order."""
        wanted = set(tests)
        ahead: dict[str, None] = {}
        for place in _places(candidate):
            known = (test for test, _ in self._of[place].most_common() if test in wanted)
            ahead.update(dict.fromkeys(test for test, _ in zip(known, range(MOST), strict=False)))
        return (*ahead, *(test for test in tests if test not in ahead))


def _places(candidate: Candidate) -> tuple[tuple[str, str], tuple[str, str]]:
    return (candidate.path, candidate.symbol), (candidate.path, "")
