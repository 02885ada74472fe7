"""The tools of any MCP server, by langchain-mcp-adapters; extra `mcp`.

A server that is a command is started by the process that runs the rollout, once a rollout, and ends with it: it has
that process's rights and does not run in the sandbox. One with a URL is connected to. Only the user's own configuration
names servers; a task cannot.
"""

import asyncio
import contextlib
import json
from collections.abc import Coroutine, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from agents.agent import ToolAnswer
from agents.errors import AgentFault
from agents.tools.schema import SchemaArguments, arguments_of, tool_name
from agents.tools.tool import Arguments, Place, Tool, cut, failed

START_SEC = 60.0
CALL_SEC = 120.0
_LOOK_SEC = 0.3  # how often a call that waits looks whether its server is still there


class Mcp(BaseModel):
    """A server: `command` with `args` (stdio), or `url` (streamable HTTP). `name`: the prefix of its tools' names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,24}$")
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    cwd: str | None = None
    url: str = ""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    only: tuple[str, ...] = Field((), description="tools to take, by the server's own names; empty: all")

    @model_validator(mode="after")
    def _one_way(self) -> "Mcp":
        if bool(self.command) == bool(self.url):
            raise ValueError("an MCP server has either a command or a url")
        return self

    @property
    def connection(self) -> dict[str, Any]:
        if self.command:
            return {"transport": "stdio", "command": self.command, "args": list(self.args),
                    "env": self.env or None, "cwd": self.cwd}  # fmt: skip
        headers = {name: value.get_secret_value() for name, value in self.headers.items()}
        return {"transport": "streamable_http", "url": self.url, "headers": headers}

    async def tools(self, place: Place) -> Sequence[Tool]:
        """Connects; the connection ends with the place. Raises AgentFault where there is no such server."""
        client = _Connection(self)
        place.kept[f"mcp {self.name}"] = client
        taken: set[str] = set()
        found: list[Tool] = []
        for tool in await client.open():
            if self.only and tool.name not in self.only:
                continue
            name = tool_name(f"{self.name}_{tool.name}", taken)
            taken.add(name)
            found.append(McpTool(name, tool, client))
        return found


class McpTool:
    """One tool of a server; its schema is the server's."""

    def __init__(self, name: str, tool: Any, connection: "_Connection") -> None:
        self.name = name
        self.description = str(tool.description or name)[:1000]
        schema = tool.args_schema if isinstance(tool.args_schema, dict) else tool.args_schema.model_json_schema()
        self.arguments: type[Arguments] = arguments_of(name, schema)
        self._tool = tool
        self._connection = connection

    async def call(self, place: Place, arguments: SchemaArguments) -> ToolAnswer:
        try:
            async with asyncio.timeout(CALL_SEC):
                message = await self._connection.answered(
                    self._tool.ainvoke(
                        {"name": self._tool.name, "args": arguments.values, "id": "1", "type": "tool_call"}
                    )
                )
        except TimeoutError:
            return failed(f"{self.name} took more than {CALL_SEC:g} s")
        except Exception as error:  # noqa: BLE001  the server's end, its transport's and its answer's: for the caller
            return failed(f"{self.name} failed: {_reason(error)}")
        return ToolAnswer(text=cut(_text(message.content)) or "[nothing]", is_error=message.status == "error")


class _Connection:
    """A session with a server, held by a task of its own: it must be left where it was entered."""

    def __init__(self, server: Mcp) -> None:
        self._server = server
        self._is_over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._tools: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._session: Any = None

    async def open(self) -> list[Any]:
        """Its tools, LangChain's. Raises AgentFault."""
        try:
            import langchain_mcp_adapters  # noqa: F401
        except ImportError as error:
            raise AgentFault("MCP servers need the extra: pip install 'gristmill[mcp]'") from error
        self._task = asyncio.create_task(self._hold())
        try:
            async with asyncio.timeout(START_SEC):
                return await asyncio.shield(self._tools)
        except TimeoutError as error:
            await self.close()
            raise AgentFault(f"MCP server {self._server.name} did not answer within {START_SEC:g} s") from error

    async def answered(self, call: Coroutine[Any, Any, Any]) -> Any:
        """What the call gives. Raises ConnectionError where the server ends before: the client would wait for ever."""
        task = asyncio.create_task(call)
        try:
            while not (await asyncio.wait([task], timeout=_LOOK_SEC))[0]:
                if self._is_gone() and not (await asyncio.wait([task], timeout=_LOOK_SEC))[0]:
                    raise ConnectionError("the server has ended")
            return task.result()
        finally:
            task.cancel()

    def _is_gone(self) -> bool:
        """Nobody is left who could put an answer into the session's stream."""
        stream = getattr(self._session, "_read_stream", None)
        return stream is not None and stream.statistics().open_send_streams == 0

    async def close(self) -> None:
        """Idempotent."""
        self._is_over.set()
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait([task], timeout=10)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _hold(self) -> None:
        from langchain_mcp_adapters.sessions import create_session
        from langchain_mcp_adapters.tools import load_mcp_tools

        connection: Any = self._server.connection
        try:
            async with create_session(connection) as session:
                self._session = session
                await session.initialize()
                self._tools.set_result(await load_mcp_tools(session))
                await self._is_over.wait()
        except Exception as error:  # noqa: BLE001  transports fail in many ways, in groups
            if not self._tools.done():
                name = self._server.name
                self._tools.set_exception(AgentFault(f"MCP server {name} could not be used: {_reason(error)}"))


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:500]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = []
    for block in content:
        if isinstance(block, str):
            parts.append(block)
        elif block.get("type") == "text":
            parts.append(str(block.get("text", "")))
        else:
            kind = block.get("mime_type") or block.get("type")
            parts.append(f"[{kind}: {block['url']}]" if "url" in block else f"[{kind}, not shown]")
    return "\n".join(parts) if parts else json.dumps(content)
