"""Sandboxes that share a kept container: nothing of one is met in another, and nothing is left when it ends."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from environments import EnvironmentFault, Limits, Mount, SandboxSpec, running
from environments import _docker_kept as kept_module
from environments._docker_kept import KeptContainers
from environments._docker_kept_sandbox import KeptSandbox
from environments._docker_sandbox import DockerSandbox
from environments.docker import DockerBackend

from .conftest import MakeLayer, processes_with

OWNER = """
import asyncio, sys
from environments import SandboxSpec
from environments.docker import DockerBackend

async def main():
    backend = DockerBackend()
    box = await backend.start(SandboxSpec(image=await backend.base_image()))
    print((await box.run(["sh", "-c", f"echo ready; setsid sleep {sys.argv[1]} >/dev/null 2>&1"], timeout_sec=600)))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerBackend]:
    backend = own_backend()
    if problems := backend.missing() or [each for each in [backend.unkept()] if each]:
        pytest.skip("; ".join(problems))
    yield backend
    assert (before := containers_of(backend)) != []
    backend.close()
    assert set(before) & set(containers_of(os.getpid())) == set()


@pytest.fixture
async def spec(docker: DockerBackend) -> SandboxSpec:
    """An image whose commands run as root."""
    return SandboxSpec(image=await docker.base_image())


def own_backend() -> DockerBackend:
    """One that shares no container with the other backends of this process."""
    backend = DockerBackend()
    backend._kept = KeptContainers(backend._daemon, None)
    return backend


def containers_of(owner: DockerBackend | int) -> list[str]:
    """Names of the kept containers there are, of a backend or of a process."""
    form = "{{.Names}} {{.Labels}}"
    command = ["docker", "ps", "-a", "--filter", "name=gristmill-kept-", "--format", form]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    if isinstance(owner, int):
        return [line.split()[0] for line in shown if f":{owner}-" in line]
    assert owner._kept is not None
    names = {container.launcher.container for container in owner._kept._containers.values()}
    return [name for line in shown if (name := line.split()[0]) in names]


async def test_one_container_serves_all_sandboxes_of_an_image(docker: DockerBackend, spec: SandboxSpec) -> None:
    async with running(docker, spec) as first, running(docker, spec) as second:
        assert isinstance(first, KeptSandbox) and isinstance(second, KeptSandbox)
        assert len(containers_of(docker)) == 1
    began = time.monotonic()
    async with running(docker, spec) as third:
        assert (await third.run(["id", "-u"], timeout_sec=30)).stdout == "0\n"
    assert time.monotonic() - began < 1
    assert len(containers_of(docker)) == 1


async def test_all_backends_of_a_process_share_them(docker: DockerBackend, spec: SandboxSpec) -> None:
    one, other = DockerBackend(), DockerBackend()
    async with running(one, spec) as box:
        names = containers_of(one)
        async with running(other, spec):
            assert containers_of(other) == names and not set(names) & set(containers_of(docker))
        other.close()  # not what is in use
        assert (await box.run(["echo", "on"], timeout_sec=30)).stdout == "on\n"
        assert len(containers_of(one)) == 1
    one.close()
    assert containers_of(one) == []


async def test_an_old_one_is_left_and_ends_with_its_last_sandbox(
    spec: SandboxSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = own_backend()
    async with running(backend, spec) as first:
        (old,) = containers_of(backend)
        monkeypatch.setattr(kept_module, "_MOST_AGE_SEC", 0.0)
        async with running(backend, spec):
            assert old not in containers_of(backend) and old in containers_of(os.getpid())
        assert (await first.diff()).paths == ()
    end = time.monotonic() + 15
    while old in containers_of(os.getpid()) and time.monotonic() < end:
        await asyncio.sleep(0.1)
    assert old not in containers_of(os.getpid())
    backend.close()


async def test_two_do_not_see_each_other(docker: DockerBackend, spec: SandboxSpec) -> None:
    mark = f"5{uuid.uuid4().int % 10**6}"
    async with running(docker, spec) as one, running(docker, spec) as other:
        script = "for f in /root/left /etc/left /tmp/left /dev/shm/left left /etc/hosts; do echo left >>$f; done"
        assert (await one.run(["sh", "-c", script], timeout_sec=30)).exit_code == 0
        sleeping = asyncio.create_task(one.run(["sleep", mark], timeout_sec=60))
        while not processes_with(mark):
            await asyncio.sleep(0.02)
        look = "find / -xdev -name 'lef?'; find /tmp /dev -name 'lef?'; cat /etc/hosts /proc/[0-9]*/cmdline; kill -9 -1"
        seen = (await other.run(["sh", "-c", look], timeout_sec=60)).stdout
        assert "left" not in seen and mark not in seen and "localhost" in seen
        assert processes_with(mark) != []
        assert (await one.run(["cat", "/etc/left"], timeout_sec=30)).stdout == "left\n"
        sleeping.cancel()
        await asyncio.wait([sleeping])


async def test_what_one_leaves_is_gone(docker: DockerBackend, spec: SandboxSpec) -> None:
    async with running(docker, spec) as one:
        deep = "import os\nfor _ in range(300): os.mkdir('d' * 200); os.chdir('d' * 200)\nopen('end', 'w').close()\n"
        assert (await one.run(["python3", "-c", deep], timeout_sec=30)).exit_code == 0
        script = "rm -r /usr/share/doc; echo x >/usr/bin/x; chmod 0 /etc; chmod 711 / .; chown 5:5 ."
        assert (await one.run(["sh", "-c", script], timeout_sec=30)).exit_code == 0
        mark = "import os; os.setxattr('.', 'user.left', b'x'); os.setxattr('/', 'user.left', b'x')"
        assert (await one.run(["python3", "-c", mark], timeout_sec=30)).exit_code == 0
        holder, first = one._holder_pid, Path(f"/proc/self/fd/{one._written}").readlink()
    async with running(docker, spec) as next_one:
        assert next_one._holder_pid == holder  # the same process serves it
        script = "ls -d /usr/share/doc; ls /usr/bin/x; ls -A; stat -c '%a %u' /etc / ."
        looked = await next_one.run(["sh", "-c", script], timeout_sec=30)
        assert looked.stdout == "/usr/share/doc\n755 0\n755 0\n755 1000\n"
        attributes = "import os; print(os.listxattr('.') + os.listxattr('/'))"
        assert (await next_one.run(["python3", "-c", attributes], timeout_sec=30)).stdout == "[]\n"
        second = Path(f"/proc/self/fd/{next_one._written}").readlink()
        assert second == first
        written = Path(f"/proc/{holder}/root{second}")
        assert {path.name for path in written.iterdir()} == {"upper", "work", "imageupper", "imagework"}
        assert list((written / "upper").iterdir()) == []


async def test_root_has_the_rights_that_a_containers_has(docker: DockerBackend, spec: SandboxSpec) -> None:
    become = "import os; os.setgid(33); os.setuid(33); open('/tmp/mine', 'w'); print(os.access('/root', os.R_OK))"
    script = (
        f'chown 33:33 /srv && stat -c %u /srv; python3 -c "{become}"; stat -c %u /tmp/mine; grep Eff /proc/self/status'
    )
    theirs = DockerBackend(keep_containers=False)
    said = []
    for backend in (docker, theirs):
        async with running(backend, spec) as box:
            said.append((await box.run(["sh", "-c", script], timeout_sec=30)).stdout)
    assert said[0] == said[1] and said[0].startswith("33\nFalse\n33\n")


async def test_root_changes_nothing_of_the_machine(docker: DockerBackend, spec: SandboxSpec) -> None:
    switches = ("sys/kernel/core_pattern", "sysrq-trigger", "sys/vm/swappiness", "irq/default_smp_affinity")
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    async with running(docker, spec) as box:
        for path in (*(f"/proc/{each}" for each in switches), "/sys/kernel/uevent_helper", "/sys/kernel/mm/ksm/run"):
            tried = await box.run(["sh", "-c", f"echo 1 > {path}"], timeout_sec=30)
            assert tried.exit_code != 0, path
        for command in ("mount -t tmpfs x /mnt", "unshare -m true", "unshare -U true", "mknod /d b 8 0"):
            assert (await box.run(command.split(), timeout_sec=30)).exit_code != 0, command
        host = await box.run(["sh", "-c", "ls -A /dev/gristmill /.gristmill; cat /proc/1/environ"], timeout_sec=30)
        assert "python" not in host.stdout
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before


async def test_what_all_files_have_together_is_limited(docker: DockerBackend, spec: SandboxSpec) -> None:
    small = spec.model_copy(update={"limits": Limits(disk_mb=16)})
    fill = "for n in 1 2 3 4; do head -c 8000000 /dev/zero >/srv/$n; done; sleep 30"
    async with running(docker, small) as box:
        began = time.monotonic()
        done = await box.run(["sh", "-c", fill], timeout_sec=25)
        assert (done.exit_code, done.timed_out) == (128 + signal.SIGKILL, False) and time.monotonic() - began < 15
        assert (await box.run(["sh", "-c", "rm /srv/*; echo on"], timeout_sec=30)).stdout == "on\n"


async def test_a_killed_container_is_told_and_the_next_start_makes_another(
    docker: DockerBackend, spec: SandboxSpec
) -> None:
    box = await docker.start(spec)
    (container,) = containers_of(docker)
    task = asyncio.create_task(box.run(["sleep", "50"], timeout_sec=60))
    await asyncio.sleep(0.3)
    subprocess.run(["docker", "kill", container], capture_output=True, check=True)
    with pytest.raises(EnvironmentFault):
        await task
    with pytest.raises(EnvironmentFault):
        await box.run(["true"], timeout_sec=10)
    await box.stop()
    async with running(docker, spec) as again:
        assert isinstance(again, KeptSandbox) and (await again.run(["true"], timeout_sec=30)).exit_code == 0
        assert containers_of(docker) != [container] and container not in containers_of(os.getpid())


async def test_idle_ones_end(spec: SandboxSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_module, "_IDLE_SEC", 0.0)
    monkeypatch.setattr(kept_module, "_LOOK_SEC", 0.1)
    backend = own_backend()
    async with running(backend, spec):
        (container,) = containers_of(backend)
        await asyncio.sleep(0.5)
        assert containers_of(backend) == [container]  # it is in use
    end = time.monotonic() + 15
    while container in containers_of(os.getpid()) and time.monotonic() < end:
        await asyncio.sleep(0.2)
    assert container not in containers_of(os.getpid())


async def test_nothing_is_left_of_a_killed_owner(docker: DockerBackend) -> None:
    mark = f"4{uuid.uuid4().int % 10**6}"
    with subprocess.Popen([sys.executable, "-c", OWNER, mark], cwd=Path(__file__).parents[2]) as owner:
        end = time.monotonic() + 30
        while not processes_with(f"sleep {mark}".replace(" ", "\0")) and time.monotonic() < end:
            await asyncio.sleep(0.05)
        assert len(containers_of(owner.pid)) == 1
        await docker.sweep()
        assert len(containers_of(owner.pid)) == 1  # a living owner's is left alone
        owner.kill()
    end = time.monotonic() + 15
    while (processes_with(mark) or containers_of(owner.pid)) and time.monotonic() < end:
        await asyncio.sleep(0.1)  # nobody sweeps: it ends with its owner
    assert processes_with(mark) == [] and containers_of(owner.pid) == []
    await docker.sweep()
    assert list(Path("/sys/fs/cgroup").glob(f"*/gristmill/{owner.pid}-*")) == []


async def test_what_can_not_be_kept_has_a_container_of_its_own(
    docker: DockerBackend, spec: SandboxSpec, layer: MakeLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(docker, spec.model_copy(update={"network": True})) as box:
        assert isinstance(box, DockerSandbox)
    strange = layer({"a": "a"})
    os.chown(strange, 4711, 4711)
    async with running(docker, SandboxSpec(layers=(strange,))) as box:
        assert isinstance(box, DockerSandbox)
        assert (await box.run(["stat", "-c", "%u", "a"], timeout_sec=30)).stdout == "1000\n"
    broken = own_backend()
    assert broken._kept is not None
    monkeypatch.setattr(broken._kept, "_bwrap", "/usr/bin/true")  # as one that does not know our options
    for _ in range(2):
        async with running(broken, spec) as box:
            assert isinstance(box, DockerSandbox)
            assert (await box.run(["echo", "well"], timeout_sec=30)).stdout == "well\n"
    broken.close()
    assert DockerBackend(keep_containers=False).unkept() == "keeping them is switched off"


async def test_what_an_image_says_is_not_for_our_own_programs(docker: DockerBackend, layer: MakeLayer) -> None:
    """Variables and files by which a C library could be made to load the image's code."""
    recipe = "ARG BASE\nFROM ${BASE}\nENV LD_AUDIT=/evil.so GCONV_PATH=/evil LC_ALL=evil PYTHONHOME=/evil SHOWN=1\n"
    async with running(docker, SandboxSpec(build_context=layer({"Dockerfile": recipe}))) as box:
        assert isinstance(box, KeptSandbox)
        (launcher,) = {int(Path(f"/proc/{box._holder_pid}/stat").read_text().rpartition(")")[2].split()[1])}
        assert b"evil" not in Path(f"/proc/{launcher}/environ").read_bytes()
        assert (await box.run(["/bin/sh", "-c", "echo $SHOWN $GCONV_PATH"], timeout_sec=30)).stdout == "1 /evil\n"
    preloading = f"{recipe}RUN echo /evil.so > /etc/ld.so.preload\n"
    async with running(docker, SandboxSpec(build_context=layer({"Dockerfile": preloading}))) as box:
        assert isinstance(box, DockerSandbox)


async def test_an_images_own_user_and_groups(docker: DockerBackend, layer: MakeLayer) -> None:
    recipe = """ARG BASE
FROM ${BASE}
RUN echo app:x:777:778::/home/app:/bin/sh >>/etc/passwd && echo app:x:778: >>/etc/group \\
 && echo more:x:779:app >>/etc/group && mkdir /home/app && chown 777:778 /home/app \
 && echo s >/secret && chmod 600 /secret
WORKDIR /home/app
USER app
"""
    spec = SandboxSpec(build_context=layer({"Dockerfile": recipe}))
    script = "id; pwd; echo $HOME; echo x >x; stat -c '%u %g' x; cat /secret || echo held; grep Eff /proc/self/status"
    said = []
    for backend in (docker, DockerBackend(keep_containers=False)):
        async with running(backend, spec) as box:
            assert isinstance(box, KeptSandbox) == (backend is docker)
            await box.write_files({"y/z": b"y"})
            script += "; stat -c %u y/z"
            said.append((await box.run(["sh", "-c", script], timeout_sec=30)).stdout)
            assert (await box.diff()).paths == ("x", "y/z")
    assert said[0].splitlines()[:6] == said[1].splitlines()[:6]
    assert "uid=777(app) gid=778(app)" in said[0] and "779(more)" in said[0] and "held" in said[0]


async def test_folders_that_both_write_to(docker: DockerBackend, spec: SandboxSpec, layer: MakeLayer) -> None:
    shared, first = layer({"in": "in"}), layer({"hello.txt": "hello\n"})
    mount = Mount(source=shared, target="/logs/x", read_only=False)
    given = spec.model_copy(update={"mounts": (mount,), "layers": (first,)})
    async with running(docker, given) as box:
        assert isinstance(box, KeptSandbox)
        script = "cat /logs/x/in hello.txt; echo out >/logs/x/out; echo changed >hello.txt"
        assert (await box.run(["sh", "-c", script], timeout_sec=30)).stdout == "inhello\n"
        assert (await box.diff()).paths == ("hello.txt",)
    assert (shared / "out").read_text() == "out\n" and (first / "hello.txt").read_text() == "hello\n"
