"""The search for cycles is off within, however many threads are, and on again after the last one."""

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from trajectories.uncollected import uncollected


def test_it_is_on_again_after_the_last_block() -> None:
    both = Barrier(2, timeout=10)

    def within(first: bool) -> bool:
        with uncollected():
            both.wait()
            was_on = gc.isenabled()
        both.wait()
        return was_on

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(within, [True, False])) == [False, False]
    assert gc.isenabled()


def test_who_has_switched_it_off_finds_it_so() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
