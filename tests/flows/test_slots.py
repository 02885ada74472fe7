"""Slots are shared by batches in threads: never more at a time than there are, the earlier batch first."""

import asyncio
import threading

import pytest

from flows.slots import Slots


def test_never_more_than_there_are_and_the_earlier_batch_first() -> None:
    slots = Slots(2)
    running, most, order = 0, 0, []
    lock = threading.Lock()

    async def batch(rank: int) -> None:
        async def one() -> None:
            nonlocal running, most
            async with slots.taken(rank):
                with lock:
                    running += 1
                    most = max(most, running)
                    order.append(rank)
                await asyncio.sleep(0.03)
                with lock:
                    running -= 1

        await asyncio.gather(*(one() for _ in range(6)))

    threads = [threading.Thread(target=asyncio.run, args=(batch(rank),)) for rank in (2, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert (len(order), most) == (12, 2)
    assert order[-2:] == [2, 2], "what is left of the later batch comes last"
    assert order[2:8].count(1) >= 4


async def test_one_that_is_cancelled_while_it_waits_blocks_nobody() -> None:
    slots = Slots(1)
    async with slots.taken(0):
        waits = asyncio.create_task(slots.taken(0).__aenter__())
        await asyncio.sleep(0.02)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
    async with asyncio.timeout(5), slots.taken(1):
        pass
