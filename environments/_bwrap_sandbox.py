"""One sandbox of bubblewrap: a holder with its mounts (`_holder.py`), and a bwrap for each command."""

import asyncio
import os
import posixpath
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from environments import _bwrap, _paths, _paths_inside, _seccomp
from environments._holder_link import END_TIMEOUT_SEC, HolderLink, end_holder
from environments._image_root import ImageRoot
from environments._kept import Kept, KeptHolders
from environments._launcher import memory_file
from environments._services import ServiceRun, all_ready, command, stdin_of
from environments._stream import PipeStream
from environments._upper import upper_diff
from environments.diff import Diff
from environments.errors import EnvironmentFault, SandboxGone
from environments.process import CappedBytes, PipeReader, pid_of
from environments.sandbox import CommandResult
from environments.spec import SandboxSpec, Service

_DIFF_TRIES = 20
_FILE_TIMEOUT_SEC = 60.0
_STREAM_ERROR_BYTES = 100_000
_STATUS_BYTES = 4096  # of what bwrap tells of its own work


@dataclass(frozen=True)
class _Done:
    exit_code: int | None
    out: CappedBytes
    err: CappedBytes
    duration_sec: float
    oom_kills: int


class BubblewrapSandbox:
    """One holder with its mounts; every command is a bwrap of its own, forked by the holder.

    `layers`: host folders that are the first contents of the working directory, an image's own among them.
    """

    def __init__(
        self,
        name: str,
        spec: SandboxSpec,
        holder: Kept,
        kept: KeptHolders,
        layers: Sequence[Path],
        image: ImageRoot | None = None,
    ) -> None:
        self.id = name
        self.spec = spec
        self._layers = layers
        self._link = HolderLink(name, holder.control)
        self._cgroup = holder.cgroup
        self._kept_as = holder
        self._kept = kept
        # Of its group, which may have served others.
        self._oom_kills = holder.cgroup.oom_kills() if holder.cgroup else 0
        self._image = image
        self._may_write_everywhere = image is None or image.user.is_root  # in the folders that we hold
        self._options = _bwrap.sandbox_options(spec, (image.user.uid, image.user.gid) if image else (1000, 1000))
        self._env = image.variables(spec) if image else {**_bwrap.BASE_ENV, **spec.env}
        self._folders: dict[str, int] = {}  # path in the sandbox -> descriptor of that folder
        self._written = -1  # the folder with all that is written, but to /tmp and the like
        self._upper = -1  # of that, what is below the working directory
        self._holder = -1
        self._holder_pid = 0
        self._services: list[ServiceRun] = []
        self._is_stopped = False

    @property
    def is_ready(self) -> bool:
        """Whether there is anything to stop."""
        return self._holder >= 0

    @property
    def cpu_sec(self) -> float:
        """Processor seconds of the commands that have ended."""
        return self._link.cpu_sec

    async def run(
        self,
        command: Sequence[str],
        *,
        timeout_sec: float,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> CommandResult:
        for service in self._services:
            service.check_running(self.id)
        folder = posixpath.join(self.spec.workdir, cwd) if cwd else self.spec.workdir
        done = await self._execute(
            command, folder, timeout_sec, {**self._env, **(env or {})}, stdin, self.spec.limits.output_bytes
        )
        return CommandResult(
            exit_code=done.exit_code,
            stdout=done.out.text(),
            stderr=done.err.text(),
            duration_sec=done.duration_sec,
            timed_out=done.exit_code is None,
            truncated=done.out.is_truncated or done.err.is_truncated,
            oom_killed=done.oom_kills > 0 and done.exit_code != 0,
        )

    async def open(self, command: Sequence[str]) -> PipeStream:
        self._check_running()
        err, status = PipeReader(_STREAM_ERROR_BYTES), memory_file()
        fds = self._files_of(command, self.spec.workdir, self._env, b"")
        os.close(fds.pop())
        (read_stdin, stdin), (stdout, write_stdout) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        theirs = [*fds, read_stdin, write_stdout, err.write_fd, status]
        name, ended = self._link.expect("stream")

        async def end() -> None:
            if not ended.done():
                self._link.send_now(f"kill {name}")
                await asyncio.wait([ended], timeout=END_TIMEOUT_SEC)
            self._link.forget(name)
            if not ended.cancel():
                ended.exception()  # nobody else asks how it ended

        try:
            await self._link.send(f"run {name}", theirs)
        except BaseException:
            os.close(stdin)
            os.close(stdout)
            err.close()
            await end()
            raise
        finally:
            for fd in (*fds, read_stdin, write_stdout, status):
                os.close(fd)
            err.close_write()
        return PipeStream(stdin, stdout, err, end)

    async def read_file(self, path: str, *, max_bytes: int = 10_000_000) -> bytes:
        self._check_running()
        full = posixpath.join(self.spec.workdir, path)
        folder, rest = self._folder_of(full)
        if folder is not None:
            try:
                return _paths.read_beneath(folder, rest, max_bytes)
            except _paths.HasLink:
                pass  # followed inside the sandbox, below
        command = _paths_inside.read_command(full, max_bytes)
        done = await self._execute(command, "/", _FILE_TIMEOUT_SEC, _bwrap.BASE_ENV, b"", max_bytes)
        _paths_inside.check_done(done.exit_code, path, done.err.text())
        return done.out.data()

    async def write_files(self, files: Mapping[str, bytes], *, mode: int = 0o644) -> None:
        self._check_running()
        for path, data in files.items():
            full = posixpath.join(self.spec.workdir, path)
            folder, rest = self._folder_of(full)
            if folder is not None and self._may_write_everywhere:
                try:
                    _paths.write_beneath(folder, rest, data, mode)
                    continue
                except _paths.HasLink:
                    pass
            command = _paths_inside.write_command(full, mode)
            done = await self._execute(command, "/", _FILE_TIMEOUT_SEC, _bwrap.BASE_ENV, data, 1000)
            _paths_inside.check_done(done.exit_code, path, done.err.text())

    async def diff(self) -> Diff:
        self._check_running()
        for _ in range(_DIFF_TRIES):
            try:
                return await asyncio.to_thread(upper_diff, self._upper, self._layers)
            except (FileNotFoundError, NotADirectoryError):
                continue  # a command that still runs has taken away what was being read
        raise EnvironmentFault(f"sandbox {self.id}: its files change faster than they can be read; end what runs in it")

    async def stop(self) -> None:
        if self._is_stopped:
            return
        self._is_stopped = True
        self._link.end("it was stopped")
        for fd in (self._written, self._upper, *self._folders.values()):
            os.close(fd)
        is_free = False
        try:
            is_free = not self.spec.services and await self._link.is_over() and self._is_alone()
        finally:
            if is_free:
                os.close(self._holder)
                self._kept.put(self._kept_as)
            else:
                await end_holder(self._kept_as, self._holder)

    def _is_alone(self) -> bool:
        """Whether its holder is the one process of its control groups."""
        return self._cgroup is None or self._cgroup.holds_only(self._holder_pid)

    async def _execute(
        self, command: Sequence[str], cwd: str, timeout_sec: float, env: Mapping[str, str], stdin: bytes, limit: int
    ) -> "_Done":
        self._check_running()
        readers = out, err = PipeReader(limit), PipeReader(limit)
        fds = [*self._files_of(command, cwd, env, stdin), memory_file()]
        *files, status = fds
        began = time.monotonic()
        try:
            given = [*files, *(reader.write_fd for reader in readers), status]
            code = await self._link.run(given, readers, timeout_sec)
            for reader in readers:
                await reader.end(END_TIMEOUT_SEC)
            has_started = b"exit-code" in os.pread(status, _STATUS_BYTES, 0)
        finally:
            for fd in fds:
                os.close(fd)
            for reader in readers:
                reader.close()
        duration = time.monotonic() - began
        kills_before, self._oom_kills = self._oom_kills, self._cgroup.oom_kills() if self._cgroup else 0
        oom_kills = self._oom_kills - kills_before
        if code == 1 and not has_started:
            code = self._never_started(err.kept.text())
        return _Done(code, out.kept, err.kept, duration, oom_kills)

    def _files_of(self, command: Sequence[str], cwd: str, env: Mapping[str, str], stdin: bytes) -> list[int]:
        """What the holder wants of a command before its pipes: argv, bwrap's options, the filter, standard input."""
        argv = _bwrap.with_limits(command, self.spec.limits, has_cgroup=self._cgroup is not None)
        return [
            memory_file(b"\0".join(os.fsencode(part) for part in argv)),
            memory_file(_bwrap.command_options(self._options, env, cwd)),
            memory_file(_seccomp.program()),
            _read_only(memory_file(stdin)) if stdin else os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC),
        ]

    async def start_services(self) -> None:
        for service in self.spec.services:
            self._services.append(await self._serve(service))
        await all_ready(self.id, self._services)

    async def _serve(self, service: Service) -> ServiceRun:
        """A command that nobody waits for: it has a pid namespace of its own, so no other command sees it."""
        run = ServiceRun(service)
        readers = PipeReader(0, into=run.out), PipeReader(0, into=run.err)
        fds = [*self._files_of(command(service), "/", _bwrap.BASE_ENV, stdin_of(service)), memory_file()]
        *files, status = fds
        name, ended = self._link.expect("service")

        def end(future: "asyncio.Future[int]") -> None:
            is_known = not future.cancelled() and future.exception() is None
            run.ended(f"has ended (exit code {future.result()})" if is_known else "is lost")
            for reader in readers:
                reader.take_rest()
                reader.close()

        ended.add_done_callback(end)
        try:
            await self._link.send(f"serve {name}", [*files, *(reader.write_fd for reader in readers), status])
        except BaseException:
            ended.cancel()
            raise
        finally:
            for fd in fds:
                os.close(fd)
            for reader in readers:
                reader.close_write()
        return run

    def _never_started(self, complaint: str) -> int:
        """Bwrap itself failed, so these are its own words: 126 and 127 are what a shell says to the same."""
        if complaint.startswith("bwrap: execvp"):
            return 127 if "No such file" in complaint else 126
        if complaint.startswith("bwrap: Can't chdir"):
            return 126
        raise EnvironmentFault(f"sandbox {self.id}: bwrap could not set it up: {complaint.strip()}")

    async def wait_until_ready(self) -> None:
        """Raises BackendUnavailable."""
        self._holder, self._written, self._upper, merged, home, tmp = await self._link.ready()
        self._holder_pid = pid_of(self._holder)
        self._folders = {self.spec.workdir: merged, "/tmp": tmp}
        if self._image is None:
            self._folders[_bwrap.HOME] = home
        else:
            os.close(home)  # it has one of its own
        self._link.listen()

    def _folder_of(self, path: str) -> tuple[int | None, str]:
        path = posixpath.normpath(path)
        for folder, fd in self._folders.items():
            is_covered = any(path == mount.target or path.startswith(mount.target + "/") for mount in self.spec.mounts)
            if path.startswith(folder + "/") and not is_covered:
                return fd, path[len(folder) + 1 :]
        return None, ""

    def _check_running(self) -> None:
        if self._is_stopped:
            raise SandboxGone(f"sandbox {self.id} was stopped")


def _read_only(fd: int) -> int:
    """The same file, but a command can not write to it."""
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(fd)
