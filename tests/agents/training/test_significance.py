"""McNemar's exact test and the comparison of two models on the same tasks."""

import pytest

from agents.training.significance import compare, mcnemar


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [(0, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (10, 2, 0.0385742), (3, 3, 1.0)],  # two-sided binomial, by hand
)
def test_mcnemar_is_the_exact_two_sided_binomial(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(p, abs=1e-6)
    assert mcnemar(lost, gained) == mcnemar(gained, lost)


def test_the_test_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for gained, lost in ((1, 7), (12, 5), (30, 11)):
        assert mcnemar(gained, lost) == pytest.approx(stats.binomtest(gained, gained + lost).pvalue)


def test_only_tasks_with_both_outcomes_are_compared() -> None:
    before = {"a": False, "b": False, "c": True, "only before": True}
    after = {"a": True, "b": True, "c": True, "only after": False}
    found = compare(before, after)
    assert (found.n, found.gained, found.lost) == (3, 2, 0)
    assert (found.pass_before, found.pass_after) == (pytest.approx(1 / 3), 1.0)
    low, high = found.before_interval
    assert low < 1 / 3 < high


def test_nothing_to_compare_proves_nothing() -> None:
    assert compare({}, {}).p_value == 1.0
