"""What becomes of replicas that cannot come up again."""

import asyncio
import os
import shutil
import signal
from pathlib import Path

import pytest

from agents.serving import Fleet, ServeConfig


@pytest.mark.slow
async def test_a_replica_that_cannot_come_up_again_is_given_up_and_that_can_be_waited_for(
    weights: Path, tmp_path: Path
) -> None:
    events: list[str] = []
    copy = str(shutil.copy(weights, tmp_path / "copy.gguf"))
    config = ServeConfig(name="small", weights=copy, context_length=512, slots=1, restarts=2)
    async with Fleet(config, on_event=events.append) as fleet:
        given_up = asyncio.create_task(fleet.given_up())
        await asyncio.sleep(0.2)
        assert not given_up.done()
        Path(copy).unlink()
        pid = fleet.replicas[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await asyncio.wait_for(given_up, 60)
    assert "is given up" in events[-1] and any("before it was healthy" in event for event in events)
