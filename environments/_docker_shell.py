"""A container's first process as the shell that runs its commands, so that a command costs no exec of the daemon.

Measured (2 cores): an exec takes the daemon, containerd and runc 50 to 100 ms, a command by this shell 2 ms. It is for
images whose commands run as the first process's own user, root: there nothing could keep it from them before either.
Where the user is another one each command stays an exec, so that nothing of one command reaches the next.

The shell reads requests from the container's standard input, to which this process is attached, a line each. What a
command writes is found between two marks that no command is told. A root's process may write to that input as well (it
is a file below /proc): a line counts only with the word that the request before it has named, and is not told either.
With our connection the input ends, and with that the container.
"""

import asyncio
import contextlib
import os
import re
import secrets
import shlex
import socket as sockets
from collections.abc import Mapping, Sequence
from typing import Any

from environments._docker_stream import Frames, Sink
from environments.errors import SandboxGone

# What the daemon writes where it is told of a network.
WRITE_HOSTS = "[ -s /etc/hosts ] || { echo 127.0.0.1 localhost sandbox; echo ::1 localhost; } >/etc/hosts"
# Its own streams are kept as 3 and 4. A command opens them anew where it can: else what it does to them (O_NONBLOCK)
# would hold for those after it. A watcher ends a command whose sandbox has outlived its time, also with us gone.
PROGRAM = f"""\
{WRITE_HOSTS}
exec 3>&1 4>&2 >/dev/null 2>&1
if (: >/proc/self/fd/3 2>/proc/self/fd/4)
then become() {{ exec "$@" </dev/null >/proc/self/fd/3 2>/proc/self/fd/4 3>&- 4>&-; }}
else become() {{ exec "$@" </dev/null >&3 2>&4 3>&- 4>&-; }}
fi
begin() {{ (exec </dev/null 3>&- 4>&-; sleep "$1" && kill -9 -1) & echo "$2" >&3; echo "$2" >&4; }}
end() {{ echo "$1 $2" >&3; echo "$1" >&4; }}
_gm_nl='
'
read -r _gm_word
while IFS= read -r _gm_line; do
    case $_gm_line in
    "$_gm_word "*) _gm_line=${{_gm_line#* }} _gm_word=; _gm_word=${{_gm_line%% *}}; eval "${{_gm_line#* }}" ;;
    esac
done
"""
PROCESSES = 3  # of ours, while a command runs: the first one, the watcher and its sleep
_LATER_SEC = 5  # the sandbox's time is up before the watcher's: whoever uses it is told so, and not of a killed command
_CHUNK = 1 << 16
_MOST_BYTES = 60_000  # of a request, which is read byte by byte: 0.4 ms a thousand
_BEGIN_SEC = 60.0
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_READ_ONLY = frozenset({"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"})


class Passage:
    """Passes on what comes between two marks, however it is cut; what comes before and after them is dropped."""

    def __init__(self) -> None:
        self._sink: Sink | None = None
        self._marks: list[bytes] = []
        self._rest = b""
        self.words: bytes | None = None  # what stands behind the second mark, once its line is there

    def expect(self, begin: bytes, end: bytes, sink: Sink) -> None:
        self._sink, self._marks, self._rest, self.words = sink, [begin + b"\n", end], b"", None

    def add(self, data: bytes) -> None:
        data = self._rest + data
        while self._marks:
            mark = self._marks[0]
            is_open = len(self._marks) == 1
            before, found, after = data.partition(mark)
            if not found:  # the end may be the beginning of the mark
                kept = min(len(data), len(mark) - 1)
                self._pass(data[: len(data) - kept], is_open)
                self._rest = data[len(data) - kept :]
                return
            self._pass(before, is_open)
            self._marks.pop(0)
            data = after
        self._rest = data[:100]
        if self.words is None and b"\n" in self._rest:
            self.words = self._rest.partition(b"\n")[0]

    @property
    def has_begun(self) -> bool:
        return len(self._marks) < 2

    def _pass(self, data: bytes, is_open: bool) -> None:
        if is_open and data and self._sink is not None:
            self._sink.add(data)


class FirstShell:
    """The connection to it. `holder`: what keeps the socket; `name`: the sandbox's. One command at a time."""

    def __init__(self, holder: Any, name: str) -> None:
        self._name = name
        self._holder = holder
        self._connection: sockets.socket = getattr(holder, "_sock", holder)
        self._connection.setblocking(False)
        self._out, self._err = Passage(), Passage()
        self._frames = Frames(self._out, self._err)
        self._loop = asyncio.get_running_loop()
        self._running: asyncio.Future[int] | None = None
        self._is_gone = False
        self._word = secrets.token_hex(16)
        self._loop.add_reader(self._connection, self._hear)
        try:
            self._connection.sendall(f"{self._word}\n".encode())
        except OSError:
            self._lose()

    @property
    def is_busy(self) -> bool:
        return self._running is not None

    async def run(self, command: bytes, *, watch_sec: float, out: Sink, err: Sink) -> int:
        """Run what `request` made; its exit code. Raises SandboxGone where the container ends meanwhile."""
        assert self._running is None
        if self._is_gone:
            raise SandboxGone(f"sandbox {self._name} is gone: its container has ended")
        begin, end = secrets.token_hex(16), secrets.token_hex(16)
        self._out.expect(begin.encode(), end.encode(), out)
        self._err.expect(begin.encode(), end.encode(), err)
        running = self._running = self._loop.create_future()
        watch = max(0, round(watch_sec)) + _LATER_SEC
        word, self._word = self._word, secrets.token_hex(16)
        head = f"\n{word} {self._word} begin {watch} {begin}; ("  # on a line of its own, whatever was begun before it
        try:
            await self._loop.sock_sendall(self._connection, head.encode() + command + f"); end {end} $?\n".encode())
        except OSError:
            self._lose()
        limit = self._loop.call_later(_BEGIN_SEC, self._check_begun)
        try:
            return await asyncio.shield(running)
        finally:
            limit.cancel()

    def close(self) -> None:
        """Its input ends, and so does the container. Idempotent."""
        self._lose()

    def _hear(self) -> None:
        try:
            data = self._connection.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        self._frames.add(data)
        if self._running is not None and self._out.words is not None and self._err.words is not None:
            running, self._running = self._running, None
            code = self._out.words.strip()
            if not running.done():
                running.set_result(int(code) if code.isdigit() else 128)

    def _check_begun(self) -> None:
        """Whoever has taken the first process over may keep us waiting for ever."""
        if not self._out.has_begun:
            self._lose()

    def _lose(self) -> None:
        if self._is_gone:
            return
        self._is_gone = True
        self._loop.remove_reader(self._connection)
        with contextlib.suppress(OSError):  # the HTTP client has it, too: closed alone it could stay open
            self._connection.shutdown(sockets.SHUT_RDWR)
        self._holder.close()
        self._connection.close()
        running, self._running = self._running, None
        if running is not None and not running.done():
            why = f"sandbox {self._name} is gone: its container ended during a command"
            running.set_exception(SandboxGone(why))
            running.exception()  # who asked may have been cancelled


def request(argv: Sequence[str], env: Mapping[str, str]) -> bytes | None:
    """Shell text that becomes the command; None for what a shell cannot be told, which is for an exec."""
    if not all(_NAME.fullmatch(name) and name not in _READ_ONLY and not name.startswith("_gm_") for name in env):
        return None
    words = [f"{name}={_quoted(value)}; export {name};" for name, value in env.items()]
    text = os.fsencode(" ".join([*words, "become", *map(_quoted, argv)]))
    return text if len(text) <= _MOST_BYTES and b"\0" not in text else None


def _quoted(word: str) -> str:
    """In one line."""
    return '"$_gm_nl"'.join(map(shlex.quote, word.split("\n")))
