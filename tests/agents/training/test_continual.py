"""The accuracy matrix's figures, by hand."""

import pytest

from agents.training.continual import continual


def test_three_stages_one_after_another() -> None:
    found = continual(
        ["write", "copy", "field"],
        [
            {"write": 0.1, "copy": 0.0, "field": 0.0},
            {"write": 0.9, "copy": 0.2},
            {"write": 0.8, "copy": 0.7, "field": 0.3},
            {"write": 0.5, "copy": 0.9, "field": 0.6},
        ],
    )
    assert found.average_accuracy == pytest.approx((0.5 + 0.9 + 0.6) / 3)
    assert found.forgetting == pytest.approx(((0.9 - 0.5) + (0.7 - 0.9)) / 2), "the best since it was trained on"
    assert found.backward_transfer == pytest.approx(((0.5 - 0.9) + (0.9 - 0.7)) / 2)
    assert found.forward_transfer == pytest.approx(((0.2 - 0.0) + (0.3 - 0.0)) / 2)


def test_a_stage_that_is_trained_on_again_is_not_forgotten_in_between() -> None:
    found = continual(
        ["a", "b", "a"], [{"a": 0.0, "b": 0.0}, {"a": 0.8, "b": 0.1}, {"a": 0.4, "b": 0.9}, {"a": 1.0, "b": 0.6}]
    )
    assert found.stages == ("a", "b")
    assert found.forgetting == pytest.approx(0.9 - 0.6), "only b was trained before the last round and not in it"


def test_one_round_defines_no_forgetting() -> None:
    found = continual(["a"], [{"a": 0.1}, {"a": 0.7}])
    assert (found.average_accuracy, found.forgetting, found.backward_transfer) == (0.7, None, None)
    assert found.forward_transfer is None


def test_a_matrix_needs_the_untrained_row() -> None:
    with pytest.raises(ValueError, match="1 rounds need 2 rows"):
        continual(["a"], [{"a": 0.5}])
