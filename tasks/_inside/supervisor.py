"""The supervisor: gives orders to the nursery, watches its workers, tells the host what happened."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import os
import selectors
import signal
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from tasks._inside.frames import Receiver
from tasks._inside.reporter import REPORT_SEC, wall_limit
from tasks._inside.warm import serve
from tasks._inside.worker import PR_SET_DUMPABLE, READY, nurse

OUTPUT_HEAD = 40_000
OUTPUT_TAIL = 60_000
MAX_WORKERS = 25
# A worker stops a slow test itself, by a signal. This is how long the supervisor waits for that to work.
GRACE_SEC = 2.0
# A test that begins, and one that ends, is a record: to be woken up for each takes as long as many a test. So after
# each look there is a nap, as long as this share of the run so far.
NAP_SHARE, NAP_SEC = 0.05, 0.005
# Results are told to the host some at a time: to pack and unpack each by itself takes as long as many a test.
MOST_RESULTS = 100
RESULTS_WAIT_SEC = 0.1


class Supervisor:
    """One run of tests, through as many workers as it takes.

    `own`: what of the configuration is this run's own, where one nursery serves several.
    """

    def __init__(
        self, config: dict[str, Any], pipes: dict[str, int], nonce: str, own: dict[str, Any] | None = None
    ) -> None:
        self.own = own or {}
        self.config = {**config, **self.own}
        self.pipes = pipes
        self.nonce = nonce
        self.collected: list[str] | None = None
        self.done: dict[str, None] = {}
        self.failed: set[str] = set()
        self.has_no_end = False
        self.is_tampered = False
        self.exit_code: int | None = None
        self.output = Output()
        self.results: list[dict[str, Any]] = []  # not emitted yet
        # of the worker that runs now
        self.worker_pid = 0
        self.running: str | None = None
        self.deadline: float | None = None
        self.was_stopped = False
        self.is_finished = False
        self.is_cold = False

    def watch(self) -> None:
        """Workers, one after another, until every test has its result or a worker got nowhere."""
        started = time.monotonic()
        before = self._guarded_state()
        for _ in range(MAX_WORKERS):
            known = len(self.done)
            self._one_worker()
            if self.is_cold:
                break
            if self.is_finished or self.is_tampered or self._is_all_done() or len(self.done) == known:
                break
        if self.is_cold:
            return
        now = self._guarded_state()
        if changed := [path for path, state in before.items() if now[path] != state]:
            self.is_tampered = True
            self.emit("tampered", what=changed[:20])
        self.emit("end", is_complete=self._is_all_done() and (self.is_finished or self._stops_here()),
                  is_tampered=self.is_tampered, exit=self.exit_code, output=self.output.text(),
                  sec=time.monotonic() - started, is_warm="swaps" in self.own)  # fmt: skip

    def _guarded_state(self) -> dict[str, tuple[int, ...] | None]:
        """Of each file that tested code has no business to write. A change that was undone still shows in ctime."""
        states: dict[str, tuple[int, ...] | None] = {}
        for path in self.config["guarded"]:
            try:
                info = os.lstat(self.config["workdir"] + "/" + path)
            except OSError:
                states[path] = None
            else:
                states[path] = (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        return states

    def emit(self, kind: str, **fields: Any) -> None:
        """One line to the host, after the results so far."""
        if self.results:
            self._emit_results()
        body = base64.b64encode(zlib.compress(json.dumps({"kind": kind, **fields}).encode(), 1))
        data = memoryview(self.nonce.encode() + b" " + body + b"\n")
        while data:
            data = data[os.write(1, data) :]

    def _emit_results(self) -> None:
        results, self.results = self.results, []
        self.emit("results", results=results)

    def _stops_here(self) -> bool:
        """True once what has failed makes the rest needless."""
        gate = [test for test in self.config["gate"] if test in (self.collected or ())]
        is_shut = any(test in self.failed for test in gate) and all(test in self.done for test in gate)
        most = 0 if self.config["stop_at_first_failure"] else self.config.get("most_failures") or float("inf")
        return len(self.failed) > most or is_shut or (self.has_no_end and self.config.get("stops_without_end", False))

    def _is_all_done(self) -> bool:
        if self.collected is None:
            return False
        return self._stops_here() or all(test in self.done for test in self.collected)

    def _one_worker(self) -> None:
        key = os.urandom(32)
        order = {"key": key.hex(), "config": {**self.own, "skip": list(self.done)}}
        _write_all(self.pipes["orders"], (json.dumps(order) + "\n").encode())
        receiver = Receiver(key)
        self.worker_pid, self.running = 0, None
        self.deadline = time.monotonic() + self.config["collection_timeout_sec"]
        self.was_stopped = self.is_finished = False
        said = b""
        started = time.monotonic()
        with selectors.DefaultSelector() as selector:
            for name in ("reports", "output", "ends"):
                selector.register(self.pipes[name], selectors.EVENT_READ, name)
            while said.count(b"\n") < 2:
                wait = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
                events = selector.select(RESULTS_WAIT_SEC if self.results else wait)
                if self.results and (not events or len(self.results) >= MOST_RESULTS):
                    self._emit_results()
                for event, _ in events:
                    data = os.read(event.fd, 1 << 16)
                    if event.data == "reports":
                        self._take(receiver, data)
                    elif event.data == "output":
                        self.output.keep(data)
                    elif not data:
                        self._was_forged("the process that starts the workers was ended")
                        said = b"\n\n"
                    else:
                        said += data
                        self.worker_pid = int(said.split(b"\n")[0]) if b"\n" in said else 0
                if self.deadline is not None and time.monotonic() >= self.deadline:
                    self._stop_worker()
                if said.count(b"\n") < 2:
                    time.sleep(min(NAP_SEC, NAP_SHARE * (time.monotonic() - started)))
        self._take(receiver, _read_rest(self.pipes["reports"]))
        self.output.keep(_read_rest(self.pipes["output"]))
        if self.running is not None:
            reason = (
                "Timeout: it took more than its limit" if self.was_stopped else "The process ended during this test"
            )
            self.has_no_end = True
            self._keep_result({"id": self.running, "outcome": "error", "sec": 0.0, "longrepr": reason})

    def _take(self, receiver: Receiver, data: bytes) -> None:
        for record in receiver.feed(data):
            self._handle(**record)
        if receiver.is_forged:
            self._was_forged("a record without a valid seal")

    def _was_forged(self, what: str) -> None:
        if not self.is_tampered:
            self.is_tampered = True
            self.emit("tampered", what=[what])
            self._stop_worker()

    def _handle(self, kind: str, number: int, **fields: Any) -> None:
        if kind == "collected":
            self.deadline = None
            if self.collected is None:
                self.collected = fields["ids"]
                self.emit("collected", ids=fields["ids"])
        elif kind == "start":
            self.running = fields["id"]
            limit = wall_limit(self.config, fields["id"])
            self.deadline = time.monotonic() + limit + GRACE_SEC if limit else None
        elif kind == "tells":
            self.deadline = self.deadline and time.monotonic() + REPORT_SEC + GRACE_SEC
        elif kind == "result":
            is_of_file = fields.pop("is_collection", False)
            if not is_of_file and (fields["id"] != self.running or fields["id"] in self.done):
                self._was_forged(f"a second result of {fields['id']}")
            elif not is_of_file:
                self.running, self.deadline = None, None
            self._keep_result(fields)
        elif kind == "tampered":
            self.is_tampered = True
            self.emit("tampered", what=fields["what"])
            self._stop_worker()  # nothing that it says from now on counts
        elif kind in ("lines", "state"):
            self.emit(kind, **fields)
        elif kind == "cold":
            self.is_cold = True
        elif kind == "done":
            self.is_finished, self.exit_code = True, fields["exit"]

    def _keep_result(self, fields: dict[str, Any]) -> None:
        if fields["id"] in self.done:
            return
        self.done[fields["id"]] = None
        if fields["outcome"] in ("failed", "error"):
            self.failed.add(fields["id"])
            self.has_no_end = self.has_no_end or fields["longrepr"].startswith("Timeout:")
        self.results.append(fields)

    def _stop_worker(self) -> None:
        self.deadline, self.was_stopped = None, True
        if self.worker_pid:
            with contextlib.suppress(ProcessLookupError):  # it has said so and ended
                os.killpg(self.worker_pid, signal.SIGKILL)


class Output:
    """The beginning and the end of what was printed."""

    def __init__(self) -> None:
        self.head, self.tail, self.left_out = bytearray(), bytearray(), 0

    def keep(self, data: bytes) -> None:
        room = max(0, OUTPUT_HEAD - len(self.head))
        self.head += data[:room]
        self.tail += data[room:]
        excess = max(0, len(self.tail) - OUTPUT_TAIL)
        self.left_out += excess
        del self.tail[:excess]

    def text(self) -> str:
        gap = f"\n[... {self.left_out} bytes left out ...]\n".encode() if self.left_out else b""
        return bytes(self.head + gap + self.tail).decode(errors="replace")


class Laid:
    """Files of one of several runs, laid over the working directory and taken off again.

    Each run's have a time of their own: Python takes bytecode for good whose source has the same second and size.
    """

    def __init__(self, workdir: str, number: int) -> None:
        self.workdir = workdir
        self.seconds = int(time.time()) - 1_000_000 + 2 * number
        self.before: dict[str, bytes | None] = {}

    def lay(self, files: dict[str, str], removed: list[str]) -> None:
        """`files`: contents in base64."""
        for path in removed:
            self._put(path, None)
        for path, content in files.items():
            self._put(path, base64.b64decode(content))

    def swaps(self, files: dict[str, str]) -> dict[str, tuple[str, str]]:
        """Path -> old and new content, one character a byte."""
        return {path: ((self.before[path] or b"").decode("latin-1"), base64.b64decode(content).decode("latin-1"))
                for path, content in files.items()}  # fmt: skip

    def take_off(self) -> None:
        self.seconds += 1
        for path, content in self.before.items():
            self._write(path, content)

    def _put(self, path: str, content: bytes | None) -> None:
        place = self.workdir + "/" + path
        try:
            with open(place, "rb") as file:
                self.before[path] = file.read()
        except OSError:
            self.before[path] = None
        self._write(path, content)

    def _write(self, path: str, content: bytes | None) -> None:
        place = self.workdir + "/" + path
        if content is None:
            if os.path.lexists(place):
                os.unlink(place)
            return
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as file:
            file.write(content)
        os.utime(place, (self.seconds, self.seconds))


def _write_all(fd: int, content: bytes) -> None:
    data = memoryview(content)
    while data:
        data = data[os.write(fd, data) :]


def _read_line(fd: int) -> bytes:
    """Empty list where its writer has ended."""
    content = b""
    while not content.endswith(b"\n"):
        if not (data := os.read(fd, 1 << 16)):
            return b"[]"
        content += data
    return content


def _read_rest(fd: int) -> bytes:
    """What is in a pipe now, without waiting for more: a stray process may still hold its other end."""
    os.set_blocking(fd, False)
    content = b""
    try:
        while data := os.read(fd, 1 << 16):
            content += data
    except BlockingIOError:
        return content
    finally:
        os.set_blocking(fd, True)
    return content


def main(take: Callable[[int], bytes], own_modules: list[Any]) -> None:
    """`take(n)` reads n bytes of stdin: the configuration's length in 12 digits, the configuration, the nonce."""
    config = json.loads(take(int(take(12))))
    # No process of this user may look into this one's memory or descriptors, nor into the nursery's.
    if ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError("the supervisor could not be closed to other processes (prctl)")
    ours, theirs = _pipes()
    our_warm, their_warm = _pipes()
    nursery = os.fork()
    if nursery == 0:
        for fd in (*ours.values(), *our_warm.values()):
            os.close(fd)

        def start_warm(fingerprint: Any) -> None:
            if config.get("warm") is not None and os.fork() == 0:
                for fd in theirs.values():
                    os.close(fd)
                serve(config, their_warm, fingerprint)
            for fd in their_warm.values():
                os.close(fd)

        nurse(config, theirs, own_modules, start_warm)
        os._exit(0)
    for fd in (*theirs.values(), *their_warm.values()):
        os.close(fd)
    # The nonce is read after the fork: no process that runs tested code ever had it in its memory.
    nonce = take(64).decode()
    if os.read(ours["ends"], len(READY)) != READY:
        raise EOFError("the process that starts pytest has ended: has the environment pytest?")
    # From here on, whoever ends one of these processes is the tested code: no outcome is then a failure of its own.
    Supervisor(config, ours, nonce).emit("started")
    if config.get("serves"):
        _serve(config, take, nonce, ours, our_warm)
    else:
        Supervisor(config, ours, nonce).watch()
    os.kill(nursery, signal.SIGKILL)
    os._exit(0)


def _serve(
    config: dict[str, Any], take: Callable[[int], bytes], nonce: str, ours: dict[str, int], our_warm: dict[str, int]
) -> None:
    """Runs, one after another as they are asked for."""
    is_warm = config.get("warm") is not None and os.read(our_warm["ends"], len(READY)) == READY
    stdlib: list[str] = []
    if is_warm:
        stdlib = json.loads(_read_line(our_warm["ends"]))
        _write_all(ours["orders"], (json.dumps({"stdlib": stdlib}) + "\n").encode())
    for number, run in enumerate(_orders(take)):
        laid = Laid(config["workdir"], number)
        files, removed = run.pop("files"), run.pop("removed")
        laid.lay(files, removed)
        supervisor = Supervisor(config, ours, nonce, run)
        supervisor.emit("begin", **({"stdlib": stdlib} if not number else {}))
        if is_warm and run.pop("is_warm") and not removed:
            warm = Supervisor(config, our_warm, nonce, {**run, "swaps": laid.swaps(files)})
            warm.watch()
            if warm.is_cold:
                supervisor.watch()
        else:
            supervisor.watch()
        laid.take_off()
        _end_strays()


def _orders(take: Callable[[int], bytes]) -> Iterator[dict[str, Any]]:
    """Each as its length in 12 digits and itself; one of no length is the end."""
    while size := int(take(12)):
        yield json.loads(take(size))


def _end_strays() -> None:
    """What a run has left behind: workers have sessions of their own, and what they start is in these or in others."""
    own = os.getsid(0)
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            try:
                if os.getsid(int(name)) != own:
                    os.kill(int(name), signal.SIGKILL)
            except OSError:
                continue  # it has ended, or is another user's, such as a service


def _pipes() -> tuple[dict[str, int], dict[str, int]]:
    """Ours and theirs: who gives orders reads the rest."""
    pipes = {name: os.pipe() for name in ("orders", "reports", "output", "ends")}
    ours = {name: ends[1] if name == "orders" else ends[0] for name, ends in pipes.items()}
    return ours, {name: ends[0] if name == "orders" else ends[1] for name, ends in pipes.items()}
