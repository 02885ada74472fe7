"""The published list of attacks, docs/hostile.md: what each tries, and that it gets nothing, on both sandboxes."""

import asyncio
import contextlib
import platform

import pytest

from environments import Backend, Limits, SandboxSpec, running
from environments._seccomp import program
from environments.errors import EnvironmentFault

# Each prints what it gained, or `held`.
CALLS = {
    "keyctl": "250, 0, -3, 1, 0, 0",
    "add_key": "248, b'user', b'x', b'y', 1, -3",
    "bpf": "321, 0, 0, 0, 0, 0",
    "perf_event_open": "298, bytes(128), 0, -1, -1, 0",
    "userfaultfd": "323, 0, 0, 0, 0, 0",
    "io_uring_setup": "425, 8, bytes(120), 0, 0, 0",
    "init_module": "175, b'', 0, b'', 0, 0",
    "kexec_load": "246, 0, 0, 0, 0, 0",
    "mount": "165, b'none', b'/tmp', b'tmpfs', 0, 0",
    "umount2": "166, b'/tmp', 2, 0, 0, 0",
    "pivot_root": "155, b'/tmp', b'/tmp', 0, 0, 0",
    "unshare": "272, 0x10000000, 0, 0, 0, 0",
    "setns": "308, 0, 0, 0, 0, 0",
    "swapon": "167, b'/tmp', 0, 0, 0, 0",
    "settimeofday": "164, bytes(16), 0, 0, 0, 0",
    "reboot": "169, 0xfee1dead, 672274793, 0, 0, 0",
    "syslog": "103, 3, b' ' * 64, 64, 0, 0",
    "open_by_handle_at": "304, 0, bytes(16), 0, 0, 0",
}
LEFT_TO_DOCKER = ("io_uring_setup",)  # its own profile refuses it from Docker 25 on
PROGRAMS = {
    "raw socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
    "packet socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "name server": "socket.getaddrinfo('example.com', 80)",
    "metadata address": "socket.create_connection(('169.254.169.254', 80), 2)",
    "other machines": "socket.create_connection(('192.0.2.1', 80), 2)",
    "block device": "os.mknod('disk', stat.S_IFBLK | 0o600, os.makedev(8, 0))",
    "character device": "os.mknod('mem', stat.S_IFCHR | 0o600, os.makedev(1, 1))",
    "memory of the machine": "open('/dev/mem', 'rb').read(1)",
    "kernel memory": "open('/proc/kcore', 'rb').read(1)",
    "setuid": "os.setuid(0)",
    "a file of root's": "open('mine', 'w').close() or os.chown('mine', 0, 0)",
    "chroot": "os.chroot('/tmp')",
    "core pattern": "open('/proc/sys/kernel/core_pattern', 'w').write('|/tmp/x')",
    "sysrq": "open('/proc/sysrq-trigger', 'w').write('b')",
    "control groups": "os.makedirs('/sys/fs/cgroup/x')",
    "kernel objects": "open('/sys/kernel/uevent_helper', 'w').write('/tmp/x')",
    "docker's socket": "socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')",
    "nicer than others": "os.nice(-5)",
    "first process": "os.kill(1, 9) or [][0]",
}
HEAD = "import ctypes, os, socket, stat\n"


def attempt(expression: str) -> str:
    held = "except (OSError, IndexError):\n    print('held')\n"
    return f"{HEAD}try:\n    gained = {expression}\n{held}else:\n    print(gained)\n"


def call(numbers: str) -> str:
    return (
        f"{HEAD}libc = ctypes.CDLL(None, use_errno=True)\nprint('held' if libc.syscall({numbers}) == -1 else 'done')\n"
    )


async def outcome(backend: Backend, spec: SandboxSpec, script: str) -> str:
    async with running(backend, spec) as box:
        done = await box.run(["python3", "-c", script], timeout_sec=30)
        after = await box.run(["echo", "alive"], timeout_sec=30)
    assert after.stdout == "alive\n", "the sandbox did not outlive it"
    return done.stdout.strip() or done.stderr


async def test_what_only_an_administrator_needs_is_refused(backend: Backend, spec: SandboxSpec) -> None:
    if platform.machine() != "x86_64":
        pytest.skip("the numbers of these calls are x86_64's")
    tried = {name: each for name, each in CALLS.items() if backend.name != "docker" or name not in LEFT_TO_DOCKER}
    script = "".join(f"print({name!r}, end=' ')\n{call(numbers)}" for name, numbers in tried.items())
    told = await outcome(backend, spec, script)
    assert [line for line in told.splitlines() if not line.endswith(" held")] == []
    assert len(told.splitlines()) == len(tried)


async def test_nothing_is_gained(backend: Backend, spec: SandboxSpec) -> None:
    script = "".join(f"print({name!r}, end=': ')\n{attempt(each)}" for name, each in PROGRAMS.items())
    told = await outcome(backend, spec, script)
    assert [line for line in told.splitlines() if not line.endswith(": held")] == []
    assert len(told.splitlines()) == len(PROGRAMS)


async def test_a_command_holds_nothing_of_ours(backend: Backend, spec: SandboxSpec) -> None:
    """Not the socket of its holder above all: who has that can say how commands ended."""
    look = "for fd in /proc/$$/fd/*; do case ${fd##*/} in 0|1|2|10) ;; *) readlink $fd ;; esac; done"
    async with running(backend, spec) as box:
        for _ in range(2):
            held = (await box.run(["sh", "-c", look], timeout_sec=30)).stdout.splitlines()
            assert [each for each in held if not each.startswith("user:")] == []  # the namespace that it is in anyway


async def test_a_command_can_not_say_how_it_ended(backend: Backend, spec: SandboxSpec) -> None:
    forged = 'b\'{"ended": "command-1", "status": 0}\''
    tell = f"    try: socket.socket(fileno=os.dup(fd)).send({forged})\n    except OSError: pass\n"
    script = f"import os, socket, sys, time\nfor fd in range(3, 64):\n{tell}time.sleep(0.3)\nsys.exit(3)\n"
    async with running(backend, spec) as box:
        assert (await box.run(["python3", "-c", script], timeout_sec=30)).exit_code == 3


async def test_a_signal_to_everybody_reaches_nobody_else(backend: Backend, spec: SandboxSpec) -> None:
    async with running(backend, spec) as other:
        await outcome(backend, spec, "import os\nos.kill(-1, 9)\n")
        assert (await other.run(["echo", "well"], timeout_sec=30)).stdout == "well\n"


async def test_a_flood_of_output_is_cut(backend: Backend, spec: SandboxSpec) -> None:
    async with running(backend, spec) as box:
        flood = await box.run(["sh", "-c", "yes good & yes bad >&2 & wait"], timeout_sec=2)
        assert flood.timed_out and flood.truncated
        assert len(flood.stdout) + len(flood.stderr) < 4 * spec.limits.output_bytes
        assert (await box.run(["echo", "alive"], timeout_sec=30)).stdout == "alive\n"


async def test_children_that_nobody_waits_for_do_not_add_up(backend: Backend, spec: SandboxSpec) -> None:
    few = spec.model_copy(update={"limits": Limits(pids=64)})
    daemons = "import os\nfor _ in range(20):\n    if os.fork() == 0:\n        os.setsid()\n        os._exit(0) if os.fork() else __import__('time').sleep(60)\n"  # noqa: E501
    async with running(backend, few) as box:
        for _ in range(4):  # 80 in all, if they stayed
            await box.run(["python3", "-c", daemons], timeout_sec=10)
        assert (await box.run(["sh", "-c", "true & true & wait; echo room"], timeout_sec=30)).stdout == "room\n"


async def test_a_race_for_the_diff_shows_nothing_of_the_host(backend: Backend, spec: SandboxSpec) -> None:
    """A folder that becomes a link and a folder again while we look."""
    race = "mkdir real; echo mine > real/passwd; (while :; do rm -rf d; ln -s /etc d; rm d; cp -r real d; done) &"
    async with running(backend, spec) as box:
        racing = asyncio.create_task(box.run(["sh", "-c", f"{race} sleep 3"], timeout_sec=10))
        await asyncio.sleep(0.3)
        diffs = []
        for _ in range(5):
            with contextlib.suppress(EnvironmentFault):  # it changes faster than it can be read, and says so
                diffs.append(await box.diff())
        await racing
        diffs.append(await box.diff())
    contents = [change.after for diff in diffs for change in diff.changes if change.after]
    assert contents and not any(b"root:" in content for content in contents)


async def test_a_long_path_and_a_deep_folder_end_in_words(backend: Backend, spec: SandboxSpec) -> None:
    deep = (
        "import os\nfor _ in range(400):\n    os.mkdir('d' * 100); os.chdir('d' * 100)\nopen('end', 'w').write('x')\n"
    )
    async with running(backend, spec) as box:
        await box.run(["python3", "-c", deep], timeout_sec=30)
        try:
            diff = await box.diff()
        except Exception as error:  # noqa: BLE001  whatever it is, a person must be able to read it
            assert "Traceback" not in str(error) and str(error)
        else:
            assert all(len(path) < 100_000 for path in diff.paths)


def test_the_filter_is_whole() -> None:
    for machine in ("x86_64", "aarch64"):
        lines = [program(machine)[at : at + 8] for at in range(0, len(program(machine)), 8)]
        assert len(lines) < 4096
        for at, line in enumerate(lines):
            assert at + line[2] + 1 < len(lines) + 1 or line[0] == 0x06, "a jump past the end"
    assert program("riscv64") == b""
