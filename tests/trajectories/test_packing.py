"""Rollouts packed many at once are what they would be one by one, and batches keep their bounds."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.trajectories.conftest import make_rollout
from tests.trajectories.test_redaction import BODY
from trajectories import store as store_module
from trajectories.packing import FEW, Line, batched, behind, one_ahead, pack_all, pack_one
from trajectories.rollout import Rollout
from trajectories.store import Store

TOKEN = "ghp_" + BODY[:36]


def some(count: int) -> list[Rollout]:
    """The third one holds a token, the fifth a value of a secret."""
    details = {2: f"I found {TOKEN}", 4: "the word is hunter2hunter2"}
    return [make_rollout(f"t{number}", diff=details.get(number, "+x = 1\n")) for number in range(count)]


@pytest.mark.parametrize("secrets", [None, {}, {"WORD": "hunter2hunter2"}])
def test_many_at_once_are_packed_as_one_by_one(secrets: dict[str, str] | None) -> None:
    rollouts = some(FEW + 4)
    assert pack_all(rollouts, secrets) == [pack_one(rollout, secrets) for rollout in rollouts]


def test_no_secret_is_written_of_a_batch(store: Store) -> None:
    store.secrets = {"WORD": "hunter2hunter2"}
    assert store.record_many(some(FEW + 4)) == FEW + 4
    texts = [store.body_text(row).decode() for row in store.rollouts()]
    assert not any(TOKEN in text or "hunter2" in text for text in texts)
    assert sum("[REDACTED:github-token]" in text for text in texts) == 1
    assert sum("[REDACTED:WORD]" in text for text in texts) == 1


def lines(batch: list[Line]) -> int:
    return len(batch)


def test_batches_are_bounded_by_number_and_by_bytes() -> None:
    rollouts = [make_rollout(f"t{number}") for number in range(7)]
    size = len(rollouts[0].model_dump_json())
    assert list(map(lines, batched(rollouts, 3, 1 << 30))) == [3, 3, 1]
    assert list(map(lines, batched(rollouts, 100, size + 10))) == [2, 2, 2, 1]
    assert [line.rollout for batch in batched(rollouts, 3, 1) for line in batch] == rollouts


def test_what_came_before_an_error_is_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BATCH", 3)

    def failing() -> Iterator[Rollout]:
        yield from some(7)
        raise RuntimeError("the source ended")

    with pytest.raises(RuntimeError, match="the source ended"):
        store.record_many(failing())
    assert store.count() == 6


def test_the_same_rollout_in_the_next_batch_is_written_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BATCH", 2)
    assert store.record_many([*some(3), *some(3)]) == 3
    assert store.count() == 3


def test_each_item_comes_when_the_next_was_asked_for() -> None:
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(3):
            asked.append(number)
            yield number

    assert [(item, len(asked)) for item in one_ahead(numbers())] == [(0, 2), (1, 3), (2, 3)]
    with ThreadPoolExecutor(1) as pool:
        assert list(one_ahead(pool.map(str, range(3)))) == ["0", "1", "2"]


def test_work_is_done_behind_and_in_order() -> None:
    made, done = list[int](), list[int]()

    def numbers() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    def work(number: int) -> int:
        done.append(number)
        return -number

    given = []
    for result in behind(work, numbers(), 1):
        given.append(result)
        assert len(made) <= len(given) + 2, "no more waits than was said"
    assert given == [0, -1, -2, -3, -4] and done == made


def test_what_waits_behind_a_failure_is_not_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        raise RuntimeError(f"the disk is full at {number}")

    with pytest.raises(RuntimeError, match="full at 0"):
        list(behind(work, iter(range(9)), 1))
    assert len(begun) <= 2  # the one beside may have been at it already
