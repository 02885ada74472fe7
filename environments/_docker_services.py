"""A service in a container: one exec that nobody waits for, as a user of its own."""

import asyncio
import contextlib
import socket as sockets
from typing import TYPE_CHECKING

from environments._bwrap import BASE_ENV
from environments._docker_stream import Frames
from environments._services import ServiceRun, command, stdin_of
from environments.spec import Service

if TYPE_CHECKING:
    from environments.docker import Daemon

# Neither an agent's user nor a usual one of images: so `kill -9 -1`, which ends what a command has left, spares it.
SERVICE_USER = "64321:64321"
_CHUNK = 1 << 16


async def serve(daemon: "Daemon", container: str, service: Service) -> ServiceRun:
    """Start it; its output is taken by the event loop until it ends. Raises EnvironmentFault."""
    run = ServiceRun(service)
    connection = await daemon.call(lambda: _started(daemon, container, command(service), stdin_of(service)))
    frames = Frames(run.out, run.err)
    loop = asyncio.get_running_loop()

    def hear() -> None:
        try:
            data = connection.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            frames.add(data)
            return
        loop.remove_reader(connection)
        connection.close()
        run.ended("has ended")

    loop.add_reader(connection, hear)
    return run


def _started(daemon: "Daemon", container: str, argv: list[str], stdin: bytes) -> sockets.socket:
    """The connection to its streams, with all input sent (blocking)."""
    api = daemon.api
    exec_id = api.exec_create(
        container, argv, stdin=True, user=SERVICE_USER, environment={**BASE_ENV, "HOME": "/"}, workdir="/"
    )["Id"]
    stream = api.exec_start(exec_id, socket=True)
    connection: sockets.socket = getattr(stream, "_sock", stream)
    connection.settimeout(None)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended already: its output says why
        connection.sendall(stdin)
        connection.shutdown(sockets.SHUT_WR)
    connection.setblocking(False)
    return connection
