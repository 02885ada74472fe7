"""Whatever ends it, a sandbox leaves no process, mount, control group or container."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from environments import Backend, BackendUnavailable, EnvironmentFault, Mount, SandboxSpec, running
from environments.cgroups import find_tree

from .conftest import MakeLayer, processes_with

OWNER = """
import asyncio, sys
from environments import SandboxSpec, get_backend

async def main():
    backend = get_backend(sys.argv[1], **({} if sys.argv[3] == "kept" else {"keep_containers": False}))
    boxes = [await backend.start(SandboxSpec()) for _ in range(2)]
    runs = [asyncio.ensure_future(box.run(["sleep", sys.argv[2]], timeout_sec=600)) for box in boxes]
    await asyncio.sleep(0.5)
    print("ready", flush=True)
    await asyncio.gather(*runs)

asyncio.run(main())
"""


def groups_of(pid: int) -> list[Path]:
    tree = find_tree()
    return [p for parent in tree.parents.values() for p in parent.glob(f"{pid}-*")] if tree else []


def mounts_but_dockers() -> list[str]:
    """Containers of others may come and go meanwhile."""
    return [line for line in Path("/proc/self/mounts").read_text().splitlines() if "/docker/" not in line]


async def test_nothing_is_left_of_a_killed_owner(backend: Backend, *, is_kept: bool) -> None:
    mark = f"6{uuid.uuid4().int % 10**6}"
    command = [sys.executable, "-c", OWNER, backend.name, mark, "kept" if is_kept else "each"]
    mounts = mounts_but_dockers()
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == b"ready\n"
        alive = processes_with(mark)
        assert len(alive) > 2
        await backend.sweep()
        assert len(processes_with(mark)) == len(alive)  # a living owner's are left alone
        owner.send_signal(signal.SIGKILL)
    if not is_kept:
        assert await backend.sweep() >= 2
    end = time.monotonic() + 10
    while processes_with(mark) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes_with(mark) == []
    await backend.sweep()
    assert groups_of(owner.pid) == []
    if backend.name == "bubblewrap":
        assert mounts_but_dockers() == mounts


async def test_nothing_is_left_of_a_stopped_one(backend: Backend, spec: SandboxSpec, *, is_kept: bool) -> None:
    if is_kept:
        await (await backend.start(spec)).stop()  # its holder waits for the next, in its empty group: test_kept.py
    before = groups_of(os.getpid())
    async with running(backend, spec) as box:
        await box.run(["sh", "-c", "sleep 1000 &"], timeout_sec=30)
    assert groups_of(os.getpid()) == before
    if backend.name == "docker":
        shown = subprocess.run(["docker", "ps", "-aq", "--filter", f"name={box.id}"], capture_output=True, check=True)
        assert shown.stdout == b""


async def test_nothing_is_left_of_a_failed_start(layer: MakeLayer) -> None:
    from environments.bubblewrap import BubblewrapBackend

    backend = BubblewrapBackend()
    if problems := backend.missing():
        pytest.skip("; ".join(problems))
    folder = layer({"way": "-> /etc"})
    spec = SandboxSpec(layers=(folder,), mounts=(Mount(source=folder, target="/workspace/way/x"),))
    before = groups_of(os.getpid())
    with pytest.raises(BackendUnavailable, match="symbolic link"):
        await backend.start(spec)
    assert groups_of(os.getpid()) == before
    assert not Path("/etc/x").exists()
    backend.close()


async def test_a_command_that_is_killed_while_it_starts_holds_nothing_up(bubblewrap: Backend) -> None:
    async def one(number: int) -> None:
        async with running(bubblewrap, SandboxSpec()) as box:
            task = asyncio.create_task(box.run(["sleep", "70"], timeout_sec=90))
            await asyncio.sleep(0.002 * number)  # bwrap may not have told the kernel yet that its child ends with it
            task.cancel()
            await asyncio.wait([task])

    began = time.monotonic()
    for _ in range(3):
        await asyncio.gather(*map(one, range(6)))
    assert time.monotonic() - began < 9


UNPRIVILEGED = """
import asyncio, os, sys
from pathlib import Path
from environments import SandboxSpec, get_backend, running

async def main():
    assert os.getuid() != 0
    async with running(get_backend("bubblewrap"), SandboxSpec(layers=(Path(sys.argv[1]),))) as box:
        result = await box.run(["sh", "-c", "id -u; echo new > f; rm -r d; mkdir d; chmod 0 f"], timeout_sec=30)
        assert result.exit_code == 0, result
        print(result.stdout.strip(), (await box.diff()).paths)

asyncio.run(main())
"""


def test_it_needs_no_privilege(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("this test run has no privilege anyway")
    packages = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    python = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if not Path(python).exists():
        pytest.skip(f"{python}, which every user may run, is not installed")
    folder = Path("/tmp", f"gristmill-test-{uuid.uuid4().hex[:8]}")
    (folder / "d").mkdir(parents=True)
    try:
        (folder / "f").write_text("old\n")
        (folder / "d/x").write_text("x\n")
        for path in (folder, folder / "d", folder / "f", folder / "d/x"):
            os.chown(path, 54321, 54321)
        command = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", python, "-c", UNPRIVILEGED]
        env = {"PATH": os.defpath, "PYTHONPATH": f"{Path(__file__).parents[2]}:{packages}", "HOME": "/tmp"}
        done = subprocess.run([*command, str(folder)], capture_output=True, text=True, env=env, timeout=60, check=False)
        if "Permission denied" in done.stderr and "site-packages" in done.stderr:
            pytest.skip("the virtual environment can not be read by other users")
        assert done.stdout == "1000 ('d/x', 'f')\n", done.stderr
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)


async def test_a_lost_holder_is_told(spec: SandboxSpec) -> None:
    from environments.bubblewrap import BubblewrapBackend

    backend = BubblewrapBackend()
    if problems := backend.missing():
        pytest.skip("; ".join(problems))
    before = groups_of(os.getpid())
    box = await backend.start(spec)
    running_task = asyncio.create_task(box.run(["sleep", "50"], timeout_sec=60))
    await asyncio.sleep(0.3)
    assert box._cgroup is None or box._cgroup.procs_files()
    signal.pidfd_send_signal(box._holder, signal.SIGKILL)
    with pytest.raises(EnvironmentFault):
        await running_task
    await box.stop()
    assert groups_of(os.getpid()) == before  # an idle holder would be kept, this one is not
    backend.close()
