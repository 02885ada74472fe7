"""What a sandbox promises; the same on every backend."""

import asyncio
import os
import signal
import socket
import time
import uuid
from pathlib import Path

import pytest

from environments import Backend, Limits, Mount, SandboxGone, SandboxSpec, UnsupportedSpec, running

from .conftest import MakeLayer, processes_with


async def test_layers_are_stacked_and_never_written_to(backend: Backend, layer: MakeLayer) -> None:
    lower, upper = (
        layer({"a": "lower", "b/c": "lower", "f": "file"}),
        layer({"a": "upper", "b/d": "upper", "f/g": "folder"}),
    )
    async with running(backend, SandboxSpec(layers=(lower, upper))) as box:
        result = await box.run(["sh", "-c", "cat a b/c b/d f/g; echo changed > a; rm -r b"], timeout_sec=30)
    assert (result.exit_code, result.stdout) == (0, "upperlowerupperfolder")
    assert (upper / "a").read_text() == "upper" and (lower / "b/c").exists()


async def test_a_commands_result(backend: Backend, spec: SandboxSpec) -> None:
    async with running(backend, spec) as box:
        result = await box.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_sec=30)
        assert (result.exit_code, result.stdout, result.stderr) == (3, "out\n", "err\n")
        assert not (result.timed_out or result.truncated or result.oom_killed)
        assert (await box.run(["./run.sh"], timeout_sec=30)).stdout == "hi\n"
        assert (await box.run(["pwd"], cwd="pkg", timeout_sec=30)).stdout == "/workspace/pkg\n"
        killed = await box.run(["sh", "-c", "kill -SEGV $$"], timeout_sec=30)
        assert killed.exit_code == 128 + signal.SIGSEGV
        assert (await box.run(["no-such-command"], timeout_sec=30)).exit_code == 127
        assert (await box.run(["./hello.txt"], timeout_sec=30)).exit_code == 126
        assert (await box.run(["true"], cwd="no/such/folder", timeout_sec=30)).exit_code == 126


async def test_stdin(backend: Backend, spec: SandboxSpec) -> None:
    data = os.urandom(1 << 20)
    async with running(backend, spec) as box:
        assert (await box.run(["wc", "-c"], stdin=data, timeout_sec=30)).stdout.strip() == str(len(data))
        assert (await box.run(["true"], stdin=data, timeout_sec=30)).exit_code == 0  # never reads it
        assert (await box.run(["cat"], timeout_sec=30)).stdout == ""


async def test_files_outlive_a_command_but_processes_do_not(backend: Backend, spec: SandboxSpec) -> None:
    mark = f"7{uuid.uuid4().int % 10**6}"
    async with running(backend, spec) as box:
        script = f"echo 1 > /tmp/x; echo 2 > $HOME/x; echo 3 > x; setsid sleep {mark} & sleep {mark} &"
        result = await box.run(["sh", "-c", script], timeout_sec=30)
        assert result.exit_code == 0 and result.duration_sec < 10
        assert processes_with(mark) == []
        assert (await box.run(["sh", "-c", "cat /tmp/x $HOME/x x"], timeout_sec=30)).stdout == "1\n2\n3\n"


async def test_a_time_limit_ends_children_and_daemons_too(backend: Backend, spec: SandboxSpec) -> None:
    mark = f"8{uuid.uuid4().int % 10**6}"
    async with running(backend, spec) as box:
        began = time.monotonic()
        script = f"echo begun; (setsid sh -c 'trap \"\" TERM INT HUP; sleep {mark}' &) ; sleep {mark}"
        result = await box.run(["sh", "-c", script], timeout_sec=1)
        assert time.monotonic() - began < 6
        assert (result.exit_code, result.timed_out, result.stdout) == (None, True, "begun\n")
        assert processes_with(mark) == []
        assert (await box.run(["cat", "hello.txt"], timeout_sec=30)).stdout == "hello\n"


async def test_a_cancelled_command_is_killed(backend: Backend, spec: SandboxSpec) -> None:
    mark = f"9{uuid.uuid4().int % 10**6}"
    async with running(backend, spec) as box:
        task = asyncio.create_task(box.run(["sleep", mark], timeout_sec=60))
        while not processes_with(mark):
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(100):
            if not processes_with(mark):
                break
            await asyncio.sleep(0.05)
        assert processes_with(mark) == []
        assert (await box.run(["true"], timeout_sec=30)).exit_code == 0


async def test_long_output_keeps_head_and_tail(backend: Backend, spec: SandboxSpec) -> None:
    short = spec.model_copy(update={"limits": Limits(output_bytes=1000)})
    async with running(backend, short) as box:
        result = await box.run(["sh", "-c", "echo first; head -c 5000000 /dev/zero; echo; echo last"], timeout_sec=60)
        assert result.truncated and result.exit_code == 0
        assert result.stdout.startswith("first\n") and result.stdout.endswith("last\n")
        assert len(result.stdout) < 1200 and "bytes left out" in result.stdout
        assert (await box.run(["printf", "a\\377b"], timeout_sec=30)).stdout == "a\ufffdb"


async def test_the_environment_is_ours_alone(
    backend: Backend, spec: SandboxSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRISTMILL_SECRET", "do-not-leak")
    chosen = spec.model_copy(update={"env": {"FROM_SPEC": "1", "BOTH": "spec"}})
    async with running(backend, chosen) as box:
        result = await box.run(["env"], env={"BOTH": "command"}, timeout_sec=30)
    env = dict(line.split("=", 1) for line in result.stdout.splitlines())
    wanted = {"HOME": "/home/sandbox", "LANG": "C.UTF-8", "TMPDIR": "/tmp", "FROM_SPEC": "1", "BOTH": "command"}
    assert wanted.items() <= env.items()
    assert env["PATH"] == "/usr/local/bin:/usr/bin:/bin"
    assert set(env) - set(wanted) <= {"PATH", "PWD", "OLDPWD", "USER", "HOSTNAME", "SHLVL", "_"}


async def test_the_user_has_no_rights(backend: Backend, spec: SandboxSpec) -> None:
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    async with running(backend, spec) as box:
        result = await box.run(
            ["sh", "-c", "id -u; id -g; grep Cap /proc/self/status; stat -c %u . hello.txt"], timeout_sec=30
        )
        lines = result.stdout.split("\n")
        assert lines[:2] == ["1000", "1000"] and lines[-3:-1] == ["1000", "1000"]
        assert all(int(line.split()[1], 16) == 0 for line in lines if line.startswith("Cap"))
        for target in ("/usr/x", "/etc/x", "/x", "/dev/x", "/proc/sys/kernel/core_pattern", "/bin/ls"):
            tried = await box.run(["sh", "-c", f"echo evil > {target}"], timeout_sec=30)
            assert tried.exit_code != 0, target
        mounted = await box.run(["sh", "-c", "mount -t tmpfs none /tmp || unshare -Urm true"], timeout_sec=30)
        assert mounted.exit_code != 0
        assert (await box.run(["sudo", "-n", "true"], timeout_sec=30)).exit_code != 0
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before


async def test_the_host_can_not_be_seen(backend: Backend, spec: SandboxSpec, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top secret")
    async with running(backend, spec) as box:
        for path in (
            str(secret),
            "/etc/shadow",
            f"{Path.home()}/.bashrc",
            "/proc/1/root/etc/shadow",
            "/var/run/docker.sock",
        ):
            assert (await box.run(["cat", path], timeout_sec=30)).exit_code != 0, path
        listing = await box.run(
            ["sh", "-c", "ls /root /home /tmp /home/sandbox; hostname; ls -d /proc/[0-9]*"], timeout_sec=30
        )
        assert socket.gethostname() not in listing.stdout.split()
        assert listing.stdout.count("/proc/") < 10
        shown = await box.run(["sh", "-c", "cat /proc/*/cmdline /proc/self/mountinfo"], timeout_sec=30)
        assert os.fspath(spec.layers[0]) not in shown.stdout


async def test_no_network_unless_asked(backend: Backend, spec: SandboxSpec) -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        probe = [
            "python3",
            "-c",
            f"import socket; print(len(socket.if_nameindex())); socket.create_connection(('127.0.0.1', {port}), 2)",
        ]
        async with running(backend, spec) as box:
            result = await box.run(probe, timeout_sec=30)
            assert result.stdout == "1\n" and result.exit_code == 1  # only its own loopback
        async with running(backend, spec.model_copy(update={"network": True})) as box:
            asked = await box.run(probe, timeout_sec=30)
            assert int(asked.stdout) > 1
            assert (await box.run(["cat", "/etc/resolv.conf"], timeout_sec=30)).exit_code == 0


async def test_the_memory_limit_ends_a_command_and_not_the_sandbox(backend: Backend, spec: SandboxSpec) -> None:
    small = spec.model_copy(update={"limits": Limits(memory_mb=100)})
    async with running(backend, small) as box:
        result = await box.run(["python3", "-c", "x = bytearray(400 << 20); print(len(x))"], timeout_sec=60)
        assert result.exit_code == 128 + signal.SIGKILL and result.oom_killed
        after = await box.run(["true"], timeout_sec=30)
        assert after.exit_code == 0 and not after.oom_killed


async def test_a_fork_bomb_is_held(backend: Backend, spec: SandboxSpec) -> None:
    few = spec.model_copy(update={"limits": Limits(pids=30)})
    async with running(backend, few) as box:
        bomb = "import os\nn = 0\ntry:\n    while n < 500:\n        if os.fork() == 0: os.read(0, 1) or __import__('time').sleep(99)\n        n += 1\nexcept OSError: print(n, flush=True)"  # noqa: E501
        result = await box.run(["python3", "-c", bomb], timeout_sec=20)
        assert 15 <= int(result.stdout.split()[0]) <= 40
        endless = await box.run(["sh", "-c", "f() { f | f & }; f; sleep 60"], timeout_sec=2)
        assert endless.timed_out or endless.exit_code != 0
        assert (await box.run(["echo", "alive"], timeout_sec=30)).stdout == "alive\n"


async def test_the_disk_limit(backend: Backend, spec: SandboxSpec) -> None:
    small = spec.model_copy(update={"limits": Limits(disk_mb=16)})
    async with running(backend, small) as box:
        result = await box.run(["dd", "if=/dev/zero", "of=big", "bs=1M", "count=64"], timeout_sec=60)
        assert result.exit_code != 0
        size = await box.run(["stat", "-c", "%s", "big"], timeout_sec=30)
        assert int(size.stdout) <= 16 << 20
        for folder in ("/tmp", "/home/sandbox", "/dev/shm"):
            filled = await box.run(["dd", "if=/dev/zero", f"of={folder}/big", "bs=1M", "count=64"], timeout_sec=60)
            assert filled.exit_code != 0, folder


async def test_the_cpu_limit(backend: Backend, spec: SandboxSpec) -> None:
    slow = spec.model_copy(update={"limits": Limits(cpus=0.2)})
    busy = "import time; end = time.monotonic() + 1; a = time.process_time()\nwhile time.monotonic() < end: pass\nprint(time.process_time() - a)"  # noqa: E501
    async with running(backend, slow) as box:
        result = await box.run(["python3", "-c", busy], timeout_sec=30)
    assert float(result.stdout) < 0.6


async def test_a_sandbox_ends_with_its_lifetime(backend: Backend, spec: SandboxSpec) -> None:
    brief = spec.model_copy(update={"limits": Limits(lifetime_sec=1.5)})
    async with running(backend, brief) as box:
        with pytest.raises(SandboxGone):
            await box.run(["sleep", "30"], timeout_sec=20)
        with pytest.raises(SandboxGone):
            await box.run(["true"], timeout_sec=20)


async def test_stop_is_quick_and_can_be_repeated(backend: Backend, spec: SandboxSpec) -> None:
    box = await backend.start(spec)
    sleeping = asyncio.create_task(box.run(["sleep", "60"], timeout_sec=90))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    await box.stop()
    assert time.monotonic() - began < 3
    with pytest.raises(SandboxGone):
        await sleeping
    await box.stop()
    for use in (box.run(["true"], timeout_sec=5), box.read_file("hello.txt"), box.write_files({"a": b""}), box.diff()):
        with pytest.raises(SandboxGone):
            await use


async def test_reading_files(backend: Backend, layer: MakeLayer) -> None:
    folder = layer(
        {"a": b"\x00\xff" * 1000, "in": "-> sub/b", "sub/b": "b", "out": "-> /etc/passwd", "shadow": "-> /etc/shadow"}
    )
    async with running(backend, SandboxSpec(layers=(folder,))) as box:
        assert await box.read_file("a") == b"\x00\xff" * 1000
        assert await box.read_file("/workspace/a", max_bytes=3) == b"\x00\xff\x00"
        assert await box.read_file("in") == b"b"
        assert await box.read_file("out") != Path("/etc/passwd").read_bytes()
        assert b"sandbox" in await box.read_file("out")
        await box.run(
            ["sh", "-c", "mkfifo pipe; echo t > /tmp/t; ln -s /proc/1/root/etc host; ln -s loop loop"], timeout_sec=30
        )
        assert await box.read_file("/tmp/t") == b"t\n"
        for path in ("missing", "sub/missing", "pipe", "host/missing", "loop", "a/b"):
            with pytest.raises((FileNotFoundError, NotADirectoryError)):
                await box.read_file(path)
        for path in ("sub", "/workspace", "/tmp"):
            with pytest.raises(IsADirectoryError):
                await box.read_file(path)
        with pytest.raises((FileNotFoundError, PermissionError)):
            await box.read_file("shadow")


async def test_writing_files(backend: Backend, spec: SandboxSpec) -> None:
    async with running(backend, spec) as box:
        await box.write_files({"hello.txt": b"new", "new/deep/file": b"\x00\xff", "/tmp/t": b"t"})
        await box.write_files({"tool": b"#!/bin/sh\necho tool\n", "empty": b""}, mode=0o755)
        assert (await box.run(["./tool"], timeout_sec=30)).stdout == "tool\n"
        await box.write_files({"new/deep/more": b"later"})
        await box.write_files({"one": b"1", "two/2": b"2", "/tmp/three": b"3"}, mode=0o600)
        shown = await box.run(
            [
                "sh",
                "-c",
                "stat -c '%a %u %n' hello.txt new/deep new/deep/file one two; cat /tmp/t /tmp/three two/2 new/deep/more",  # noqa: E501
            ],
            timeout_sec=30,
        )
        assert shown.stdout.splitlines() == [
            "644 1000 hello.txt",
            "755 1000 new/deep",
            "644 1000 new/deep/file",
            "600 1000 one",
            "755 1000 two",
            "t32later",
        ]
        assert await box.read_file("new/deep/file") == b"\x00\xff"
        with pytest.raises((IsADirectoryError, PermissionError)):
            await box.write_files({"pkg": b""})
        with pytest.raises(PermissionError):
            await box.write_files({"/usr/bin/x": b""})


async def test_planted_links_lead_nowhere_outside(backend: Backend, spec: SandboxSpec, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    plant = f"ln -s {victim} file; ln -s {tmp_path} folder; ln -s /etc etc; ln -s pkg alias; ln -sf ../../../../../..{victim} up"  # noqa: E501
    async with running(backend, spec) as box:
        await box.run(["sh", "-c", plant], timeout_sec=30)
        await box.write_files({"file": b"mine"})  # a link in its own place is replaced
        await box.write_files({"up": b"mine"})
        await box.write_files({"alias/new.py": b"y = 2\n"})  # a folder behind a link is found inside
        assert await box.read_file("pkg/new.py") == b"y = 2\n"
        with pytest.raises(PermissionError):
            await box.write_files({"etc/passwd": b"evil"})
        with pytest.raises(PermissionError):
            await box.write_files({"folder/victim": b"evil"})
        assert await box.read_file("file") == b"mine"
        with pytest.raises((FileNotFoundError, PermissionError)):
            await box.read_file("folder/victim")
    assert victim.read_text() == "untouched" and sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["victim"]


async def test_read_only_mounts(backend: Backend, spec: SandboxSpec, layer: MakeLayer) -> None:
    prefix = layer(
        {"bin/tool.sh": "#!/bin/sh\necho tool\n", "lib/python3.11/site-packages/copy.py": "", "lib/link": "-> ../bin"}
    )
    venv = layer({"pyvenv.cfg": "", "lib/python3.11/site-packages/dep.py": "v = 1\n"})
    mounts = (Mount(source=prefix, target="/opt/prefix"), Mount(source=venv, target="/opt/venv"))
    async with running(backend, spec.model_copy(update={"mounts": mounts})) as box:
        assert (await box.run(["/opt/prefix/lib/link/tool.sh"], timeout_sec=30)).stdout == "tool\n"
        assert (await box.run(["ls", "/opt/prefix/lib/python3.11/site-packages"], timeout_sec=30)).stdout == ""
        assert (
            await box.run(["cat", "/opt/venv/lib/python3.11/site-packages/dep.py"], timeout_sec=30)
        ).stdout == "v = 1\n"
        assert (await box.run(["touch", "/opt/venv/x"], timeout_sec=30)).exit_code != 0
        assert await box.diff() == type(await box.diff())()


async def test_another_workdir(backend: Backend, spec: SandboxSpec) -> None:
    async with running(backend, spec.model_copy(update={"workdir": "/srv/code"})) as box:
        result = await box.run(["sh", "-c", "pwd; echo x > new; cat hello.txt"], timeout_sec=30)
        assert result.stdout == "/srv/code\nhello\n"
        assert (await box.diff()).paths == ("new",)


async def test_many_at_a_time(backend: Backend, spec: SandboxSpec) -> None:
    async def one(number: int) -> str:
        async with running(backend, spec) as box:
            await box.write_files({"n": str(number).encode()})
            return (await box.run(["cat", "n"], timeout_sec=60)).stdout

    assert await asyncio.gather(*(one(n) for n in range(8))) == [str(n) for n in range(8)]


async def test_what_can_not_be_made_is_told(backend: Backend, spec: SandboxSpec, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedSpec, match="does not exist"):
        await backend.start(spec.model_copy(update={"layers": (tmp_path / "missing",)}))
    with pytest.raises(UnsupportedSpec, match="workdir"):
        await backend.start(spec.model_copy(update={"workdir": "/"}))
