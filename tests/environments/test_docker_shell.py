"""Commands by a container's first process: the same promises as by an exec each, and no exec."""

import asyncio
import subprocess
import uuid

import pytest

from environments import Backend, Limits, SandboxGone, SandboxSpec, running
from environments._docker_sandbox import DockerSandbox
from environments._docker_shell import PROGRAM, Passage, request
from environments.docker import DockerBackend
from environments.process import CappedBytes

from .conftest import processes_with

ODD = ["plain", "", "it's", 'a "b" c', "two\nlines\n", "$HOME `x` \\", "-n", "*", "zoë \x81\x88", "a=b", "\t;&|<>#!"]


@pytest.fixture(scope="module")
def docker() -> DockerBackend:
    backend = DockerBackend(keep_containers=False)
    if problems := backend.missing():
        pytest.skip("; ".join(problems))
    return backend


@pytest.fixture
async def spec(docker: DockerBackend) -> SandboxSpec:
    """An image whose commands run as root."""
    return SandboxSpec(image=await docker.base_image())


def test_only_what_is_between_the_marks_counts_however_it_is_cut() -> None:
    text = b"before" + b"BEGIN\n" + b"out\nENput" + b"END 17\n" + b"after"
    for size in range(1, len(text) + 1):
        passage, sink = Passage(), CappedBytes(100)
        passage.expect(b"BEGIN", b"END", sink)
        for at in range(0, len(text), size):
            passage.add(text[at : at + size])
        assert (sink.data(), passage.words) == (b"out\nENput", b" 17")
    passage.expect(b"NEXT", b"OVER", sink := CappedBytes(100))  # what was late before it is dropped
    passage.add(b"lateNEXT\nOVER 0\n")
    assert (sink.data(), passage.words) == (b"", b" 0")


def test_what_a_shell_cannot_be_told_is_for_an_exec() -> None:
    assert request(["true"], {"A_1": "x"}) is not None
    for env in ({"a-b": "x"}, {"UID": "1"}, {"1A": "x"}):
        assert request(["true"], env) is None
    assert request(["echo", "a\0b"], {}) is None
    assert request(["echo", "x" * 200_000], {}) is None


@pytest.mark.parametrize("shell", ["dash", "bash"])
async def test_arguments_arrive_as_they_were(bubblewrap: Backend, shell: str) -> None:
    """As the image's shell reads them, with or without a `sh` that reads ahead."""
    told = request(["printf", "%s\\0", *ODD], {"ODD": ODD[5]})
    variable = request(["sh", "-c", 'printf %s "$ODD"; exit 7'], {"ODD": ODD[5]})
    assert told is not None and variable is not None
    lines = (
        b"one",
        b"one two begin 60 B; (%s); end E $?" % told,
        b"one two echo replayed >&3",
        b"guess two echo forged >&3",
        b"two three begin 60 B; (%s); end F $?" % variable,
    )
    async with running(bubblewrap, SandboxSpec()) as box:
        done = await box.run([shell, "-c", PROGRAM], timeout_sec=30, stdin=b"\n\n".join(lines) + b"\n")
    first, second = done.stdout.split("E 0\n")
    assert first == "B\n" + "".join(f"{word}\0" for word in ODD)
    assert second == f"B\n{ODD[5]}F 7\n"
    assert done.stderr == "B\nE\nB\nF\n"


async def test_commands(docker: DockerBackend, spec: SandboxSpec) -> None:
    mark = f"6{uuid.uuid4().int % 10**6}"
    async with running(docker, spec.model_copy(update={"env": {"FROM": "spec's"}})) as box:
        result = await box.run(["sh", "-c", 'echo "$FROM"; echo err >&2; exit 3'], timeout_sec=30)
        assert (result.exit_code, result.stdout, result.stderr) == (3, "spec's\n", "err\n")
        assert (await box.run(["cat"], timeout_sec=30)).exit_code == 0  # there is no standard input
        assert (await box.run(["wc", "-c"], stdin=b"12345", timeout_sec=30)).stdout.strip() == "5"
        assert (await box.run(["no-such-command"], timeout_sec=30)).exit_code == 127
        assert (await box.run(["true"], cwd="no/such", timeout_sec=30)).exit_code == 126
        await box.run(["sh", "-c", f"setsid sleep {mark} & sleep {mark} &"], timeout_sec=30)
        assert processes_with(mark) == []
        late = await box.run(["sh", "-c", f"trap '' TERM; echo begun; sleep {mark}"], timeout_sec=0.5)
        assert (late.exit_code, late.timed_out, late.stdout) == (None, True, "begun\n")
        assert processes_with(mark) == []
        assert (await box.run(["sh", "-c", "kill -9 -1"], timeout_sec=30)).exit_code == 137
        flood = await box.run(["sh", "-c", "yes | head -c 3000000; yes e | head -c 3000000 >&2"], timeout_sec=30)
        assert flood.truncated and flood.exit_code == 0 and flood.stdout.startswith("y\ny\n")
        assert (await box.run(["echo", "alive"], timeout_sec=30)).stdout == "alive\n"


async def test_no_exec_is_made(docker: DockerBackend, spec: SandboxSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is what this is for: each costs the daemon as much as a third of a container."""

    def begin(*_: object, **__: object) -> None:
        raise AssertionError("an exec")

    monkeypatch.setattr(DockerSandbox, "_begin_exec", begin)
    async with running(docker, spec) as box:
        await box.write_files({"a": b"1"})
        assert (await box.run(["cat", "a"], timeout_sec=30)).stdout == "1"
        assert (await box.run(["false"], timeout_sec=30)).exit_code == 1
        assert (await box.diff()).paths == ("a",)


async def test_it_has_a_loopback_and_names_for_it(docker: DockerBackend, spec: SandboxSpec) -> None:
    probe = "import socket as s; l = s.create_server(('localhost', 8000)); s.create_connection(('sandbox', 8000)); print(s.if_nameindex())"  # noqa: E501
    for each in (spec, SandboxSpec()):
        async with running(docker, each) as box:
            assert (await box.run(["python3", "-c", probe], timeout_sec=30)).stdout == "[(1, 'lo')]\n"


async def test_what_a_command_does_to_its_streams_ends_with_it(docker: DockerBackend, spec: SandboxSpec) -> None:
    """Some programs make theirs non-blocking; a large output of the next one would then fail."""
    unblock = "import fcntl, os; [fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | fcntl.fcntl(fd, fcntl.F_GETFL)) for fd in (0, 1, 2)]"  # noqa: E501
    async with running(docker, spec) as box:
        assert (await box.run(["python3", "-c", unblock], timeout_sec=30)).exit_code == 0
        large = await box.run(["sh", "-c", "head -c 900000 /dev/zero"], timeout_sec=30)
        assert (large.exit_code, len(large.stdout)) == (0, 900_000)


async def test_nobody_else_is_listened_to(docker: DockerBackend, spec: SandboxSpec) -> None:
    """A command can write to the shell's input; what it writes is dropped, a line that it has begun, too."""
    forge = "printf 'sleep 77 & \\nx y sleep 77 &\\nbegun ' >/proc/1/fd/0"
    async with running(docker, spec) as box:
        assert (await box.run(["sh", "-c", forge], timeout_sec=30)).exit_code == 0
        assert (await box.run(["sh", "-c", "cat /proc/*/cmdline"], timeout_sec=30)).stdout.count("77") == 0
        assert (await box.run(["cat", "/proc/1/cmdline"], timeout_sec=30)).stdout.count(box._shell._word) == 0


async def test_a_fork_bomb_leaves_the_shell_alive(docker: DockerBackend, spec: SandboxSpec) -> None:
    few = spec.model_copy(update={"limits": Limits(pids=30)})
    async with running(docker, few) as box:
        bomb = "import os, time\ntry:\n    while True: os.fork() or time.sleep(99)\nexcept OSError: print('held', flush=True)"  # noqa: E501
        for _ in range(3):
            assert "held" in (await box.run(["python3", "-c", bomb], timeout_sec=20)).stdout
        await box.run(["sh", "-c", "f() { f | f & }; f; sleep 60"], timeout_sec=1)
        assert (await box.run(["echo", "alive"], timeout_sec=30)).stdout == "alive\n"


async def test_it_ends_with_its_lifetime(docker: DockerBackend, spec: SandboxSpec) -> None:
    async with running(docker, spec.model_copy(update={"limits": Limits(lifetime_sec=1.5)})) as box:
        with pytest.raises(SandboxGone):
            await box.run(["sleep", "30"], timeout_sec=20)
        with pytest.raises(SandboxGone):
            await box.run(["true"], timeout_sec=20)


async def test_it_ends_with_our_connection(docker: DockerBackend, spec: SandboxSpec) -> None:
    """As after a kill -9 of the owner: nobody has to sweep."""
    box = await docker.start(spec)
    assert box._shell is not None
    box._shell.close()
    for _ in range(100):
        shown = subprocess.run(["docker", "ps", "-aq", "--filter", f"name={box.id}"], capture_output=True, check=True)
        if not shown.stdout:
            break
        await asyncio.sleep(0.05)
    assert shown.stdout == b""
    await box.stop()


async def test_files_and_the_change(docker: DockerBackend, spec: SandboxSpec) -> None:
    files = {"it's a file": "zoë\n\n'".encode(), "deep/er/empty": b"", "/tmp/x": b"x", "binary": b"\0\xff"}
    async with running(docker, spec) as box:
        for path, data in files.items():
            await box.write_files({path: data})
        await box.write_files({"tool": b"#!/bin/sh\necho tool\n", "deep/two": b"2"}, mode=0o755)
        assert (await box.run(["./tool"], timeout_sec=30)).stdout == "tool\n"
        assert (await box.run(["cat", "/tmp/x"], timeout_sec=30)).stdout == "x"
        with pytest.raises(IsADirectoryError):
            await box.write_files({"deep": b""})
        quick = await box.diff()
        assert {change.path: change.after for change in quick.changes} == {
            "binary": b"\0\xff",
            "deep/er/empty": b"",
            "deep/two": b"2",
            "it's a file": "zoë\n\n'".encode(),
            "tool": b"#!/bin/sh\necho tool\n",
        }
        for liar in ("echo no archive", "exit 1", "head -c 20000000 /dev/zero"):  # then the daemon is asked
            await box.write_files({"/usr/local/bin/tar": f"#!/bin/sh\n{liar}\n".encode()}, mode=0o755)
            assert await box.diff() == quick
