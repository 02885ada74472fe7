"""The best pairs, against every way there is."""

import random
from itertools import permutations

import pytest

from tasks.graders._matching import best_matching


@pytest.mark.parametrize("ours, theirs", [(0, 0), (0, 3), (1, 1), (2, 5), (5, 2), (4, 4), (3, 6)])
def test_the_largest_sum(ours, theirs):
    rng = random.Random(ours * 10 + theirs)
    for _ in range(30):
        likeness = [[rng.choice([0.0, 0.5, 1.0, rng.random()]) for _ in range(theirs)] for _ in range(ours)]
        pairs = best_matching(ours, theirs, lambda a, b, of=likeness: of[a][b])
        assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)
        small, large = sorted((ours, theirs))
        ways = permutations(range(large), small)
        sums = (sum(likeness[a][b] if ours <= theirs else likeness[b][a] for a, b in enumerate(way)) for way in ways)
        assert sum(likeness[a][b] for a, b in pairs) == pytest.approx(max(sums))
        assert all(likeness[a][b] > 0 for a, b in pairs)


def test_a_long_answer_takes_no_long_time():
    assert len(best_matching(20_000, 3, lambda a, b: float(a % 3 == b))) == 3
