"""One long-lived bash in a rollout's sandbox, shared by the tools `bash` and `jobs`.

The bash and what keeps it (`_inside/shell.py`) are started at the first command by `Sandbox.open` and end with the
rollout's `Place`, or with the sandbox. Starting it costs some 20 ms, a command then less than 2 ms beside its own time.
"""

import asyncio
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from agents.tools._program import BOOT, message, shell_program
from agents.tools.tool import Place
from environments.errors import SandboxGone
from environments.sandbox import Sandbox, Stream

_START_SEC = 30.0
_SLACK_SEC = 15.0  # beyond a command's own limit: for an interrupt, a kill, a busy machine
_OUTPUT_BYTES = 100_000  # of each stream of one command, and of one look at a job

_GONE: dict[str, Any] = {
    "out": "",
    "err": "",
    "late": "",
    "status": None,
    "timed_out": False,
    "seconds": 0.0,
    "notes": ("the shell and all that it had started were ended; a new shell takes the next command",),
}


class ShellUnavailable(Exception):
    """No shell can be kept in this sandbox; the message says what is missing."""


class ShellResult(BaseModel):
    """What one command did in the shell.

    `late`: what processes in the background wrote since the command before. `status` is None where the command was
    stopped at its time limit and took the shell along. `notes`: what became of the shell.
    """

    model_config = ConfigDict(frozen=True)

    out: str
    err: str
    late: str
    status: int | None
    timed_out: bool
    seconds: float
    notes: tuple[str, ...] = ()


class JobState(BaseModel):
    """A command in the background. `output`: what it wrote since the last look; `left_out` bytes before it are gone."""

    model_config = ConfigDict(frozen=True)

    job: int
    command: str
    status: int | None
    seconds: float
    output: str = ""
    left_out: int = 0
    unread: int = 0


class Shell:
    """See the module. Calls wait for each other. All raise ShellUnavailable and EnvironmentFault."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._stream: Stream | None = None
        self._rest = bytearray()
        self._turn = asyncio.Lock()
        self._count = 0

    @property
    def has_run(self) -> bool:
        """Whether it has ever answered: what fails then is no lack of the sandbox."""
        return self._count > 0

    @classmethod
    def of(cls, place: Place) -> "Shell":
        """The shell of a rollout; ended by `Place.close`."""
        shell = place.kept.get("shell")
        if not isinstance(shell, cls):
            shell = place.kept["shell"] = cls(place.sandbox)
        return shell

    async def run(self, command: str, *, timeout_sec: float) -> ShellResult:
        """A command to its end, with no standard input. At its limit it is interrupted, and the shell is kept."""
        async with self._turn:
            try:
                answer = await self._ask("run", timeout_sec, command=command, timeout=timeout_sec)
            except SandboxGone:
                # Whoever kills all processes kills the shell's keeper as well: that is no fault of the sandbox.
                why = await self._lost()
                answer = {**_GONE, "status": 137, "notes": (*filter(None, [why]), *_GONE["notes"])}
            except TimeoutError:
                # Its keeper was stopped, or the machine is far behind: nothing can be known of the shell any more.
                await self._close()
                answer = {**_GONE, "timed_out": True, "seconds": timeout_sec}
            return ShellResult.model_validate(answer)

    async def start_job(self, command: str, *, wait_sec: float = 0.2) -> JobState:
        """Start a command in the background; what it wrote in its first moments comes along."""
        async with self._turn:
            return JobState.model_validate(await self._of_job("begin", wait_sec, command=command, timeout=wait_sec))

    async def jobs(self) -> list[JobState]:
        async with self._turn:
            if self._stream is None:
                return []
            return [JobState.model_validate(job) for job in (await self._of_job("list", 0.0))["jobs"]]

    async def read_job(self, job: int, *, wait_sec: float = 0.0, kill: bool = False) -> JobState:
        """What it wrote since the last look, after waiting for its end for at most `wait_sec`."""
        async with self._turn:
            answer = await self._of_job("read", wait_sec, job=job, timeout=wait_sec, kill=kill)
            return JobState.model_validate(answer)

    async def close(self) -> None:
        """End the shell and all that it has started. Idempotent."""
        await self._close()

    async def _of_job(self, what: str, seconds: float, **request: Any) -> dict[str, Any]:
        try:
            return await self._ask(what, seconds, **request)
        except (SandboxGone, TimeoutError) as error:
            await self._lost()
            raise ShellUnavailable("the shell was ended, and all jobs with it; call it again") from error

    async def _ask(self, what: str, seconds: float, **request: Any) -> dict[str, Any]:
        try:
            if self._stream is None:
                await self._open()
            assert self._stream is not None
            asked = message({"id": self._count + 1, "do": what, "limit": _OUTPUT_BYTES, **request})
            async with asyncio.timeout(seconds + _SLACK_SEC):
                await self._stream.write(asked)
                answer = await self._line()
            self._count += 1
        except (SandboxGone, ShellUnavailable, TimeoutError):
            raise
        except BaseException:
            await asyncio.shield(self._close())  # an answer that nobody has taken would be the next one's
            raise
        if "fault" in answer:
            raise ShellUnavailable(str(answer["fault"]))
        return answer

    async def _open(self) -> None:
        stream = self._stream = await self._sandbox.open(["python3", "-I", "-S", "-B", "-c", BOOT])
        self._rest.clear()
        try:
            async with asyncio.timeout(_START_SEC):
                await stream.write(shell_program())
                if (await self._line()).get("id") != "ready":
                    raise SandboxGone("no shell")
        except (SandboxGone, TimeoutError) as error:
            said = stream.errors().strip()
            await self._close()
            raise ShellUnavailable(f"no shell can be kept: python3 does not run here ({said or error})") from error

    async def _line(self) -> dict[str, Any]:
        assert self._stream is not None
        while b"\n" not in self._rest:
            data = await self._stream.read()
            if not data:
                raise SandboxGone(f"the shell has ended: {self._stream.errors().strip()}")
            self._rest += data
        line, _, rest = bytes(self._rest).partition(b"\n")
        self._rest[:] = rest
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _lost(self) -> str:
        """After the shell has gone: what was said of it. Raises SandboxGone where the sandbox has gone as well."""
        said = self._stream.errors().strip() if self._stream is not None else ""
        await self._close()
        await self._sandbox.run(["true"], timeout_sec=_START_SEC)
        return said.splitlines()[-1] if said else ""

    async def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()
