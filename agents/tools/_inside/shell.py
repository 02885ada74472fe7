"""Keeps one bash for a whole rollout; runs inside the sandbox as a program, with the standard library alone.

Spoken to in JSON lines: a request on standard input, an answer on standard output. What the shell's commands write
comes through pipes of their own, and that a command has ended through a third one, so no output can look like an end.

The bash is interactive and has no terminal: an interrupt then ends what runs in the foreground, loops included, and
brings the shell back to its prompt with all its variables; what runs in the background ignores interrupts.
"""

# ruff: noqa: UP031, B905  bash's own braces and escapes read better with %; Python 3.9 knows no strict zip
from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

CONTROL = 99  # descriptor by which the shell tells that a command has ended; closed for what it runs
GRACE_SEC = 1.0  # for an interrupt, then for a kill
MOST_JOBS = 32
JOB_BYTES = 200000  # kept of what a job wrote
LATE_BYTES = 20000
CHUNK = 65536
PR_SET_CHILD_SUBREAPER = 36
# What an interactive bash says because it has no terminal.
NOISE = re.compile(rb"bash: \[\d+: \d+ \(\d+\)\] tcsetattr: Inappropriate ioctl for device\n")
START = "set +o history +o histexpand +o monitor; shopt -s expand_aliases; PROMPT_COMMAND='PS1= PS2='; unset HISTFILE"


Answer = dict[str, Any]


class Kept:
    """Beginning and end of a stream of bytes: `limit` of them, the middle is left out."""

    def __init__(self, limit: int) -> None:
        self.limit, self.head, self.tail, self.total = limit, bytearray(), bytearray(), 0

    def add(self, data: bytes) -> None:
        self.total += len(data)
        space = self.limit // 2 - len(self.head)
        self.head += data[:space] if space > 0 else b""
        self.tail += data[max(0, space) :]
        if len(self.tail) > self.limit:
            del self.tail[: len(self.tail) - self.limit // 2]

    def text(self) -> str:
        left_out = self.total - len(self.head) - len(self.tail)
        middle = b"\n[... %d bytes left out ...]\n" % left_out if left_out else b""
        return NOISE.sub(b"", bytes(self.head) + middle + bytes(self.tail)).decode(errors="replace")


class Job:
    """A command in the background."""

    def __init__(self, number: int, command: str, fifo: str, fd: int) -> None:
        self.number, self.command, self.fifo, self.fd = number, command, fifo, fd
        self.pid: int | None = None
        self.status: int | None = None
        self.began, self.ended = time.monotonic(), 0.0
        self.output, self.total, self.seen = bytearray(), 0, 0

    def add(self, data: bytes) -> None:
        self.output += data
        self.total += len(data)
        if len(self.output) > JOB_BYTES:
            del self.output[: len(self.output) - JOB_BYTES]

    def told(self) -> Answer:
        seconds = (self.ended or time.monotonic()) - self.began
        return {"job": self.number, "command": self.command[:200], "status": self.status, "seconds": round(seconds, 1)}

    def news(self, limit: int) -> Answer:
        """What it wrote since somebody looked, at most `limit` bytes of it: the newest."""
        new = self.total - self.seen
        kept = bytes(self.output[-min(new, limit) :]) if new else b""
        self.seen = self.total
        return {"output": kept.decode(errors="replace"), "left_out": new - len(kept)}


class Shell:
    """The bash, what it runs, and what they say."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.pid: int | None = None
        self.ended: int | None = None
        self.input = -1
        self.streams: list[int] = []
        self.home = "/tmp/.shell-%d-%s" % (os.getpid(), os.urandom(4).hex())
        os.mkdir(self.home, 0o700)
        self.jobs: dict[int, Job] = {}
        self.marks: dict[str, int] = {}
        self.handlers: dict[int, Callable[[bytes], None]] = {}
        self.requests, self.control_text = bytearray(), bytearray()
        self.late = Kept(LATE_BYTES)
        self.out = self.err = self.late
        self.poller = select.poll()
        self.woken, write = os.pipe()
        for fd in (self.woken, write):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.watch(self.woken, lambda data: None)
        self.watch(0, self.requests.extend)

    # ---- the shell itself

    def start(self) -> bool:
        fds = [os.pipe() for _ in range(4)]  # input, output, errors, control
        pid = os.fork()
        if pid == 0:
            os.setsid()
            ours = [fds[0][0], fds[1][1], fds[2][1], fds[3][1]]
            high = [fd if fd > CONTROL else os.dup2(fd, CONTROL + 1 + at) for at, fd in enumerate(ours)]
            for fd, to in zip(high, (0, 1, 2, CONTROL)):
                os.dup2(fd, to)
            os.closerange(3, CONTROL)
            os.closerange(CONTROL + 1, CONTROL + 64)
            for number in (signal.SIGPIPE, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            with contextlib.suppress(OSError):
                os.chdir(self.folder)
            try:
                os.execvpe("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i", "+m"], environment())
            finally:
                os._exit(127)
        for pair, end in zip(fds, (0, 1, 1, 1)):
            os.close(pair[end])
        self.pid, self.ended = pid, None
        self.input = fds[0][1]
        self.watch(fds[1][0], lambda data: self.out.add(data))
        self.watch(fds[2][0], lambda data: self.err.add(data))
        self.watch(fds[3][0], self.hear)
        self.streams = [pair[0] for pair in fds[1:]]
        self.out = self.err = Kept(100)  # its greeting
        mark = self.mark(START)
        self.pump(lambda: mark in self.marks or self.ended is not None, 10.0)
        self.drain()
        return self.marks.pop(mark, None) is not None

    def mark(self, line: str) -> str:
        """Send a line, and after it one that tells its end; by this name the end is found in `marks`."""
        name = os.urandom(8).hex()
        text = "%s\nprintf 'E %s %%d %%s\\0' $? \"$PWD\" >&%d\n" % (line, name, CONTROL)
        with contextlib.suppress(OSError):  # it has ended, which `pump` sees
            data = text.encode(errors="replace")
            while data:
                data = data[os.write(self.input, data) :]
        return name

    def hear(self, data: bytes) -> None:
        self.control_text.extend(data)
        *messages, rest = bytes(self.control_text).split(b"\0")
        self.control_text[:] = rest
        for message in messages:
            words = message.decode(errors="replace").split(" ", 3)
            if words[0] == "E" and len(words) == 4:
                self.marks[words[1]] = int(words[2])
                self.folder = words[3]
            elif words[0] in "PJ" and len(words) == 3 and words[1].isdigit() and int(words[1]) in self.jobs:
                job = self.jobs[int(words[1])]
                if words[0] == "P":
                    job.pid = int(words[2])
                else:
                    job.status, job.ended = int(words[2]), time.monotonic()

    def forget(self) -> None:
        """The shell has ended, or is to: everything that came of it as well."""
        for pid in descendants(os.getpid()):
            send(pid, signal.SIGKILL)
        for fd in self.streams:
            self.unwatch(fd)
        os.close(self.input)
        while self.reap():
            pass
        for job in self.jobs.values():
            if job.status is None:
                job.status, job.ended = 137, time.monotonic()
        self.pid = None
        self.marks.clear()
        self.control_text.clear()

    # ---- requests

    def run(self, request: Answer) -> Answer:
        notes = []
        if self.pid is None and not self.start():
            self.forget()
            return {"fault": "bash does not start in this sandbox"}
        self.drain()
        late, self.late = self.late, Kept(LATE_BYTES)
        self.out, self.err = Kept(request["limit"]), Kept(request["limit"])
        began = time.monotonic()
        assert self.pid is not None
        before = set(descendants(self.pid))
        name = self.mark("eval %s </dev/null %d>&-" % (quoted(request["command"]), CONTROL))
        is_back = lambda: name in self.marks or self.ended is not None  # noqa: E731
        timed_out = not self.pump(is_back, request["timeout"])
        if timed_out and not self.interrupt(is_back, before):
            notes.append("it could not be interrupted: the shell and all that it had started were ended")
        self.drain()
        status = self.marks.pop(name, None)
        if status is None:
            if not timed_out:
                status = self.ended
                notes.append("the shell has ended")
            self.forget()
            notes.append("a new shell takes the next command; variables, functions and jobs are gone")
        out, err = self.out.text(), self.err.text()
        if status != 0 and self.pid is None:
            err = err.removesuffix("exit\n")  # an interactive bash says so
        self.out = self.err = self.late
        return {
            "out": out,
            "err": err,
            "late": late.text(),
            "status": status,
            "timed_out": timed_out,
            "seconds": time.monotonic() - began,
            "notes": notes,
        }

    def interrupt(self, is_back: Callable[[], bool], before: set[int]) -> bool:
        """Whether the shell came back to its prompt."""
        assert self.pid is not None
        send(-self.pid, signal.SIGINT)
        if self.pump(is_back, GRACE_SEC):
            return True
        for pid in descendants(self.pid):
            if pid not in before:
                send(pid, signal.SIGKILL)
        send(-self.pid, signal.SIGINT)
        return self.pump(is_back, GRACE_SEC)

    def begin(self, request: Answer) -> Answer:
        """A job: in a subshell, so that it has what the shell has; a second one around it tells how it ended."""
        if self.pid is None and not self.start():
            self.forget()
            return {"fault": "bash does not start in this sandbox"}
        if sum(job.status is None for job in self.jobs.values()) >= MOST_JOBS:
            return {"fault": "%d jobs run already: wait for one, or kill one" % MOST_JOBS}
        number = len(self.jobs) + 1
        fifo = "%s/%d" % (self.home, number)
        os.mkfifo(fifo, 0o600)
        fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        job = self.jobs[number] = Job(number, request["command"], fifo, fd)
        self.watch(fd, job.add)
        inner = "( trap '' INT; export GRISTMILL_JOB=%d; eval %s ) </dev/null >%s 2>&1 %d>&-" % (
            number, quoted(request["command"]), fifo, CONTROL,
        )  # fmt: skip
        tell = "printf 'J %d %%d\\0' $? >&%d" % (number, CONTROL)
        name = self.mark(
            "{ ( trap '' INT; %s; %s ) & } 2>/dev/null; printf 'P %d %%d\\0' $! >&%d; disown $! 2>/dev/null"
            % (inner, tell, number, CONTROL)
        )
        if not self.pump(lambda: name in self.marks, 5.0):
            self.forget()
            return {"fault": "the shell did not take the job and was ended; call it again"}
        self.marks.pop(name)
        self.pump(lambda: job.status is not None, request.get("timeout", 0.0))
        self.drain()
        return dict(job.told(), **job.news(request["limit"]))

    def list(self, request: Answer) -> Answer:
        self.pump(lambda: False, 0.0)
        return {"jobs": [dict(job.told(), unread=job.total - job.seen) for job in self.jobs.values()]}

    def read(self, request: Answer) -> Answer:
        """After at most `timeout` seconds; `kill`: end it before."""
        job = self.jobs.get(request["job"])
        if job is None:
            known = ", ".join(map(str, self.jobs)) or "none"
            return {"fault": "there is no job %s; there are: %s" % (request["job"], known)}
        has_ended = lambda: job.status is not None  # noqa: E731
        if request["kill"]:
            for number in (signal.SIGTERM, signal.SIGKILL):
                for pid in self.processes_of(job):
                    send(pid, number)
                if self.pump(has_ended, GRACE_SEC):
                    break
        self.pump(has_ended, request["timeout"])
        self.drain()
        return dict(job.told(), **job.news(request["limit"]))

    def processes_of(self, job: Job) -> set[int]:
        inside = set(descendants(job.pid)) if job.pid else set()
        mark = b"GRISTMILL_JOB=%d" % job.number  # those that left its tree carry it
        for pid in descendants(os.getpid()):
            with contextlib.suppress(OSError), open("/proc/%d/environ" % pid, "rb") as file:
                if mark in file.read().split(b"\0"):
                    inside.add(pid)
        return inside

    # ---- waiting

    def watch(self, fd: int, handler: Callable[[bytes], None]) -> None:
        os.set_blocking(fd, False)
        self.handlers[fd] = handler
        self.poller.register(fd, select.POLLIN)

    def unwatch(self, fd: int) -> None:
        if self.handlers.pop(fd, None) is not None:
            self.poller.unregister(fd)
            os.close(fd)

    def pump(self, is_done: Callable[[], bool], seconds: float | None) -> bool:
        """Take what comes in until it is done (True) or time is over."""
        end = time.monotonic() + seconds if seconds is not None else None
        while not is_done():
            left = None if end is None else (end - time.monotonic()) * 1000
            if left is not None and left < 0:
                return False
            for fd, _ in self.poller.poll(left):
                self.take(fd)
            while self.reap():
                pass
        return True

    def take(self, fd: int) -> bool:
        """Whether something was there."""
        if fd not in self.handlers:
            return False
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if data:
            self.handlers[fd](data)
        elif fd == 0:
            sys.exit(0)
        else:
            self.unwatch(fd)
        return bool(data)

    def drain(self) -> None:
        """What the ended command's processes have written is in the pipes; what runs on may write for ever."""
        for fd in list(self.handlers):
            if fd != 0:
                for _ in range(64):
                    if not self.take(fd):
                        break

    def reap(self) -> bool:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid and pid == self.pid:
            self.ended = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        return pid != 0

    def serve(self) -> None:
        answer("ready", {})
        while True:
            self.pump(lambda: b"\n" in self.requests, None)
            line, _, rest = bytes(self.requests).partition(b"\n")
            self.requests[:] = rest
            request = json.loads(line)
            answer(request["id"], getattr(self, request["do"])(request))


def answer(name: object, what: Answer) -> None:
    data = json.dumps(dict(what, id=name)).encode() + b"\n"
    os.set_blocking(1, True)
    while data:
        data = data[os.write(1, data) :]


def environment() -> dict[str, str]:
    found = {name: value for name, value in os.environ.items() if name not in ("PS1", "PS2", "PROMPT_COMMAND")}
    return dict(found, PS1="", PS2="", TERM=found.get("TERM", "dumb"))


def quoted(text: str) -> str:
    """In one line, as bash's $'...'; what bash cannot hold (NUL) is left out."""
    for this, that in (("\0", ""), ("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(this, that)
    return "$'%s'" % text


def descendants(pid: int) -> list[int]:
    """Process ids below `pid`."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    pending = [pid]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for what the shell runs
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # so that no process leaves our tree
    Shell(os.getcwd()).serve()


if __name__ == "__main__":
    main()
