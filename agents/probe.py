"""What an endpoint can do, found by asking it: reachable, the model served, native tool calls, schemas, token ids."""

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from agents.endpoint import metrics_of
from agents.models import ASK_FOR_TOKENS, ModelConfig

_TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds two whole numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}
_SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "sum",
        "schema": {
            "type": "object",
            "properties": {"sum": {"type": "integer"}},
            "required": ["sum"],
            "additionalProperties": False,
        },
    },
}
_QUESTION = [{"role": "user", "content": "Add 2 and 3. Use the tool if you have one."}]


class ProbeReport(BaseModel):
    """One server of a model. What could not be asked, since it is not there, stays False."""

    model_config = ConfigDict(frozen=True)

    name: str
    url: str
    is_reachable: bool = False
    is_served: bool = False
    answers: bool = False
    tool_calling: bool = Field(False, description="native: a tool call came back as one")
    schemas: bool = Field(False, description="response_format with a JSON schema is obeyed")
    logprobs: bool = False
    token_ids: bool = False
    context_length: int | None = Field(None, description="as the server says")
    seconds: float = Field(0.0, description="of one short answer")
    notes: tuple[str, ...] = Field((), description="what is wrong, and what to change in the configuration")


async def probe(model: ModelConfig) -> list[ProbeReport]:
    """Ask each of the model's servers; never raises for what they do."""
    headers = {"Authorization": f"Bearer {model.api_key.get_secret_value()}"} if model.api_key else {}
    async with httpx.AsyncClient(headers=headers, timeout=model.timeout_sec) as client:
        return [await _probe(client, model, url.rstrip("/")) for url in (model.base_url, *model.replicas)]


async def _probe(client: httpx.AsyncClient, model: ModelConfig, url: str) -> ProbeReport:
    report: dict[str, Any] = {"name": model.name, "url": url}
    notes: list[str] = []
    listed = await _get(client, f"{url}/models", notes)
    if listed is None:
        return ProbeReport(**report, notes=tuple(notes))
    report["is_reachable"] = True
    entries = [each for each in listed.get("data", ()) if isinstance(each, dict)]
    report["is_served"] = any(each.get("id") == model.model for each in entries)
    if not report["is_served"]:
        names = ", ".join(str(each.get("id")) for each in entries) or "none"
        notes.append(f"the server does not list {model.model!r} (it lists: {names}); set `model:` to one of these")
    report["context_length"] = next(
        (each["max_model_len"] for each in entries if each.get("id") == model.model and each.get("max_model_len")), None
    )
    if report["context_length"] and report["context_length"] < model.context_length:
        notes.append(f"context_length: {model.context_length} is more than the server's {report['context_length']}")

    started = time.perf_counter()
    plain = await _ask(client, model, url, notes, **ASK_FOR_TOKENS[model.tokens])
    report["seconds"] = round(time.perf_counter() - started, 3)
    if plain is None:
        return ProbeReport(**report, notes=tuple(notes))
    report["answers"] = True
    told = metrics_of(plain)
    report["logprobs"] = bool(told and told.logprobs)
    report["token_ids"] = bool(told and told.completion_token_ids)
    if model.tokens != "no" and not report["token_ids"]:
        notes.append(f"tokens: {model.tokens}: the server gives no token ids; is it of that kind, and new enough?")

    called = await _ask(client, model, url, notes, tools=[_TOOL])
    report["tool_calling"] = called is not None and _calls_add(called)
    formed = await _ask(client, model, url, notes, response_format=_SCHEMA)
    report["schemas"] = formed is not None and _is_sum(formed)
    if model.tool_calling == "native" and not report["tool_calling"]:
        notes.append("no tool call came back as one: set `tool_calling: json`, or start the server with a tool parser")
    if model.tool_calling == "json" and not report["schemas"]:
        notes.append("the server does not obey response_format: calls as JSON text will often be malformed")
    return ProbeReport(**report, notes=tuple(notes))


async def _get(client: httpx.AsyncClient, url: str, notes: list[str]) -> dict[str, Any] | None:
    try:
        answer = await client.get(url, timeout=10)
        answer.raise_for_status()
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        notes.append(f"{url}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no answer'}")
        return None
    return body if isinstance(body, dict) else {}


async def _ask(
    client: httpx.AsyncClient, model: ModelConfig, url: str, notes: list[str], **more: Any
) -> dict[str, Any] | None:
    body = {"model": model.model, "messages": _QUESTION, "max_tokens": 64, "temperature": 0, **model.extra_body, **more}
    try:
        answer = await client.post(f"{url}/chat/completions", json=body)
        answer.raise_for_status()
        found = answer.json()
        found["choices"][0]["message"]["role"]
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
        asked = ", ".join(more) or "a plain question"
        notes.append(f"asked {asked}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        return None
    return dict(found)


def _calls_add(body: Mapping[str, Any]) -> bool:
    calls = body["choices"][0]["message"].get("tool_calls") or ()
    try:
        return any(
            call["function"]["name"] == "add" and set(json.loads(call["function"]["arguments"])) == {"a", "b"}
            for call in calls
        )
    except (ValueError, KeyError, TypeError):
        return False


def _is_sum(body: Mapping[str, Any]) -> bool:
    try:
        said = json.loads(body["choices"][0]["message"]["content"])
    except (ValueError, TypeError):
        return False
    return isinstance(said, dict) and set(said) == {"sum"} and isinstance(said["sum"], int)
