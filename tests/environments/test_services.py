"""Services inside a sandbox: reached by their port, and in no other way."""

import asyncio
import os
import signal
import socket
import time
import uuid
from pathlib import Path

import pytest
from pydantic import ValidationError

from environments import (
    Backend,
    EnvironmentFault,
    Limits,
    SandboxGone,
    SandboxSpec,
    Service,
    UnsupportedSpec,
    get_backend,
    running,
)

from .conftest import MakeLayer, processes_with

# Gives the length of its data, counts what it is sent, and ends when told.
COUNTER = """\
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

count = 0

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global count
        count += self.path == "/add"
        if self.path == "/end":
            print("I was told to end", flush=True)
            os._exit(3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{len(DATA)} {count}".encode())

ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
"""
ASK = """\
import sys, urllib.request
for path in sys.argv[2:]:
    answer = urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}{path}").read().decode()
print(answer, end="")
"""
# Looks for the secret, of which it knows the beginning, in all that /proc tells of every process, and by ptrace.
SPY = """\
import ctypes, glob, os, pathlib

known = b"secret-begins-" + b"here"
libc = ctypes.CDLL(None, use_errno=True)
seen = []
for process in glob.glob("/proc/[0-9]*"):
    pid = int(process[6:])
    if pid == os.getpid() or pid == os.getppid():
        continue
    command = pathlib.Path(process, "cmdline").read_bytes()
    seen.append(b"PR_SET_DUMPABLE" in command)
    if known in command:
        print("cmdline", pid)
    for name in ("environ", "auxv", "stack", "syscall"):
        try:
            if known in pathlib.Path(process, name).read_bytes():
                print(name, pid)
        except OSError:
            pass
    for name in ("fd", "root", "cwd", "map_files"):
        for path in [f"{process}/{name}", *glob.glob(f"{process}/{name}/*")]:
            try:
                if os.path.isfile(path) and known in open(path, "rb").read(1 << 20):
                    print(name, pid)
            except OSError:
                pass
    try:
        maps = open(f"{process}/maps").read()
        memory = open(f"{process}/mem", "rb")
        for line in maps.splitlines():
            first, last = (int(end, 16) for end in line.split()[0].split("-"))
            memory.seek(first)
            if known in memory.read(last - first):
                print("mem", pid)
    except (OSError, OverflowError):
        pass
    if seen[-1] and libc.ptrace(16, pid, 0, 0) == 0:
        print("ptrace", pid)
    if seen[-1]:
        try:
            os.kill(pid, 9)
            print("killed", pid)
        except OSError:
            pass
for folder in ("/workspace", "/tmp", "/home", "/dev/shm", "/run", "/var", "/etc"):
    for path in pathlib.Path(folder).rglob("*"):
        try:
            if path.is_file() and known in path.read_bytes():
                print("file", path)
        except OSError:
            pass
print("looked at", len(seen), "saw the service's" if any(seen) else "saw nothing")
"""


def service(folder: Path, program: str = COUNTER, data: bytes | None = None, **fields: object) -> Service:
    folder.mkdir(exist_ok=True)
    (folder / "server.py").write_text(program)
    if data is not None:
        (folder / "data").write_bytes(data)
    values = {"name": "counter", "program": folder / "server.py", "data": folder / "data" if data else None, **fields}
    return Service.model_validate(values)


def asking(*paths: str, port: int = 8000) -> list[str]:
    return ["python3", "-c", ASK, str(port), *paths]


async def test_its_state_lives_between_commands_and_ends_with_the_sandbox(
    backend: Backend, spec: SandboxSpec, tmp_path: Path
) -> None:
    data, mark = os.urandom(3_000_000), f"counter-{uuid.uuid4().hex}"
    served = spec.model_copy(update={"services": (service(tmp_path / "s", data=data, name=mark),)})
    for _ in range(2):  # the second sandbox begins from the data again
        async with running(backend, served) as box:
            assert processes_with(mark)
            assert (await box.run(asking("/add"), timeout_sec=30)).stdout == "3000000 1"
            assert (await box.run(asking("/add", "/add"), timeout_sec=30)).stdout == "3000000 3"
            assert (await box.diff()).changes == ()
    for _ in range(100):
        if not processes_with(mark):
            break
        await asyncio.sleep(0.02)
    assert processes_with(mark) == []


async def test_several_services_and_two_sandboxes_on_one_port(
    backend: Backend, spec: SandboxSpec, tmp_path: Path
) -> None:
    two = (service(tmp_path / "a"), service(tmp_path / "b", name="other", port=8001, data=b"12345"))
    served = spec.model_copy(update={"services": two})
    async with running(backend, served) as left, running(backend, served) as right:
        assert (await left.run(asking("/add", "/add"), timeout_sec=30)).stdout == "0 2"
        assert (await left.run(asking("/", port=8001), timeout_sec=30)).stdout == "5 0"
        assert (await right.run(asking("/"), timeout_sec=30)).stdout == "0 0"


async def test_its_data_can_not_be_read(backend: Backend, spec: SandboxSpec, tmp_path: Path, *, is_kept: bool) -> None:
    secret = b"secret-begins-here" + os.urandom(1000)
    served = spec.model_copy(update={"services": (service(tmp_path / "s", data=secret),)})
    async with running(backend, served) as box:
        looked = await box.run(["python3", "-c", SPY], timeout_sec=60)
        assert looked.stdout.splitlines()[:-1] == [] and "looked at" in looked.stdout, looked.stdout + looked.stderr
        if not is_kept:  # there it is at least in sight
            assert "saw the service's" in looked.stdout
        assert (await box.run(asking("/"), timeout_sec=30)).stdout == f"{len(secret)} 0"


async def test_it_has_a_network_of_its_own(backend: Backend, spec: SandboxSpec, tmp_path: Path) -> None:
    served = spec.model_copy(update={"services": (service(tmp_path / "s", port=18765),)})
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        async with running(backend, served) as box:
            probe = f"import socket; print(len(socket.if_nameindex())); socket.create_connection(('127.0.0.1', {port}))"
            result = await box.run(["python3", "-c", probe], timeout_sec=30)
            assert (result.stdout, result.exit_code) == ("1\n", 1) and "refused" in result.stderr
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", 18765), 2)


async def test_one_that_has_ended_ends_its_rollout_only(backend: Backend, spec: SandboxSpec, tmp_path: Path) -> None:
    served = spec.model_copy(update={"services": (service(tmp_path / "s"),)})
    async with running(backend, served) as left, running(backend, served) as right:
        assert (await left.run(asking("/end"), timeout_sec=30)).exit_code != 0
        with pytest.raises(SandboxGone, match=r"(?s)service counter has ended.*I was told to end"):
            for _ in range(50):
                await left.run(["true"], timeout_sec=30)
        assert (await right.run(asking("/add"), timeout_sec=30)).stdout == "0 1"


async def test_one_that_never_gets_ready_is_told_in_time(backend: Backend, spec: SandboxSpec, tmp_path: Path) -> None:
    mark = f"silent-{uuid.uuid4().hex}"
    waits = "import time\nprint('waiting')\ntime.sleep(1000)"
    silent = service(tmp_path / "silent", waits, name=mark, ready_timeout_sec=1)
    began = time.monotonic()
    with pytest.raises(
        EnvironmentFault, match=rf"service {mark} did not answer GET / on port 8000 with 200 within 1 s"
    ):
        async with asyncio.timeout(30):
            await backend.start(spec.model_copy(update={"services": (silent,)}))
    assert time.monotonic() - began < 20
    broken = service(tmp_path / "broken", "first = 1\nraise ValueError('no such luck')\n")
    with pytest.raises(EnvironmentFault, match=r"(?s)counter has ended.* before it was ready.*raise.*no such luck"):
        await backend.start(spec.model_copy(update={"services": (broken,)}))
    assert processes_with(mark) == []


async def test_it_counts_in_the_limits(backend: Backend, spec: SandboxSpec, tmp_path: Path) -> None:
    hungry = service(tmp_path / "s", "kept = bytearray(400 << 20)\n" + COUNTER, ready_timeout_sec=10)
    small = spec.model_copy(update={"services": (hungry,), "limits": Limits(memory_mb=100)})
    with pytest.raises(EnvironmentFault, match="counter has ended"):
        await backend.start(small)


async def test_a_hungry_command_ends_before_it(backend: Backend, spec: SandboxSpec, tmp_path: Path) -> None:
    small = spec.model_copy(update={"services": (service(tmp_path / "s"),), "limits": Limits(memory_mb=120)})
    async with running(backend, small) as box:
        result = await box.run(["python3", "-c", "x = bytearray(400 << 20); print(len(x))"], timeout_sec=60)
        assert result.exit_code == 128 + signal.SIGKILL
        assert (await box.run(asking("/"), timeout_sec=30)).stdout == "0 0"


async def test_a_command_at_its_time_limit_leaves_it_alone(backend: Backend, spec: SandboxSpec, tmp_path: Path) -> None:
    served = spec.model_copy(update={"services": (service(tmp_path / "s"),)})
    async with running(backend, served) as box:
        assert (await box.run(["sh", "-c", "setsid sleep 50 & sleep 60"], timeout_sec=0.5)).timed_out
        assert (await box.run(asking("/add"), timeout_sec=30)).stdout == "0 1"


async def test_an_images_root_can_not_read_it_either(layer: MakeLayer, tmp_path: Path) -> None:
    docker = get_backend("docker", keep_containers=False)
    if problems := docker.missing():
        pytest.skip("; ".join(problems))
    secret = b"secret-begins-here" + os.urandom(1000)
    recipe = "ARG BASE\nFROM ${BASE}\nWORKDIR /workspace\n"
    spec = SandboxSpec(build_context=layer({"Dockerfile": recipe}), services=(service(tmp_path / "s", data=secret),))
    async with running(docker, spec) as box:
        assert (await box.run(["id", "-u"], timeout_sec=30)).stdout == "0\n"
        looked = await box.run(["python3", "-c", SPY], timeout_sec=60)
        assert looked.stdout.startswith("looked at") and "saw the service's" in looked.stdout, looked.stdout
        assert (await box.run(asking("/"), timeout_sec=30)).stdout == f"{len(secret)} 0"


async def test_what_can_not_be_served_is_told_before_the_start(spec: SandboxSpec, tmp_path: Path) -> None:
    bubblewrap = get_backend("bubblewrap")
    if problems := bubblewrap.missing():
        pytest.skip("; ".join(problems))
    served = service(tmp_path / "s")
    with pytest.raises(UnsupportedSpec, match="network"):
        await bubblewrap.start(spec.model_copy(update={"services": (served,), "network": True}))
    missing = served.model_copy(update={"data": tmp_path / "none"})
    with pytest.raises(UnsupportedSpec, match=r"service counter: .*none is no file"):
        await bubblewrap.start(spec.model_copy(update={"services": (missing,)}))
    with pytest.raises(ValidationError, match="two services have the same port: 8000"):
        SandboxSpec(services=(served, served.model_copy(update={"name": "other"})))
