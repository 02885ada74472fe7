"""Our end of a holder's socket (`_holder.py`): asks for commands, and hears how they end."""

import asyncio
import json
import os
import socket
import time
from collections.abc import Sequence
from typing import Any

from environments._holder import receive
from environments._kept import Kept
from environments.errors import BackendUnavailable, EnvironmentFault, SandboxGone
from environments.process import PipeReader, readable

END_TIMEOUT_SEC = 10.0
_START_TIMEOUT_SEC = 30.0
_GONE_TIMEOUT_SEC = 60.0  # unmounting an overlay syncs the disk below it, which may be busy with others' writes


class HolderLink:
    """For one sandbox, called `name`. `run`, `send` raise SandboxGone where the holder has ended."""

    def __init__(self, name: str, control: socket.socket) -> None:
        self._name = name
        self._control = control
        self.cpu_sec = 0.0  # processor seconds of the commands that have ended
        self._commands: dict[str, asyncio.Future[int]] = {}
        self._count = 0
        self._loop = asyncio.get_running_loop()

    async def ready(self) -> list[int]:
        """Descriptors of the sandbox's folders and of the holder's process, once it stands.

        Raises BackendUnavailable.
        """
        try:
            async with asyncio.timeout(_START_TIMEOUT_SEC):
                await readable(self._control.fileno())
        except TimeoutError as error:
            raise BackendUnavailable("bubblewrap: no sandbox after 30 s; is the machine overloaded?") from error
        try:
            data, fds = receive(self._control)
        except ConnectionResetError:
            data = b""
        answer: dict[str, Any] = json.loads(data) if data else {"error": "the holder ended at once"}
        if "error" in answer:
            raise BackendUnavailable(f"bubblewrap: no sandbox could be made: {answer['error']}")
        return fds

    def listen(self) -> None:
        """From now on commands are heard to end."""
        self._loop.add_reader(self._control, self._hear)

    def end(self, why: str) -> None:
        """Hear no more; what still runs is lost."""
        self._loop.remove_reader(self._control)
        self._fail_commands(why)

    async def is_over(self) -> bool:
        """Whether the holder, asked to, has ended all that ran and has let go of the mounts. After `end`."""
        try:
            self._control.send(b"end sandbox")
            while True:
                async with asyncio.timeout(END_TIMEOUT_SEC):
                    await readable(self._control.fileno())
                data = self._control.recv(4096)
                if not data:
                    return False
                if "over" in json.loads(data):
                    return True
        except (OSError, TimeoutError):
            return False

    def expect(self, kind: str) -> tuple[str, "asyncio.Future[int]"]:
        """A name for a command that is asked for next, and what will hold its exit code."""
        self._count += 1
        name = f"{kind}-{self._count}"
        ended = self._commands[name] = self._loop.create_future()
        return name, ended

    def names(self) -> list[str]:
        """Of the commands that run; each begins with its kind."""
        return [name for name, ended in self._commands.items() if not ended.done()]

    def forget(self, name: str) -> None:
        """Nobody asks any more how it ends."""
        del self._commands[name]

    async def run(self, fds: Sequence[int], readers: Sequence[PipeReader], timeout_sec: float) -> int | None:
        """Have the holder run it; its exit code, or None if the time limit ended it."""
        name, ended = self.expect("command")
        try:
            await self.send(f"run {name}", fds)
            for reader in readers:
                reader.close_write()
            await asyncio.wait([ended], timeout=timeout_sec)
            if ended.done():
                code: int = ended.result()
                return code if code >= 0 else 128 - code
            await self.send(f"kill {name}")
            await asyncio.wait([ended], timeout=END_TIMEOUT_SEC)
            if not ended.done():
                raise EnvironmentFault(f"sandbox {self._name}: a killed command did not end; stop the sandbox")
            ended.result()
            return None
        finally:
            self.forget(name)
            if not ended.done():
                self.send_now(f"kill {name}")

    def _hear(self) -> None:
        try:
            data = self._control.recv(4096)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(self._control)
            self._fail_commands("its lifetime is over, or its holder was killed")
            return
        message = json.loads(data)
        self.cpu_sec += message.get("cpu_sec", 0.0)
        future = self._commands.get(message.get("ended") or message.get("failed") or "")
        if future is None or future.done():
            return
        if "failed" in message:
            future.set_exception(
                EnvironmentFault(f"sandbox {self._name}: the command could not start: {message['why']}")
            )
        else:
            future.set_result(message["status"])

    def _fail_commands(self, why: str) -> None:
        for future in self._commands.values():
            if not future.done():
                future.set_exception(SandboxGone(f"sandbox {self._name} is gone: {why}"))

    async def send(self, message: str, fds: Sequence[int] = ()) -> None:
        while True:
            try:
                socket.send_fds(self._control, [message.encode()], fds)
                return
            except BlockingIOError:
                await asyncio.sleep(0.001)
            except (BrokenPipeError, ConnectionResetError, OSError) as error:
                raise SandboxGone(f"sandbox {self._name} is gone: its holder has ended") from error

    def send_now(self, message: str) -> None:
        """For a cancelled command: there is no time to wait."""
        try:
            self._control.send(message.encode())
        except OSError:
            return  # the holder is gone, and the command with it


async def end_holder(holder: Kept, pidfd: int = -1) -> None:
    """End it, with its commands and mounts, and remove its control groups. `pidfd` is closed."""
    holder.control.close()
    if pidfd >= 0:
        await asyncio.wait_for(readable(pidfd), _GONE_TIMEOUT_SEC)
        os.close(pidfd)
    cgroup, until = holder.cgroup, time.monotonic() + END_TIMEOUT_SEC
    while cgroup is not None and not cgroup.remove():
        cgroup.kill()
        if time.monotonic() > until:
            raise EnvironmentFault(f"the control group {cgroup.procs_files()[0].parent} can not be removed")
        await asyncio.sleep(0.002)
