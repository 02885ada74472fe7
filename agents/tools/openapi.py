"""Every operation of an OpenAPI document (3.0, 3.1, Swagger 2.0) as a tool.

Where the service is the task's own, calls are made from within the sandbox, on its loopback. A service outside is
called from the host, and only below the base URL that the user names; what the document says of servers does not count
then.
"""

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from agents.agent import ToolAnswer
from agents.errors import AgentFault
from agents.tools._openapi import Operation, Request, base_url, load_document, operations_of
from agents.tools.schema import SchemaArguments, arguments_of
from agents.tools.tool import Arguments, Place, Tool, cut, failed
from environments.sandbox import Sandbox

CALL_SEC = 60.0
MOST_BYTES = 200_000
MOST_DOCUMENT = 20_000_000

# Runs in the sandbox: one request, told on standard input, its answer on standard output.
_SEND = """\
import base64, http.client, json, sys, urllib.parse
given = json.load(sys.stdin)
url = urllib.parse.urlsplit(given["url"])
kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
connection = kind(url.hostname, url.port, timeout=given["timeout"])
try:
    target = (url.path or "/") + ("?" + url.query if url.query else "")
    connection.request(given["method"], target, base64.b64decode(given["body"]) or None, given["headers"])
    answer = connection.getresponse()
    body = answer.read(given["most"])
except (OSError, http.client.HTTPException) as error:
    json.dump({"error": "%s: %s" % (type(error).__name__, error)}, sys.stdout)
else:
    kind = answer.headers.get("Content-Type", "")
    json.dump({"status": answer.status, "kind": kind, "body": base64.b64encode(body).decode()}, sys.stdout)
"""


class Reply(BaseModel):
    """What a service answered; `error`: why it did not."""

    status: int = 0
    kind: str = ""
    body: bytes = b""
    error: str = ""


class Sender(Protocol):
    async def send(self, request: Request) -> Reply: ...


class SandboxSender:
    """Calls from within the sandbox: what it may reach is what its network allows."""

    def __init__(self, sandbox: Sandbox, url: str) -> None:
        self._sandbox = sandbox
        self._url = url

    async def send(self, request: Request) -> Reply:
        told = {
            "method": request.method,
            "url": self._url + request.path,
            "headers": request.headers,
            "body": base64.b64encode(request.body).decode(),
            "timeout": CALL_SEC,
            "most": MOST_BYTES,
        }
        done = await self._sandbox.run(
            ["python3", "-I", "-S", "-B", "-c", _SEND], timeout_sec=CALL_SEC + 10, stdin=json.dumps(told).encode()
        )
        try:
            answer = json.loads(done.stdout)
            return Reply(**{**answer, "body": base64.b64decode(answer.get("body", ""))})
        except ValueError:
            return Reply(error=done.stderr.strip()[-500:] or f"python3 in the sandbox ended with {done.exit_code}")


class HostSender:
    """Calls from this process, below one base URL; redirects are not followed, since they may lead elsewhere."""

    def __init__(
        self, url: str, headers: dict[str, SecretStr], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client = httpx.AsyncClient(
            headers={name: value.get_secret_value() for name, value in headers.items()},
            timeout=CALL_SEC,
            follow_redirects=False,
            transport=transport,
        )
        self._url = url

    async def send(self, request: Request) -> Reply:
        if "/../" in f"{request.path.partition('?')[0]}/":
            return Reply(error="the path leads out of the allowed base URL")
        try:
            async with self._client.stream(
                request.method, self._url + request.path, headers=request.headers, content=request.body or None
            ) as answer:
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) >= MOST_BYTES:
                        break
                kind = answer.headers.get("content-type", "")
                return Reply(status=answer.status_code, kind=kind, body=body[:MOST_BYTES])
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Reply(error=f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        await self._client.aclose()


class OperationTool:
    """One operation."""

    def __init__(self, operation: Operation, sender: Sender, prefix: str = "") -> None:
        self.operation = operation
        self.name = f"{prefix}{operation.name}"[:64]
        self.description = operation.description
        self.arguments: type[Arguments] = arguments_of(self.name, operation.schema)
        self._sender = sender

    async def call(self, place: Place, arguments: SchemaArguments) -> ToolAnswer:
        reply = await self._sender.send(self.operation.request(arguments.values))
        if reply.error:
            return failed(f"the service did not answer: {reply.error}")
        is_text = not reply.kind or any(word in reply.kind for word in ("json", "text", "xml", "form", "yaml"))
        text = reply.body.decode(errors="replace") if is_text else f"[{len(reply.body)} bytes of {reply.kind}]"
        if 200 <= reply.status < 300:
            return ToolAnswer(text=cut(text) or f"[HTTP {reply.status}]")
        return ToolAnswer(text=cut(f"[HTTP {reply.status}]\n{text}"), is_error=True)


class OpenApi(BaseModel):
    """Which document, and where its service is.

    `document`: a path in the sandbox, or on the host where `base_url` is given. `base_url`: of a service outside,
    called from the host with `headers` (which may hold a key and are never recorded). `only`: operations by name or
    tag.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: str
    base_url: str = Field("", pattern=r"^(https?://\S+)?$")
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    prefix: str = Field("", pattern=r"^[A-Za-z0-9_-]*$")
    only: tuple[str, ...] = ()

    async def tools(self, place: Place) -> Sequence[Tool]:
        """Raises AgentFault for a document that is not there or that cannot be read."""
        sender: Sender
        if self.base_url:
            try:
                document = load_document(Path(self.document).read_bytes(), self.document)
            except OSError as error:
                raise AgentFault(f"{self.document}: {error.strerror}") from error
            sender = place.kept[f"openapi {self.base_url} {self.prefix}"] = HostSender(
                self.base_url.rstrip("/"), self.headers
            )
        else:
            if self.headers:
                raise AgentFault("headers are sent from the host only: give base_url, or the agent could read them")
            try:
                data = await place.sandbox.read_file(self.document, max_bytes=MOST_DOCUMENT)
            except OSError as error:
                raise AgentFault(f"{self.document} is not in the sandbox: {type(error).__name__}") from error
            document = load_document(data, self.document)
            sender = SandboxSender(place.sandbox, base_url(document) or "http://127.0.0.1:8000")
        is_wanted: Callable[[Operation], bool] = lambda one: not self.only or bool({one.name, *one.tags} & {*self.only})  # noqa: E731
        return [OperationTool(one, sender, self.prefix) for one in operations_of(document) if is_wanted(one)]
