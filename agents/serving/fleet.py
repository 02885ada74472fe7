"""All replicas of a served model: started together, watched, each started again if it dies or stops answering."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from agents.models import ModelConfig
from agents.serving.config import ServeConfig
from agents.serving.errors import ServingFault
from agents.serving.registry import get_server, kind_of
from agents.serving.replica import ServerProcess

MISSED = 3  # looks in a row that a replica may leave unanswered
FIRST_PAUSE_SEC, MOST_PAUSE_SEC = 0.5, 30.0

OnEvent = Callable[[str], None]
"""Called with what happened to a replica, in a line for people."""


class Fleet:
    """Use as an async context manager. `models`: the model's entry, then one for each adapter."""

    def __init__(self, config: ServeConfig, *, on_event: OnEvent = lambda text: None) -> None:
        self.config = config.model_copy(update={"kind": kind_of(config)})
        self.server = get_server(self.config.kind)
        if lacks := self.server.missing(self.config):
            raise ServingFault(f"{self.config.kind} cannot serve {config.name}: {'; '.join(lacks)}")
        self._on_event = on_event
        self._logs = config.logs or Path(tempfile.gettempdir())
        self._is_temporary = config.logs is None
        self.replicas: list[ServerProcess] = []
        self.models: list[ModelConfig] = []
        self._watchers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        config = self.config
        if self._is_temporary:
            self._logs = Path(tempfile.mkdtemp(prefix="gristmill-serve-"))
        self._logs.mkdir(parents=True, exist_ok=True)
        try:
            for number, port in enumerate(ports(config)):
                command = self.server.command(config, number, port)
                environment = self.server.environment(config, number)
                log = self._logs / f"{config.name}-{number}.log"
                url = f"http://{_reachable(config.host)}:{port}"
                self.replicas.append(ServerProcess(command, url, log=log, environment=environment))
            await asyncio.gather(*(each.start(within_sec=config.startup_sec) for each in self.replicas))
        except BaseException:
            await self._stop()
            raise
        self.models = self.server.models(config, [f"{each.url}/v1" for each in self.replicas])
        self._watchers = [asyncio.create_task(self._watch(number)) for number in range(len(self.replicas))]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def given_up(self) -> None:
        """Wait until no replica will come up again."""
        await asyncio.wait(self._watchers)

    async def _stop(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await asyncio.gather(*(each.stop() for each in self.replicas))
        if self._is_temporary:
            shutil.rmtree(self._logs, ignore_errors=True)

    async def _watch(self, number: int) -> None:
        """Until cancelled, or until the replica will not come up again."""
        replica = self.replicas[number]
        while True:
            why = await self._until_down(replica)
            self._on_event(f"replica {number} at {replica.url} {why}; it is started again")
            await replica.stop()
            for attempt in range(self.config.restarts):
                try:
                    await replica.start(within_sec=self.config.startup_sec)
                except ServingFault as fault:
                    self._on_event(f"replica {number}: {fault}")
                    await asyncio.sleep(min(MOST_PAUSE_SEC, FIRST_PAUSE_SEC * 2**attempt))
                else:
                    self._on_event(f"replica {number} at {replica.url} is healthy again")
                    break
            else:
                self._on_event(f"replica {number} at {replica.url} did not come up again and is given up")
                return

    async def _until_down(self, replica: ServerProcess) -> str:
        """Why the replica is to be started again, once it is."""
        missed = 0
        ended = asyncio.create_task(replica.ended())
        try:
            while missed < MISSED:
                done, _ = await asyncio.wait({ended}, timeout=self.config.health_sec)
                if done:
                    return f"ended with code {ended.result()}"
                missed = 0 if await replica.is_healthy() else missed + 1
        finally:
            ended.cancel()
        return f"left {missed} looks at its health unanswered"


@asynccontextmanager
async def served(config: ServeConfig, *, on_event: OnEvent = lambda text: None) -> AsyncIterator[ModelConfig]:
    """Serve a model for the length of the block. Raises ServingFault; for its adapters use Fleet."""
    async with Fleet(config, on_event=on_event) as fleet:
        yield fleet.models[0]


def ports(config: ServeConfig) -> list[int]:
    """Those asked for, or free ones. Raises ServingFault for one that is taken."""
    wanted = [config.port + number if config.port else 0 for number in range(config.replicas)]
    held: list[socket.socket] = []
    try:
        for port in wanted:
            one = socket.socket()
            held.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind((config.host, port))
            except OSError as error:
                raise ServingFault(f"{config.host}:{port} cannot be listened at: {error.strerror}") from error
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host
