"""What a foreign agent reaches as its model: the one that the rollout was given, within the rollout's limits.

The key is added here, outside the sandbox. The model's name is ours whatever the agent asks for, a request is counted
as a step before it goes out, and its tokens and cost are counted when it comes back; so the limits on steps, tokens and
cost hold for agents that know nothing of them. Answers are passed on whole: an agent that asks for a stream gets the
events of a stream at once.
"""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import openai

from agents._chat_model import call_with_retries
from agents.foreign.relay import Reply, Request
from agents.models import ASK_FOR_TOKENS, ModelConfig
from agents.session import RolloutSession
from trajectories.atif import Metrics

_LIMITS_OF_ANSWERS = ("max_tokens", "max_completion_tokens")
_EVENTS = "text/event-stream"


@dataclass(frozen=True)
class ModelCall:
    """One answered request: the message as the server gave it (chat completions only), and what it cost."""

    message: dict[str, Any] | None
    metrics: Metrics


@dataclass
class Proxy:
    """Answers the requests of one rollout; `calls` in their order, `conversation` the longest that was sent."""

    session: RolloutSession
    model: ModelConfig
    calls: list[ModelCall] = field(default_factory=list)
    conversation: list[dict[str, Any]] = field(default_factory=list)
    tools: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        self._client = httpx.AsyncClient(transport=self.model.endpoint, timeout=self.model.timeout_sec)

    async def answer(self, request: Request) -> Reply:
        """Raises LimitReached and ModelUnavailable: both end the rollout."""
        path = request.path.partition("?")[0].strip("/").removeprefix("v1/")
        if request.method in ("GET", "HEAD"):
            return self._models(path)
        if path not in ("chat/completions", "responses", "messages"):
            return _error(404, f"this address serves chat/completions, responses, messages and models, not {path!r}")
        try:
            body = json.loads(request.body)
        except ValueError as error:
            return _error(400, f"the request is no JSON: {error}")
        if not isinstance(body, dict):
            return _error(400, "the request is no JSON object")
        return await (self._chat(body) if path == "chat/completions" else self._other(path, body))

    def _models(self, path: str) -> Reply:
        entry = {"id": self.model.model, "object": "model", "created": 0, "owned_by": "gristmill"}
        if path == "models":
            return _json(200, {"object": "list", "data": [entry]})
        return _json(200, entry) if path.startswith("models/") else _error(404, f"nothing is at {path!r}")

    async def _chat(self, body: dict[str, Any]) -> Reply:
        """Asked for whole, so that usage and token ids are always told."""
        is_stream = bool(body.pop("stream", False))
        body.pop("stream_options", None)
        self.session.begin_step()
        response = await self._sent("chat/completions", self._completed(body))
        if response.status_code != 200:
            return _passed(response)
        answer = response.json()
        usage = answer.get("usage") or {}
        message = answer["choices"][0]["message"]
        kept = self.model.endpoint.take_metrics(answer.get("id"))
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
        self._count(usage.get("prompt_tokens"), usage.get("completion_tokens"), cached, kept, message)
        if isinstance(messages := body.get("messages"), list) and len(messages) >= len(self.conversation):
            self.conversation = [*messages, message]
            self.tools = tuple(body.get("tools") or ())
        return Reply(200, _chat_events(answer), _EVENTS) if is_stream else _json(200, answer)

    def _completed(self, body: dict[str, Any]) -> dict[str, Any]:
        """The request as it goes out: what the agent left open is the rollout's, the model's name always."""
        model = self.model
        ours: dict[str, Any] = {"temperature": model.temperature, "seed": self.session.seed % 2**31}
        if not any(name in body for name in _LIMITS_OF_ANSWERS):
            ours["max_tokens"] = model.max_tokens
        return {**ours, **body, **ASK_FOR_TOKENS[model.tokens], **model.extra_body, "model": model.model}

    async def _other(self, path: str, body: dict[str, Any]) -> Reply:
        """OpenAI's responses and Anthropic's messages: passed on to servers that speak them."""
        self.session.begin_step()
        response = await self._sent(path, {**body, "model": self.model.model})
        if response.status_code == 200:
            usage = usage_of(response.content)
            read = usage.get("cache_read_input_tokens") or (usage.get("input_tokens_details") or {}).get(
                "cached_tokens"
            )
            # Anthropic counts what was read from its cache beside the input, OpenAI as a part of it.
            beside = (usage.get("cache_read_input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0)
            self._count((usage.get("input_tokens") or 0) + beside, usage.get("output_tokens"), read, Metrics(), None)
        return _passed(response)

    async def _sent(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """With retries of what passes (429, 5xx, lost connections, broken JSON). Raises ModelUnavailable."""
        key = self.model.api_key.get_secret_value() if self.model.api_key else "none"
        headers = {"authorization": f"Bearer {key}"}
        if path == "messages":
            headers |= {"x-api-key": key, "anthropic-version": "2023-06-01"}

        async def post() -> httpx.Response:
            response = await self._client.post(f"{self.model.base_url}/{path}", json=body, headers=headers)
            if response.status_code in (408, 409, 425, 429) or response.status_code >= 500:
                text = f"status {response.status_code}: {response.text[:500]}"
                answered: Any = response  # the client's own httpx may be another copy
                raise openai.APIStatusError(text, response=answered, body=None)
            if response.status_code == 200 and path == "chat/completions":
                _ = response.json()["choices"][0]["message"]
            return response

        return await call_with_retries(post, self.model, self.session.seconds_left)

    def _count(
        self, prompt: int | None, said: int | None, cached: int | None, kept: Metrics, message: dict[str, Any] | None
    ) -> None:
        recorder, cost = self.session.recorder, self.model.cost(prompt or 0, said or 0)
        recorder.prompt_tokens += prompt or 0
        recorder.completion_tokens += said or 0
        recorder.cost_usd += cost
        counts = {"prompt_tokens": prompt, "completion_tokens": said, "cached_tokens": cached, "cost_usd": cost}
        self.calls.append(ModelCall(message, kept.model_copy(update=counts)))


def usage_of(content: bytes) -> dict[str, Any]:
    """The counts of tokens in an answer of `responses` or `messages`, one JSON object or a stream of events."""
    text = content.decode(errors="replace")
    lines = [line.removeprefix("data:").strip() for line in text.splitlines() if line.startswith("data:")]
    usage: dict[str, Any] = {}
    for line in lines or [text]:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        for holder in (event, event.get("message"), event.get("response")) if isinstance(event, dict) else ():
            if isinstance(holder, dict) and isinstance(holder.get("usage"), dict):
                usage |= {name: value for name, value in holder["usage"].items() if value is not None}
    return usage


def _chat_events(answer: dict[str, Any]) -> bytes:
    """A whole chat completion as the events of a stream."""
    frame = {name: answer.get(name) for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    frame["created"] = frame["created"] or int(time.time())
    chunks: list[dict[str, Any]] = []
    for choice in answer["choices"]:
        delta = dict(choice["message"])
        if calls := delta.get("tool_calls"):
            delta["tool_calls"] = [{"index": number, **call} for number, call in enumerate(calls)]
        index = choice.get("index", 0)
        chunks.append({**frame, "choices": [{"index": index, "delta": delta, "finish_reason": None}]})
        end = {"index": index, "delta": {}, "finish_reason": choice.get("finish_reason") or "stop"}
        chunks.append({**frame, "choices": [end]})
    if answer.get("usage"):
        chunks.append({**frame, "choices": [], "usage": answer["usage"]})
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


def _passed(response: httpx.Response) -> Reply:
    return Reply(response.status_code, response.content, response.headers.get("content-type", "application/json"))


def _json(status: int, value: Any) -> Reply:
    return Reply(status, json.dumps(value).encode())


def _error(status: int, message: str) -> Reply:
    return _json(status, {"error": {"message": message, "type": "invalid_request_error"}})
