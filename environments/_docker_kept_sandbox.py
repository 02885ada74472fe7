"""One sandbox in a kept container: as bubblewrap's, with the rights and the disk limit that a container's have."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from environments import _bwrap
from environments._bwrap_sandbox import BubblewrapSandbox
from environments._stream import PipeStream

# An image's own programs may expect a root that can touch the files of its users.
_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
_WATCH_SEC = 2.0
_WATCH_SHARE = 0.05  # of the time, at most, goes into looking


class KeptSandbox(BubblewrapSandbox):
    """`is_plain`: on our own base, where the environment is ours, too. `stopped`: called once it has ended."""

    def __init__(self, *args: Any, is_plain: bool, stopped: Callable[[], None]) -> None:
        super().__init__(*args)
        image = self._image
        assert image is not None
        capabilities = _CAPABILITIES if image.user.is_root else ()
        self._options = _bwrap.contained_options(self.spec, capabilities, is_root=image.user.is_root)
        if is_plain:
            self._env = {**_bwrap.BASE_ENV, **self.spec.env}
        self._stopped = stopped
        self._streams: list[PipeStream] = []
        self._watching: asyncio.Task[None] | None = None

    async def wait_until_ready(self) -> None:
        await super().wait_until_ready()
        self._watching = asyncio.create_task(self._watch_disk())

    async def open(self, command: Sequence[str]) -> PipeStream:
        stream = await super().open(command)
        self._streams.append(stream)
        return stream

    async def stop(self) -> None:
        if self._is_stopped:
            return
        if self._watching is not None:
            self._watching.cancel()
        try:
            await super().stop()
        finally:
            self._stopped()

    async def _watch_disk(self) -> None:
        """A file's size is limited by the kernel; what all have together is looked at now and then.

        Once that is too much, what runs is killed; who reads from a stream finds the reason there.
        """
        loop, wait = asyncio.get_running_loop(), _WATCH_SEC
        while True:
            await asyncio.sleep(wait)
            names = [name for name in self._link.names() if not name.startswith("service")]
            if not names:
                continue
            began = loop.time()
            used = await _bytes_below(self._written)
            wait = max(_WATCH_SEC, (loop.time() - began) / _WATCH_SHARE)
            if used > self.spec.limits.disk_mb << 20:
                for stream in self._streams:
                    stream.complain(f"ended: more than {self.spec.limits.disk_mb} MB were written")
                for name in names:
                    self._link.send_now(f"kill {name}")


async def _bytes_below(folder: int) -> int:
    """By a program that any depth of folders is nothing to; 0 where even that can not tell."""
    du = await asyncio.create_subprocess_exec(
        *("du", "--summarize", "--block-size=1", "upper", "imageupper"),
        cwd=f"/proc/self/fd/{folder}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        said, _ = await du.communicate()
    except asyncio.CancelledError:
        du.kill()
        await du.wait()
        raise
    return sum(int(line.split()[0]) for line in said.decode(errors="replace").splitlines())
