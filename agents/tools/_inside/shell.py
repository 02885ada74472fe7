"""Keeps one bash for a whole rollout; runs inside the sandbox as a program, with what is built into Python alone.

Spoken to by a request on standard input (its length in 12 digits, then marshal's bytes of a dict: they come from us),
answered by a JSON line on standard output. What the shell's commands write comes through pipes of their own, and that a
command has ended through a third one, so no output can look like an end.

The bash is interactive and has no terminal: an interrupt then ends what runs in the foreground, loops included, and
brings the shell back to its prompt with all its variables; what runs in the background ignores interrupts.
"""

# ruff: noqa: UP031, B905, SIM105  bash's own braces and escapes read better with %; Python 3.9 knows no strict zip;
# contextlib is an import that costs time
from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import marshal
import posix
import time

from agents.tools._inside.kept import Job, Kept
from agents.tools._inside.processes import (
    SIGINT,
    SIGKILL,
    SIGPIPE,
    SIGTERM,
    adopt_orphans,
    descendants,
    quoted,
    run_bash,
    send,
    with_variable,
)
from agents.tools._inside.pump import Pump

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Answer = dict[str, Any]

CONTROL = 99  # descriptor by which the shell tells that a command has ended; closed for what it runs
GRACE_SEC = 1.0  # for an interrupt, then for a kill
MOST_JOBS = 32
LATE_BYTES = 20000
LENGTH_BYTES = 12
ESCAPES = {**{code: "\\u%04x" % code for code in range(32)}, 34: '\\"', 92: "\\\\"}  # of JSON
START = "set +o history +o histexpand +o monitor; shopt -s expand_aliases; PROMPT_COMMAND='PS1= PS2='; unset HISTFILE"


class Shell:
    """The bash, what it runs, and what they say."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.pid: int | None = None
        self.ended: int | None = None
        self.input = -1
        self.streams: list[int] = []
        self.home = ""  # for the pipes of jobs; made with the first one
        self.jobs: dict[int, Job] = {}
        self.marks: dict[str, int] = {}
        self.requests, self.control_text = bytearray(), bytearray()
        self.late = Kept(LATE_BYTES)
        self.out = self.err = self.late
        self.pump = Pump(self.process_ended)
        self.pump.watch(0, self.requests.extend)

    # ---- the shell itself

    def start(self) -> bool:
        fds = [posix.pipe() for _ in range(4)]  # input, output, errors, control
        pid = posix.fork()
        if pid == 0:
            try:
                self.become_bash([fds[0][0], fds[1][1], fds[2][1], fds[3][1]])
            finally:
                posix._exit(127)
        for pair, end in zip(fds, (0, 1, 1, 1)):
            posix.close(pair[end])
        self.pid, self.ended = pid, None
        self.input = fds[0][1]
        self.pump.watch(fds[1][0], lambda data: self.out.add(data))
        self.pump.watch(fds[2][0], lambda data: self.err.add(data))
        self.pump.watch(fds[3][0], self.hear)
        self.streams = [pair[0] for pair in fds[1:]]
        self.out = self.err = Kept(100)  # its greeting
        mark = self.mark(START)
        self.pump.until(lambda: mark in self.marks or self.ended is not None, 10.0)
        self.pump.drain()
        return self.marks.pop(mark, None) is not None

    def become_bash(self, fds: list[int]) -> None:
        """In a fork of ours; returns where there is no bash. `fds`: as they are in `start`."""
        posix.setsid()
        high = [fd if fd > CONTROL else posix.dup2(fd, CONTROL + 1 + at) for at, fd in enumerate(fds)]
        for fd, to in zip(high, (0, 1, 2, CONTROL)):
            posix.dup2(fd, to)
        posix.closerange(3, CONTROL)
        posix.closerange(CONTROL + 1, CONTROL + 64)
        for number in (SIGPIPE, SIGINT):
            _signal.signal(number, _signal.SIG_DFL)
        try:
            posix.chdir(self.folder)
        except OSError:
            pass  # it is gone: bash starts where we are
        run_bash()

    def mark(self, line: str) -> str:
        """Send a line, and after it one that tells its end; by this name the end is found in `marks`."""
        name = posix.urandom(8).hex()
        text = "%s\nprintf 'E %s %%d %%s\\0' $? \"$PWD\" >&%d\n" % (line, name, CONTROL)
        try:
            write_all(self.input, text.encode(errors="replace"))
        except OSError:
            pass  # it has ended, which the pump sees
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
                    job.end(int(words[2]))

    def process_ended(self, pid: int, status: int) -> None:
        if pid == self.pid:
            self.ended = status

    def forget(self) -> None:
        """The shell has ended, or is to: everything that came of it as well."""
        for pid in descendants(posix.getpid()):
            send(pid, SIGKILL)
        for fd in self.streams:
            self.pump.unwatch(fd)
        posix.close(self.input)
        self.pump.reap()
        for job in self.jobs.values():
            if not job.has_ended():
                job.end(137)
        self.pid = None
        self.marks.clear()
        self.control_text.clear()

    # ---- requests

    def run(self, request: Answer) -> Answer:
        notes = []
        if self.pid is None and not self.start():
            self.forget()
            return {"fault": "bash does not start in this sandbox"}
        self.pump.drain()
        late, self.late = self.late, Kept(LATE_BYTES)
        self.out, self.err = Kept(request["limit"]), Kept(request["limit"])
        began = time.monotonic()
        assert self.pid is not None
        before = set(descendants(self.pid))
        name = self.mark("eval %s </dev/null %d>&-" % (quoted(request["command"]), CONTROL))
        is_back = lambda: name in self.marks or self.ended is not None  # noqa: E731
        timed_out = not self.pump.until(is_back, request["timeout"])
        if timed_out and not self.interrupt(is_back, before):
            notes.append("it could not be interrupted: the shell and all that it had started were ended")
        self.pump.drain()
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
        send(-self.pid, SIGINT)
        if self.pump.until(is_back, GRACE_SEC):
            return True
        for pid in descendants(self.pid):
            if pid not in before:
                send(pid, SIGKILL)
        send(-self.pid, SIGINT)
        return self.pump.until(is_back, GRACE_SEC)

    def begin(self, request: Answer) -> Answer:
        """A job: in a subshell, so that it has what the shell has; a second one around it tells how it ended."""
        if self.pid is None and not self.start():
            self.forget()
            return {"fault": "bash does not start in this sandbox"}
        if sum(not job.has_ended() for job in self.jobs.values()) >= MOST_JOBS:
            return {"fault": "%d jobs run already: wait for one, or kill one" % MOST_JOBS}
        number = len(self.jobs) + 1
        if not self.home:
            self.home = "/tmp/.shell-%d-%s" % (posix.getpid(), posix.urandom(4).hex())
            posix.mkdir(self.home, 0o700)
        fifo = "%s/%d" % (self.home, number)
        posix.mkfifo(fifo, 0o600)
        job = self.jobs[number] = Job(number, request["command"])
        self.pump.watch(posix.open(fifo, posix.O_RDONLY | posix.O_NONBLOCK), job.add)
        inner = "( trap '' INT; export GRISTMILL_JOB=%d; eval %s ) </dev/null >%s 2>&1 %d>&-" % (
            number, quoted(request["command"]), fifo, CONTROL,
        )  # fmt: skip
        tell = "printf 'J %d %%d\\0' $? >&%d" % (number, CONTROL)
        name = self.mark(
            "{ ( trap '' INT; %s; %s ) & } 2>/dev/null; printf 'P %d %%d\\0' $! >&%d; disown $! 2>/dev/null"
            % (inner, tell, number, CONTROL)
        )
        if not self.pump.until(lambda: name in self.marks, 5.0):
            self.forget()
            return {"fault": "the shell did not take the job and was ended; call it again"}
        self.marks.pop(name)
        self.pump.until(job.has_ended, request.get("timeout", 0.0))
        self.pump.drain()
        return dict(job.told(), **job.news(request["limit"]))

    def list(self, request: Answer) -> Answer:
        self.pump.until(lambda: False, 0.0)
        return {"jobs": [dict(job.told(), unread=job.total - job.seen) for job in self.jobs.values()]}

    def read(self, request: Answer) -> Answer:
        """After at most `timeout` seconds; `kill`: end it before."""
        job = self.jobs.get(request["job"])
        if job is None:
            known = ", ".join(map(str, self.jobs)) or "none"
            return {"fault": "there is no job %s; there are: %s" % (request["job"], known)}
        if request["kill"]:
            for number in (SIGTERM, SIGKILL):
                for pid in self.processes_of(job):
                    send(pid, number)
                if self.pump.until(job.has_ended, GRACE_SEC):
                    break
        self.pump.until(job.has_ended, request["timeout"])
        self.pump.drain()
        return dict(job.told(), **job.news(request["limit"]))

    def processes_of(self, job: Job) -> set[int]:
        inside = set(descendants(job.pid)) if job.pid else set()
        # Those that left its tree carry the mark.
        return inside | with_variable(descendants(posix.getpid()), b"GRISTMILL_JOB=%d" % job.number)

    def serve(self) -> None:
        answer("ready", {})
        while True:
            request = marshal.loads(self.taken(int(self.taken(LENGTH_BYTES))))
            answer(request["id"], getattr(self, request["do"])(request))

    def taken(self, count: int) -> bytes:
        """So many bytes of our input."""
        self.pump.until(lambda: len(self.requests) >= count, None)
        data = bytes(self.requests[:count])
        del self.requests[:count]
        return data


def answer(name: object, what: Answer) -> None:
    posix.set_blocking(1, True)
    write_all(1, packed(dict(what, id=name)).encode(errors="replace") + b"\n")


def packed(value: object) -> str:
    """As JSON; what answers are made of and no more."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return '"%s"' % value.translate(ESCAPES)
    if isinstance(value, (list, tuple)):
        return "[%s]" % ",".join([packed(each) for each in value])
    if isinstance(value, dict):
        return "{%s}" % ",".join(["%s:%s" % (packed(name), packed(each)) for name, each in value.items()])
    return repr(value)


def write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[posix.write(fd, data) :]


def main() -> None:
    """As `_program.BOOT` calls it: all that is left of our input is requests."""
    _signal.signal(SIGINT, _signal.SIG_IGN)  # an interrupt is for what the shell runs
    adopt_orphans()
    Shell(posix.getcwd()).serve()
