"""The way to a model's servers: to the least loaded replica; what they tell of tokens, which clients drop, is kept.

An httpx transport, so that any client of OpenAI's API works over it. A request whose replica is gone goes to another at
once; a replica that failed is set aside for a while, and asked for its health before it gets work again.
"""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from trajectories.atif import Metrics

SET_ASIDE_SEC = 2.0  # doubled by each further failure
MOST_ASIDE_SEC = 60.0
HEALTH_SEC = 3.0
MOST_KEPT = 1024  # answers whose tokens nobody has fetched
MOST_BYTES = 64 * 2**20  # of one answer: with token ids and log-probabilities, far above what a model says


@dataclass
class Replica:
    """One server. `running` requests now; not used before `back_at` (monotonic seconds)."""

    base: httpx.URL
    running: int = 0
    failures: int = 0
    back_at: float = 0.0

    def failed(self) -> None:
        self.failures += 1
        self.back_at = time.monotonic() + min(MOST_ASIDE_SEC, SET_ASIDE_SEC * 2 ** (self.failures - 1))

    def worked(self) -> None:
        self.failures, self.back_at = 0, 0.0


class Endpoint(httpx.AsyncBaseTransport):
    """One or several base URLs that serve the same model. Lives in one event loop.

    `most_at_once`: requests on their way together; the rest wait, and their time limits do not run.
    """

    def __init__(self, urls: Sequence[str], *, most_at_once: int = 64) -> None:
        self._slots = asyncio.Semaphore(most_at_once)
        self.replicas = [Replica(httpx.URL(url.rstrip("/"))) for url in urls]
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=None, max_keepalive_connections=64))
        self._kept: OrderedDict[str, Metrics] = OrderedDict()
        self._away_since: float | None = None
        self._turn = 0

    @property
    def away_sec(self) -> float:
        """For how long no replica could be connected to; 0.0 while the last request reached one."""
        return 0.0 if self._away_since is None else time.monotonic() - self._away_since

    def take_metrics(self, answer_id: str | None) -> Metrics:
        """Token ids and logprobs of an answer, by the server's id of it; each can be taken once."""
        return self._kept.pop(answer_id or "", Metrics())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.TransportError where no replica can be reached."""
        async with self._slots:
            return await self._ask_in_turn(request)

    async def _ask_in_turn(self, request: httpx.Request) -> httpx.Response:
        last: httpx.TransportError | None = None
        for replica in self._in_turn():
            if replica.failures and len(self.replicas) > 1 and not await self._is_healthy(replica):
                replica.failed()
                continue
            replica.running += 1
            try:
                response = await self._ask(replica, request)
            except (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError) as error:
                replica.failed()
                last = error
                if not isinstance(error, httpx.ConnectError):
                    self._away_since = None
                continue
            except httpx.TimeoutException as error:
                replica.failed()  # it hangs, or is overrun: the next try goes elsewhere first
                is_away = isinstance(error, httpx.ConnectTimeout) and len(self.replicas) == 1
                self._away_since = (self._away_since or time.monotonic()) if is_away else None
                raise
            finally:
                replica.running -= 1
            self._away_since = None
            if response.status_code >= 500:
                replica.failed()
            else:
                replica.worked()
            return response
        if last is None or isinstance(last, httpx.ConnectError):
            self._away_since = self._away_since or time.monotonic()
        raise last or httpx.ConnectError(f"none of {len(self.replicas)} replicas is healthy", request=request)

    def _in_turn(self) -> list[Replica]:
        """Those that are not set aside, the least loaded first; where all are, all of them.

        Equals take turns: this process knows its own requests alone, and were the first always taken, the first
        replicas would have the requests of all processes.
        """
        now = time.monotonic()
        ready = [replica for replica in self.replicas if replica.back_at <= now] or self.replicas
        first = self._turn % len(ready)
        self._turn += 1
        ready = ready[first:] + ready[:first]
        return sorted(ready, key=lambda replica: (replica.running, replica.failures))

    async def _ask(self, replica: Replica, request: httpx.Request) -> httpx.Response:
        """The whole answer: a connection that breaks in its middle is seen here, where another can be asked.

        The client's read limit holds for all of it, so that a server that drips, or never ends, is left.
        """
        first = self.replicas[0].base
        path = replica.base.path + request.url.path.removeprefix(first.path)
        url = request.url.copy_with(
            scheme=replica.base.scheme, host=replica.base.host, port=replica.base.port, path=path
        )
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
        sent = httpx.Request(request.method, url, headers=headers, content=await request.aread())
        sent.extensions = request.extensions
        within = request.extensions.get("timeout", {}).get("read")
        try:
            async with asyncio.timeout(within):
                answer = await self._inner.handle_async_request(sent)
                try:
                    content = await _whole(answer, request)
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no whole answer within {within:g} s", request=request) from error
        response = httpx.Response(
            answer.status_code, headers=answer.headers, content=content, extensions=answer.extensions, request=request
        )
        self._keep(response)
        return response

    def _keep(self, response: httpx.Response) -> None:
        if "json" not in response.headers.get("content-type", ""):
            return
        try:
            body = json.loads(response.content)
            metrics = metrics_of(body)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return  # no chat completion; the client says what it thinks of it
        if metrics is not None:
            self._kept[str(body.get("id"))] = metrics
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    async def _is_healthy(self, replica: Replica) -> bool:
        """Whether it lists its models."""
        limits = dict.fromkeys(("connect", "read", "write", "pool"), HEALTH_SEC)
        request = httpx.Request("GET", f"{replica.base}/models", extensions={"timeout": limits})
        try:
            answer = await self._inner.handle_async_request(request)
            await answer.aread()
            await answer.aclose()
        except httpx.TransportError:
            return False
        return answer.status_code < 500

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _whole(answer: httpx.Response, request: httpx.Request) -> bytes:
    content = bytearray()
    async for chunk in answer.aiter_raw():
        content += chunk
        if len(content) > MOST_BYTES:
            raise httpx.RemoteProtocolError(f"the answer has more than {MOST_BYTES} bytes", request=request)
    return bytes(content)


def metrics_of(body: dict[str, Any]) -> Metrics | None:
    """What a chat completion says of its tokens beyond their number; None where it says nothing.

    vLLM (`return_token_ids`): `prompt_token_ids` beside `choices`, `token_ids` in the choice. SGLang: `input_ids`,
    `output_ids` under `meta_info`. llama.cpp: `tokens` under `__verbose`, with the rendered `prompt`. Logprobs as
    OpenAI has them.
    """
    choice = body["choices"][0]
    meta, verbose = choice.get("meta_info") or {}, body.get("__verbose") or {}
    prompt = body.get("prompt_token_ids") or choice.get("prompt_token_ids") or meta.get("input_ids")
    said = choice.get("token_ids") or meta.get("output_ids") or verbose.get("tokens")
    logprobs = [item["logprob"] for item in (choice.get("logprobs") or {}).get("content") or ()]
    text = verbose.get("prompt") or body.get("prompt_text")
    if not (prompt or said or logprobs or text):
        return None
    return Metrics(
        prompt_token_ids=tuple(prompt) if prompt else None,
        completion_token_ids=tuple(said) if said else None,
        logprobs=tuple(logprobs) if logprobs else None,
        extra={"prompt": text} if isinstance(text, str) and text else None,
    )
