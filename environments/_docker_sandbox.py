"""One container. Its commands are `docker exec`s, one after the other: what a command leaves running ends with it."""

import asyncio
import posixpath
import socket as sockets
import tarfile
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from environments import _paths_inside
from environments._bwrap import BASE_ENV, HOME
from environments._docker_diff import Chunks, container_diff
from environments._docker_stream import converse
from environments._snapshot import Level
from environments._tar import add_level, add_parents, files_tar, streamed
from environments.diff import Diff
from environments.errors import SandboxGone
from environments.process import CappedBytes
from environments.sandbox import CommandResult
from environments.spec import SandboxSpec

if TYPE_CHECKING:
    from environments.docker import Daemon

# Enters the folder, runs the command, then ends whatever it left running: as this user, all
# processes but this one (and process 1, which the kernel spares). The shell's own remarks on how a
# command ended are dropped. 126: no such folder; 127: no such command.
_ENTER = 'cd -- "$1" || exit 126; shift; exec 9>&2 2>/dev/null; "$@" 2>&9 9>&-; code=$?; kill -9 -1; exit $code'
_KILL_ALL = ["/bin/sh", "-c", "kill -9 -1"]
_END_TIMEOUT_SEC = 10.0
_FILE_TIMEOUT_SEC = 60.0
_WATCH_SEC = 2.0
_OOM_COUNTS = "cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null"


class DockerSandbox:
    def __init__(
        self, name: str, container: str, spec: SandboxSpec, image: str, daemon: "Daemon", *, user: str
    ) -> None:
        self.id = name
        self.spec = spec
        self._container = container
        self._image = image
        self._daemon = daemon
        self._user = user
        self._is_plain = spec.image is None and spec.build_context is None
        self._turn = asyncio.Lock()
        self._is_stopped = False
        self._is_untouched = True  # no code has run yet, so the layers alone say where links are
        self._oom_kills = 0

    @staticmethod
    def fill(api: Any, container: str, spec: SandboxSpec) -> None:
        """The working directory's first contents, before the first process: owned by the sandbox's user."""
        level = Level.root(spec.layers)
        is_plain = spec.image is None and spec.build_context is None
        if not is_plain and not spec.layers:
            return
        uid = 1000 if is_plain else 0

        def write(tar: tarfile.TarFile) -> None:
            add_parents(tar, spec.workdir, last_uid=uid)
            add_level(tar, spec.workdir.strip("/"), level, uid=uid)

        api.put_archive(container, "/", streamed(write))

    async def run(
        self,
        command: Sequence[str],
        *,
        timeout_sec: float,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> CommandResult:
        folder = posixpath.join(self.spec.workdir, cwd) if cwd else self.spec.workdir
        environment = {**(BASE_ENV if self._is_plain else {}), **self.spec.env, **(env or {})}
        return (await self._execute(command, folder, timeout_sec, environment, stdin, self.spec.limits.output_bytes))[0]

    async def read_file(self, path: str, *, max_bytes: int = 10_000_000) -> bytes:
        full = posixpath.normpath(posixpath.join(self.spec.workdir, path))
        self._check_running()
        if self._is_in_layer(full):
            data = await self._daemon.call(lambda: self._archived(full, path, max_bytes))
            if data is not None:
                return data
        command = _paths_inside.read_command(full, max_bytes)
        result, out = await self._execute(command, "/", _FILE_TIMEOUT_SEC, BASE_ENV, b"", max_bytes)
        _paths_inside.check_done(result.exit_code, path, result.stderr)
        return out.data()

    async def write_files(self, files: Mapping[str, bytes], *, mode: int = 0o644) -> None:
        self._check_running()
        full = {posixpath.normpath(posixpath.join(self.spec.workdir, path)): data for path, data in files.items()}
        quick = {path: data for path, data in full.items() if self._is_free_of_links(path)}
        if quick:
            tar = files_tar(quick, uid=1000 if self._is_plain else 0, mode=mode, parents_of=self.spec.workdir)
            await self._daemon.call(lambda: self._daemon.api.put_archive(self._container, "/", tar))
        others = {path: data for path, data in full.items() if path not in quick}
        if len(others) > 1:
            tar = files_tar(others, uid=0, mode=mode, parents_of=None)
            command = _paths_inside.unpack_command()
            result, _ = await self._execute(command, "/", _FILE_TIMEOUT_SEC, BASE_ENV, tar, 1000)
            _paths_inside.check_done(result.exit_code, ", ".join(others), result.stderr)
        for path, data in others.items() if len(others) == 1 else ():
            command = _paths_inside.write_command(path, mode)
            result, _ = await self._execute(command, "/", _FILE_TIMEOUT_SEC, BASE_ENV, data, 1000)
            _paths_inside.check_done(result.exit_code, path, result.stderr)

    async def diff(self) -> Diff:
        self._check_running()
        async with self._turn:
            return await self._daemon.call(
                lambda: container_diff(self._daemon, self._container, self._image, self.spec, self.fill)
            )

    async def stop(self) -> None:
        if self._is_stopped:
            return
        self._is_stopped = True
        await self._daemon.change(lambda: self._daemon.remove(self._container))

    async def _execute(
        self, command: Sequence[str], cwd: str, timeout_sec: float, env: Mapping[str, str], stdin: bytes, limit: int
    ) -> tuple[CommandResult, CappedBytes]:
        async with self._turn:
            self._check_running()
            self._is_untouched = False
            out, err = CappedBytes(limit), CappedBytes(limit)
            argv = ["/bin/sh", "-c", _ENTER, "sh", cwd, *command]
            began = time.monotonic()
            running = asyncio.ensure_future(
                self._daemon.call(lambda: self._exec(argv, self._user, env, stdin, out, err))
            )
            timed_out = False
            try:
                if not await self._waited(running, timeout_sec):
                    timed_out = True
                    await self._kill_all(running)
                code = await running
            except asyncio.CancelledError:
                await asyncio.shield(self._kill_all(running))
                raise
            oom_killed = code >= 128 and not timed_out and await self._was_oom_killed()
            result = CommandResult(
                exit_code=None if timed_out else code,
                stdout=out.text(),
                stderr=err.text(),
                duration_sec=time.monotonic() - began,
                timed_out=timed_out,
                truncated=out.is_truncated or err.is_truncated,
                oom_killed=oom_killed,
            )
            return result, out

    async def _waited(self, running: "asyncio.Future[int]", timeout_sec: float) -> bool:
        """Wait for its end; meanwhile look now and then that it fills no disk. False: out of time."""
        end = time.monotonic() + timeout_sec
        while (left := end - time.monotonic()) > 0:
            await asyncio.wait([running], timeout=min(left, _WATCH_SEC))
            if running.done():
                return True
            if left > _WATCH_SEC and await self._daemon.call(self._is_disk_full):
                await self._kill_all(running)
                return True
        return running.done()

    def _is_disk_full(self) -> bool:
        found = self._daemon.api.containers(filters={"name": self._container}, size=True)
        return bool(found) and found[0].get("SizeRw", 0) > self.spec.limits.disk_mb << 20

    async def _kill_all(self, running: "asyncio.Future[int]") -> None:
        nothing: dict[str, str] = {}
        for _ in range(3):
            await self._daemon.call(
                lambda: self._exec(_KILL_ALL, self._user, nothing, b"", CappedBytes(100), CappedBytes(100))
            )
            await asyncio.wait([running], timeout=_END_TIMEOUT_SEC / 3)
            if running.done():
                return
        await self.stop()
        raise SandboxGone(f"sandbox {self.id}: a command could not be killed, so the container was removed")

    async def _was_oom_killed(self) -> bool:
        counts = CappedBytes(10_000)
        await self._daemon.call(
            lambda: self._exec(["/bin/sh", "-c", _OOM_COUNTS], self._user, {}, b"", counts, CappedBytes(100))
        )
        lines = [line.split() for line in counts.text().splitlines()]
        kills = sum(int(words[1]) for words in lines if len(words) == 2 and words[0] == "oom_kill")
        is_new, self._oom_kills = kills > self._oom_kills, kills
        return is_new

    def _exec(
        self,
        argv: Sequence[str],
        user: str,
        env: Mapping[str, str],
        stdin: bytes,
        out: CappedBytes,
        err: CappedBytes,
    ) -> int:
        """One exec to its end (blocking); its exit code."""
        api = self._daemon.api
        exec_id = api.exec_create(
            self._container, list(argv), stdin=bool(stdin), user=user, environment=dict(env), workdir="/"
        )["Id"]
        stream = api.exec_start(exec_id, socket=True)
        try:
            connection: sockets.socket = getattr(stream, "_sock", stream)
            connection.settimeout(None)
            converse(connection, stdin, out, err)
        finally:
            stream.close()
        code: int | None = api.exec_inspect(exec_id)["ExitCode"]
        if code is None:
            raise SandboxGone(f"sandbox {self.id} is gone: its container ended during a command")
        return code

    def _archived(self, full: str, path: str, max_bytes: int) -> bytes | None:
        """A regular file's contents as the daemon sees it; None for what only code inside can resolve."""
        try:
            chunks, _ = self._daemon.told(lambda: self._daemon.api.get_archive(self._container, full))
        except SandboxGone as error:
            if "Could not find the file" in str(error) or "no such file" in str(error):
                raise FileNotFoundError(path) from error
            raise
        with tarfile.open(fileobj=Chunks(chunks), mode="r|") as tar:
            member = tar.next()
            if member is None or member.issym():
                return None
            if member.isdir():
                raise IsADirectoryError(path)
            file = tar.extractfile(member)
            if file is None:
                raise FileNotFoundError(path)
            return file.read(max_bytes)

    def _is_in_layer(self, full: str) -> bool:
        """Whether the daemon sees it: not what lies on a tmpfs or a mount."""
        elsewhere = ["/tmp", HOME, "/dev", "/proc", "/sys", *(m.target for m in self.spec.mounts if not m.read_only)]
        return not any(full == folder or full.startswith(folder + "/") for folder in elsewhere)

    def _is_free_of_links(self, full: str) -> bool:
        if not self._is_untouched or not self._is_plain or not full.startswith(self.spec.workdir + "/"):
            return False
        parts = full.removeprefix(self.spec.workdir + "/").split("/")
        level = Level.root(self.spec.layers)
        return not level.holds_link(parts[:-1]) and not level.is_folder(parts)

    def _check_running(self) -> None:
        if self._is_stopped:
            raise SandboxGone(f"sandbox {self.id} was stopped")
