"""One container. Its commands run one after the other: what a command leaves running ends with it.

Each is a `docker exec`, or is run by the container's first shell (`_docker_shell.py`), by the same script. Beside
them may run what was opened, until its stream is closed.
"""

import asyncio
import contextlib
import io
import posixpath
import signal
import socket as sockets
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from environments import _paths_inside
from environments._bwrap import BASE_ENV, HOME
from environments._docker_beside import TELL_AND_BECOME, end_all_but, entering
from environments._docker_diff import Chunks, archive_diff, container_diff, first_contents
from environments._docker_services import serve
from environments._docker_shell import FirstShell, request
from environments._docker_stream import ExecStream, converse
from environments._services import ServiceRun, all_ready
from environments._snapshot import Level
from environments._tar import add_files, add_level, add_parents, size_of, streamed
from environments.diff import Diff
from environments.errors import EnvironmentFault, SandboxGone
from environments.process import CappedBytes
from environments.sandbox import CommandResult
from environments.spec import SandboxSpec

if TYPE_CHECKING:
    from environments.docker import Daemon

# Each exec costs 50 ms, so the first command brings the files along: as that user, so that no link
# among them can lead to what is not the user's.
_UNPACK = "umask 022; tar -x -o -p -f - -C / || exit 125; exec </dev/null; "
_SMALL_BYTES = 4 << 20  # more takes long enough to be no part of a command's time
_END_TIMEOUT_SEC = 10.0
_ENDING_SEC = 5.0
_FILE_TIMEOUT_SEC = 60.0
_PACKING_SEC = 10.0
_WATCH_SEC = 2.0
_STREAM_WATCH_SEC = 5.0
_SETTLING_SEC = 0.3  # the daemon has heard of the end of a container by then
_OOM_COUNTS = "cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null"


def owner_of(spec: SandboxSpec) -> int:
    """The uid that the working directory's files shall have; an image's own user may be root."""
    return 1000 if spec.image is None and spec.build_context is None else 0


class DockerSandbox:
    def __init__(
        self,
        name: str,
        container: str,
        spec: SandboxSpec,
        image: str,
        daemon: "Daemon",
        user: str,
        files: IO[bytes] | None,
        shell: FirstShell | None = None,
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
        self._oom_kills = 0
        self._files = files  # a tar that is not in the container yet
        self._services: list[ServiceRun] = []
        self._shell = shell
        self._ends_at = time.monotonic() + spec.limits.lifetime_sec
        self._lifetime = asyncio.create_task(self._end_in_time()) if shell is not None else None
        self._opened: set[int] = set()  # processes, by their ids inside, whose trees are spared when a command ends
        self._watching: set[asyncio.Task[None]] = set()

    async def start_services(self) -> None:
        """Raises EnvironmentFault for one that does not get ready."""
        for service in self.spec.services:
            self._services.append(await serve(self._daemon, self._container, service))
        await all_ready(self.id, self._services)

    @staticmethod
    def fill(api: Any, container: str, spec: SandboxSpec) -> None:
        """Put the layers into a container that has not started yet."""
        uid = owner_of(spec)

        def write(tar: tarfile.TarFile) -> None:
            add_parents(tar, spec.workdir, last_uid=uid)
            add_level(tar, spec.workdir.strip("/"), Level.root(spec.layers), uid=uid)

        if spec.layers:
            api.put_archive(container, "/", streamed(write))

    @staticmethod
    def pack(spec: SandboxSpec) -> IO[bytes]:
        """The same as a tar, to be unpacked by the sandbox's user."""
        file = tempfile.SpooledTemporaryFile(max_size=2 * _SMALL_BYTES)  # noqa: SIM115  closed by `stop`
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            add_level(tar, spec.workdir.strip("/"), Level.root(spec.layers), uid=1000)
        return file

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
        environment = {**(BASE_ENV if self._is_plain else {}), **self.spec.env, **(env or {})}
        return (await self._execute(command, folder, timeout_sec, environment, stdin, self.spec.limits.output_bytes))[0]

    async def open(self, command: Sequence[str]) -> ExecStream:
        await self._unpack()
        async with self._turn:  # a command that ends now would end it as well
            self._check_running()
            argv = ["/bin/sh", "-c", TELL_AND_BECOME, "sh", self.spec.workdir, *command]
            env = {**(BASE_ENV if self._is_plain else {}), **self.spec.env}
            holder = await self._daemon.call(lambda: self._begin_exec(argv, self._user, env, has_stdin=True)[1])

            async def end() -> None:
                watching.cancel()
                async with self._turn:
                    self._opened.discard(process)
                    if not self._is_stopped:
                        await self._end_all_but_opened()

            stream = ExecStream(holder, end)
            try:
                said = await asyncio.wait_for(stream.first_line(), _FILE_TIMEOUT_SEC)
                if not said.isdigit():
                    raise SandboxGone(f"sandbox {self.id}: a command that was to run on did not start: {said!r}")
            except BaseException:
                holder.close()
                raise
            process = int(said)
            self._opened.add(process)
            watching = asyncio.create_task(self._watch_disk(process, stream))
            self._watching.add(watching)
            watching.add_done_callback(self._watching.discard)
        return stream

    async def _watch_disk(self, process: int, stream: ExecStream) -> None:
        """End what was opened once it has filled more than its share; who reads from it finds the reason."""
        while not self._is_stopped:
            await asyncio.sleep(_STREAM_WATCH_SEC)
            try:
                if await self._daemon.call(self._is_disk_full):
                    stream.complain(f"ended: more than {self.spec.limits.disk_mb} MB were written")
                    self._opened.discard(process)
                    await self._end_all_but_opened()
                    return
            except EnvironmentFault:
                return  # the sandbox has gone, or the daemon: whoever calls it next is told

    async def _end_all_but_opened(self) -> None:
        argv, nothing = end_all_but(sorted(self._opened)), dict[str, str]()
        await self._carry_out(argv, nothing, io.BytesIO(), CappedBytes(100), CappedBytes(100))

    async def read_file(self, path: str, *, max_bytes: int = 10_000_000) -> bytes:
        self._check_running()
        full = posixpath.normpath(posixpath.join(self.spec.workdir, path))
        await self._unpack()
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
        if self._files is not None and not any(self._is_in_the_way(path) for path in full):
            add_files(self._files, full, uid=1000, mode=mode)
            return
        await self._unpack()
        if self._shell is not None and (command := _paths_inside.write_texts_command(full, mode)) is not None:
            path, stdin = ", ".join(full), b""
        elif len(full) == 1:
            ((path, data),) = full.items()
            command, stdin = _paths_inside.write_command(path, mode), data
        else:
            path, command = ", ".join(full), _paths_inside.unpack_command()
            with io.BytesIO() as tar:
                add_files(tar, full, uid=1000, mode=mode)
                stdin = tar.getvalue()
        result, _ = await self._execute(command, "/", _FILE_TIMEOUT_SEC, BASE_ENV, stdin, 1000)
        _paths_inside.check_done(result.exit_code, path, result.stderr)

    async def diff(self) -> Diff:
        self._check_running()
        await self._unpack()
        async with self._turn:
            call, workdir = self._daemon.call, self.spec.workdir
            before = await call(lambda: first_contents(self._daemon, self._image, self.spec, self.fill))
            is_small = before.size is not None and before.size < _SMALL_BYTES
            packed = await self._packed() if is_small and self._shell is not None else None
            if packed is not None:
                with contextlib.suppress(tarfile.TarError, ValueError, KeyError, EOFError):  # no archive of tar's
                    return await call(lambda: archive_diff([packed], before))
            return await call(lambda: container_diff(self._daemon, self._container, workdir, before))

    async def _packed(self) -> bytes | None:
        """The working directory as a tar that was made inside; None where that is too much, or does not work."""
        out = CappedBytes(2 * _SMALL_BYTES)
        tar = ["tar", "-c", "-f", "-", "--exclude=.git", "."]
        argv = ["/bin/sh", "-c", entering(sorted(self._opened), is_waiting=True), "sh", self.spec.workdir, *tar]
        running = asyncio.ensure_future(self._carry_out(argv, {}, io.BytesIO(), out, CappedBytes(100)))
        try:
            await asyncio.wait([running], timeout=_PACKING_SEC)
        finally:
            if not running.done():
                await asyncio.shield(self._kill_all(running))
        return out.data() if await running == 0 and not out.is_truncated else None

    async def stop(self) -> None:
        if self._is_stopped:
            return
        self._is_stopped = True
        if self._files is not None:
            self._files.close()
        for watching in self._watching:
            watching.cancel()
        if self._lifetime is not None and self._lifetime is not asyncio.current_task():
            self._lifetime.cancel()
        if self._shell is not None:
            is_idle = not self._shell.is_busy
            self._shell.close()
            if is_idle and await self._daemon.call(lambda: self._daemon.is_removed(self._container, _ENDING_SEC)):
                return
        await self._daemon.change(lambda: self._daemon.remove(self._container))

    async def _unpack(self) -> None:
        if self._files is not None:
            result, _ = await self._execute(["true"], "/", _FILE_TIMEOUT_SEC, BASE_ENV, b"", 1000, is_alone=True)
            if result.exit_code != 0:
                raise EnvironmentFault(f"sandbox {self.id}: its files could not be unpacked: {result.stderr}")

    async def _execute(
        self,
        command: Sequence[str],
        cwd: str,
        timeout_sec: float,
        env: Mapping[str, str],
        stdin: bytes,
        limit: int,
        *,
        is_alone: bool = False,
    ) -> tuple[CommandResult, CappedBytes]:
        if self._files is not None and not is_alone and (stdin or size_of(self._files) > _SMALL_BYTES):
            await self._unpack()
        async with self._turn:
            self._check_running()
            out, err = CappedBytes(limit), CappedBytes(limit)
            files, self._files = self._files, None
            script = (_UNPACK if files else "") + entering(sorted(self._opened), is_waiting=self._shell is not None)
            argv = ["/bin/sh", "-c", script, "sh", cwd, *command]
            source: IO[bytes] = files or io.BytesIO(stdin)
            source.seek(0)
            began = time.monotonic()
            running = asyncio.ensure_future(self._carry_out(argv, env, source, out, err))
            timed_out = False
            try:
                if not await self._waited(running, timeout_sec):
                    timed_out = True
                    await self._kill_all(running)
                code = await running
            except asyncio.CancelledError:
                await asyncio.shield(self._kill_all(running))
                raise
            if self._is_stopped:  # whoever stopped it ended the command: what it had done so far is no result
                raise SandboxGone(f"sandbox {self.id} was stopped during a command")
            if code == 125 and files and not timed_out and err.text().startswith("tar: "):
                raise EnvironmentFault(f"sandbox {self.id}: its files could not be unpacked: {err.text()}")
            oom_killed = code >= 128 and not timed_out and await self._was_oom_killed()
            if code == 128 + signal.SIGKILL and not timed_out and not oom_killed:
                await self._check_that_it_lives_on()
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

    async def _check_that_it_lives_on(self) -> None:
        """A command is killed as its container ends, too, which is told a moment before. Raises SandboxGone."""
        for wait in (0.0, _SETTLING_SEC):
            await asyncio.sleep(wait)
            state = (await self._daemon.call(lambda: self._daemon.api.inspect_container(self._container)))["State"]
            if not state["Running"]:
                raise SandboxGone(f"sandbox {self.id} is gone: its container ended during a command")

    def _is_disk_full(self) -> bool:
        found = self._daemon.api.containers(filters={"name": self._container}, size=True)
        return bool(found) and found[0].get("SizeRw", 0) > self.spec.limits.disk_mb << 20

    async def _kill_all(self, running: "asyncio.Future[int]") -> None:
        for _ in range(3):
            await self._end_all_but_opened()
            await asyncio.wait([running], timeout=_END_TIMEOUT_SEC / 3)
            if running.done():
                return
        await self.stop()
        raise SandboxGone(f"sandbox {self.id}: a command could not be killed, so the container was removed")

    async def _was_oom_killed(self) -> bool:
        counts = CappedBytes(10_000)
        await self._carry_out(["/bin/sh", "-c", _OOM_COUNTS], {}, io.BytesIO(), counts, CappedBytes(100))
        lines = [line.split() for line in counts.text().splitlines()]
        kills = sum(int(words[1]) for words in lines if len(words) == 2 and words[0] == "oom_kill")
        is_new, self._oom_kills = kills > self._oom_kills, kills
        return is_new

    async def _carry_out(
        self, argv: Sequence[str], env: Mapping[str, str], stdin: IO[bytes], out: CappedBytes, err: CappedBytes
    ) -> int:
        """By the container's first shell where it can, else by an exec; its exit code."""
        if self._shell is not None and not self._shell.is_busy and size_of(stdin) == 0:
            text = request(argv, env)
            if text is not None:
                left = self._ends_at - time.monotonic()
                return await self._shell.run(text, watch_sec=left, out=out, err=err)
        return await self._daemon.call(lambda: self._exec(argv, self._user, env, stdin, out, err))

    async def _end_in_time(self) -> None:
        """Its first process, waiting for us, knows of no time."""
        await asyncio.sleep(self.spec.limits.lifetime_sec)
        await self.stop()

    def _exec(
        self,
        argv: Sequence[str],
        user: str,
        env: Mapping[str, str],
        stdin: IO[bytes],
        out: CappedBytes,
        err: CappedBytes,
    ) -> int:
        """One exec to its end (blocking); its exit code."""
        exec_id, stream = self._begin_exec(argv, user, env, has_stdin=size_of(stdin) > 0)
        connection: sockets.socket = getattr(stream, "_sock", stream)
        try:
            connection.settimeout(None)
            converse(connection, stdin, out, err)
        finally:
            stream.close()
            connection.close()  # the HTTP client would keep it until the next garbage collection
        code: int | None = self._daemon.api.exec_inspect(exec_id)["ExitCode"]
        if code is None:
            raise SandboxGone(f"sandbox {self.id} is gone: its container ended during a command")
        return code

    def _begin_exec(
        self, argv: Sequence[str], user: str, env: Mapping[str, str], *, has_stdin: bool
    ) -> tuple[str, Any]:
        """Its id, and what its connection is held by (blocking)."""
        api = self._daemon.api
        exec_id: str = api.exec_create(
            self._container, list(argv), stdin=has_stdin, user=user, environment=dict(env), workdir="/"
        )["Id"]
        return exec_id, api.exec_start(exec_id, socket=True)

    def _archived(self, full: str, path: str, max_bytes: int) -> bytes | None:
        """A regular file's contents as the daemon sees it; None for what only code inside can resolve."""
        try:
            chunks, _ = self._daemon.told(lambda: self._daemon.api.get_archive(self._container, full))
        except SandboxGone as error:
            if "Could not find the file" in str(error) or "no such file" in str(error):
                raise FileNotFoundError(path) from error
            raise
        except EnvironmentFault as error:
            if "too many links" in str(error) or "not a directory" in str(error):
                return None
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

    def _is_in_the_way(self, full: str) -> bool:
        """Whether a folder of that name is in the layers, or a link above it: not for one tar to resolve."""
        if not full.startswith(self.spec.workdir + "/"):
            return False
        parts = full.removeprefix(self.spec.workdir + "/").split("/")
        level = Level.root(self.spec.layers)
        return level.is_folder(parts) or level.holds_link(parts[:-1])

    def _check_running(self) -> None:
        if self._is_stopped:
            raise SandboxGone(f"sandbox {self.id} was stopped")
