"""Our side of the launcher in `_holder.py`: starts it, and asks it for holders."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from environments import _holder
from environments._bwrap import own_parts, shared_tree
from environments.errors import BackendUnavailable

_START_TIMEOUT_SEC = 20.0


class Launcher:
    """One small process a backend, started at first use; ends with us."""

    def __init__(self, bwrap: str) -> None:
        self._bwrap = bwrap
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._spare: socket.socket | None = None
        self._owner_pid = 0

    def holder(self, spec: dict[str, Any], given: Sequence[int] = ()) -> socket.socket:
        """A holder that builds this sandbox, the socket to speak to it by; it answers after `join`.

        It is the spare that was forked while the last one was put to use. Raises BackendUnavailable.
        """
        with self._lock:
            if not self._is_running():
                self._start()
            holder = self._spare or self._fork()
            self._spare = None
            ask(holder, spec, given)
            self._spare = self._fork()
        return holder

    def close(self) -> None:
        with self._lock:
            for end in (self._spare, self._control):
                if end is not None:
                    end.close()
            self._spare = self._control = None
            if self._process is not None and self._owner_pid == os.getpid():
                self._process.wait()
                self._process = None

    def _fork(self) -> socket.socket:
        assert self._control is not None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._control, [b"fork"], [theirs.fileno()])
        ours.setblocking(False)
        return ours

    def _is_running(self) -> bool:
        # After a fork of the owner the launcher watches the wrong process: the child gets one of its own.
        return self._process is not None and self._owner_pid == os.getpid() and self._process.poll() is None

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        script = [sys.executable, "-I", "-S", _holder.__file__, str(theirs.fileno()), str(os.getpid()), self._bwrap]
        script.append(json.dumps([shared_tree(), own_parts()]))
        with theirs:
            self._process = subprocess.Popen(
                script,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                cwd="/",
            )
        self._control, self._spare, self._owner_pid = ours, None, os.getpid()
        ours.settimeout(_START_TIMEOUT_SEC)
        answer = ours.recv(4096)
        problem = json.loads(answer)["problem"] if answer else "it ended at once"
        if problem:
            self._control = None
            ours.close()
            self._process.wait()
            self._process = None
            raise BackendUnavailable(f"bubblewrap: namespaces can not be made here ({problem}); see `gristmill doctor`")


def ask(holder: socket.socket, spec: dict[str, Any], given: Sequence[int] = ()) -> None:
    """Have a waiting holder build this sandbox. `given`: mounts by descriptor. Raises OSError where it has ended."""
    fd = memory_file(json.dumps(spec).encode())
    try:
        socket.send_fds(holder, [b"mount"], [fd, *given])
    finally:
        os.close(fd)


def join(holder: socket.socket, cgroup_files: Sequence[Path]) -> None:
    """Put the holder, and with it all that it will start, into these control groups."""
    with ExitStack() as files:
        opened = [files.enter_context(open(file, "wb")) for file in cgroup_files]
        socket.send_fds(holder, [b"join"], [file.fileno() for file in opened])


def memory_file(data: bytes = b"") -> int:
    """A descriptor to read `data` from, or to write to; it is in no folder, and gone when closed."""
    fd = os.memfd_create("gristmill", os.MFD_CLOEXEC)
    while data:
        data = data[os.write(fd, data) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
