"""A holder serves one sandbox after the other; nothing of one is met in the next."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from environments import Limits, Mount, SandboxGone, SandboxSpec, running
from environments.bubblewrap import BubblewrapBackend
from environments.cgroups import find_tree

from .conftest import MakeLayer, processes_with


@pytest.fixture
def backend() -> Iterator[BubblewrapBackend]:
    found = BubblewrapBackend()
    if problems := found.missing():
        pytest.skip("; ".join(problems))
    yield found
    found.close()


def groups() -> set[Path]:
    tree = find_tree()
    return {path for parent in tree.parents.values() for path in parent.glob(f"{os.getpid()}-*")} if tree else set()


def mounts_of(pid: int) -> int:
    return len(Path(f"/proc/{pid}/mounts").read_text().splitlines())


async def test_the_next_sandbox_finds_nothing_of_the_last(
    backend: BubblewrapBackend, layer: MakeLayer, spec: SandboxSpec
) -> None:
    used: list[tuple[int, int]] = []
    mount = Mount(source=layer({"secret": "s"}), target="/opt/secret")
    for given in (spec.model_copy(update={"mounts": (mount,), "env": {"A": "1"}}), SandboxSpec(workdir="/srv/other")):
        async with running(backend, given) as box:
            used.append((box._holder_pid, mounts_of(box._holder_pid)))
            looked = await box.run(["sh", "-c", "ls -A / /tmp ~ /dev/shm /opt; pwd; ls; echo $A"], timeout_sec=30)
            script = "for f in /tmp/left ~/left /dev/shm/left left; do echo left > $f; done; setsid sleep 6543 &"
            assert (await box.run(["sh", "-c", script], timeout_sec=30)).exit_code == 0
    assert (
        used[0][0] == used[1][0] and used[1][1] < used[0][1]
    )  # the same process, with the mounts of its sandbox alone
    assert "left" not in looked.stdout and "secret" not in looked.stdout and "workspace" not in looked.stdout
    assert processes_with("6543") == []


async def test_limits_are_those_of_the_sandbox(backend: BubblewrapBackend, spec: SandboxSpec) -> None:
    for memory, disk in ((300, 16), (60, 16), (300, 64)):
        limits = Limits(memory_mb=memory, disk_mb=disk)
        async with running(backend, spec.model_copy(update={"limits": limits})) as box:
            hungry = await box.run(["python3", "-c", "x = bytearray(150 << 20)"], timeout_sec=30)
            assert (hungry.exit_code == 0) == (memory == 300)
            written = await box.run(["dd", "if=/dev/zero", "of=big", "bs=1M", "count=32"], timeout_sec=30)
            assert (written.exit_code == 0) == (disk == 64)
            assert not (await box.run(["false"], timeout_sec=30)).oom_killed  # of this command, not of one before it


async def test_what_has_ended_otherwise_is_not_kept(backend: BubblewrapBackend, spec: SandboxSpec) -> None:
    brief = spec.model_copy(update={"limits": Limits(lifetime_sec=0.5)})
    box = await backend.start(brief)
    with pytest.raises(SandboxGone):
        await box.run(["sleep", "20"], timeout_sec=20)
    first = box._holder_pid
    await box.stop()
    async with running(backend, brief) as other:
        assert other._holder_pid != first
        kept = other._holder_pid
    os.kill(kept, 9)
    async with running(backend, spec) as later:
        assert later._holder_pid != kept and (await later.run(["true"], timeout_sec=30)).exit_code == 0


async def test_waiting_is_no_part_of_a_lifetime(backend: BubblewrapBackend, spec: SandboxSpec) -> None:
    brief = spec.model_copy(update={"limits": Limits(lifetime_sec=1.5)})
    for _ in range(3):  # a spare, one that is kept, and one that is kept again
        async with running(backend, brief) as box:
            assert (await box.run(["true"], timeout_sec=30)).exit_code == 0
        await asyncio.sleep(0.8)


async def test_they_end_with_their_backend(backend: BubblewrapBackend, spec: SandboxSpec) -> None:
    before = groups()
    boxes = [await backend.start(spec) for _ in range(3)]
    for box in boxes:
        await box.stop()
    backend.close()
    assert groups() == before
    async with running(backend, spec) as box:  # and it can be used again
        assert (await box.run(["echo", "hi"], timeout_sec=30)).stdout == "hi\n"
