"""The client of an OpenAI-compatible endpoint: LangChain's, with our retries and one error for all faults."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import openai
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from agents._quirks import mended, shaped, without_reasoning
from agents.agent import LimitReached
from agents.errors import ModelAway, ModelUnavailable
from agents.models import ASK_FOR_TOKENS, ModelConfig, Quirks
from trajectories.atif import Metrics

Result = TypeVar("Result")

MOST_WAIT_SEC = 30.0
# What the client raises for an answer that is no chat completion: broken JSON, no choices, nulls.
NONSENSE = (json.JSONDecodeError, KeyError, IndexError, TypeError, ValueError)


class _Client(ChatOpenAI):
    """LangChain's client, for chat templates with quirks, and for answers that it cannot read."""

    quirks: Quirks = Quirks()

    def _get_request_payload(
        self, input_: LanguageModelInput, *, stop: list[str] | None = None, **settings: Any
    ) -> dict[str, Any]:
        payload: dict[str, Any] = super()._get_request_payload(input_, stop=stop, **settings)
        # In extra_body, which openai's client sends as it is: it walks through all else by the annotations,
        # half of its time for a request with tools.
        as_they_are = {"messages": shaped(payload["messages"], self.quirks)}
        if "tools" in payload:
            as_they_are["tools"] = payload.pop("tools")
        return {**payload, "messages": [], "extra_body": {**(payload.get("extra_body") or {}), **as_they_are}}

    def _create_chat_result(
        self, response: dict[str, Any] | openai.BaseModel, generation_info: dict[str, Any] | None = None
    ) -> ChatResult:
        if not isinstance(response, (dict, openai.BaseModel)):
            raise ValueError(f"no chat completion: {str(response)[:200]!r}")
        body = response if isinstance(response, dict) else response.model_dump(warnings=False)
        result = super()._create_chat_result(mended(body), generation_info)
        for generation, choice in zip(result.generations, body["choices"], strict=True):
            self._part_reasoning(generation, choice["message"])
        return result

    def _part_reasoning(self, generation: ChatGeneration, said: dict[str, Any]) -> None:
        """Where `React` looks for it, whether the server parted it from the answer or its tags are still in there."""
        message = generation.message
        thought = said.get("reasoning_content") or said.get("reasoning")
        if not thought and self.quirks.reasoning_tag and isinstance(message.content, str):
            message.content, thought = without_reasoning(message.content, self.quirks.reasoning_tag)
        if thought:
            message.additional_kwargs["reasoning_content"] = thought


def chat_model(model: ModelConfig, *, seed: int) -> BaseChatModel:
    """A chat model that retries nothing by itself."""
    template = {"chat_template_kwargs": model.quirks.template} if model.quirks.template else {}
    client = _Client(
        quirks=model.quirks,
        model=model.model,
        base_url=model.base_url,
        api_key=model.api_key or SecretStr("none"),
        temperature=model.temperature,
        timeout=model.timeout_sec,
        max_retries=0,
        seed=seed % 2**31,
        # Servers differ in which name of the limit they know; this one all of them do.
        extra_body={"max_tokens": model.max_tokens, **ASK_FOR_TOKENS[model.tokens], **template, **model.extra_body},
        http_async_client=httpx.AsyncClient(transport=model.endpoint, timeout=model.timeout_sec),
    )
    if model.tool_calling == "native":
        return client
    from agents._json_calls import JsonCalls

    return JsonCalls(client=client, context_length=model.context_length, max_tokens=model.max_tokens)


async def call_with_retries(call: Callable[[], Awaitable[Result]], model: ModelConfig, seconds_left: float) -> Result:
    """Call; passing faults (429, 5xx, lost connections, nonsense) are tried again with back-off.

    Servers that cannot be connected to are waited for, `model.away_sec` in all for those that wait at the same time;
    that takes none of the tries.
    Raises ModelUnavailable with the URL and the last answer, ModelAway where there was no server, LimitReached where
    time runs out before that.
    """
    faults: list[BaseException] = []
    endpoint = model.endpoint
    answered = 0

    def is_enough(state: RetryCallState) -> bool:
        nonlocal answered
        if endpoint.away_sec:
            return endpoint.away_sec >= model.away_sec and state.attempt_number > 1
        answered += 1
        return answered >= model.tries

    async def once() -> Result:
        try:
            return await call()
        except Exception as error:
            faults.append(error)
            raise

    limit = asyncio.timeout(seconds_left)
    try:
        async with limit:
            retrying = AsyncRetrying(retry=retry_if_exception(_is_passing), stop=is_enough, wait=_wait, reraise=True)
            return await retrying(once)
    except TimeoutError as error:
        if not limit.expired():
            raise
        said = f"; the last: {_text(faults[-1])}" if faults else ""
        if faults and endpoint.away_sec:
            raise _away(model, faults) from error
        raise LimitReached("time_limit", f"no answer of {model.base_url} in time{said}") from error
    except (openai.OpenAIError, httpx.HTTPError, *NONSENSE) as error:
        if endpoint.away_sec:
            raise _away(model, faults) from error
        raise ModelUnavailable(
            f"{model.model} at {model.base_url} gave no usable answer in {len(faults)} "
            f"{'try' if len(faults) == 1 else 'tries'}; the last: {_text(error)}"
        ) from error


def _away(model: ModelConfig, faults: list[BaseException]) -> ModelAway:
    return ModelAway(
        f"no server of {model.model} could be connected to at {model.base_url} for {model.endpoint.away_sec:.0f} s; "
        f"the last: {_text(faults[-1])}"
    )


def _text(error: BaseException) -> str:
    """What a fault says of itself, with its cause where that says more (of a lost connection, say)."""
    text = str(error)[:1000] or type(error).__name__
    cause = error.__cause__
    return f"{text} ({type(cause).__name__}: {cause})"[:1500] if cause is not None and str(cause) else text


def tokens_of(message: AIMessage, model: ModelConfig) -> tuple[int, int, Metrics]:
    """Prompt and completion tokens, and what else the server told of them (ids, logprobs, cached tokens)."""
    usage = message.usage_metadata
    details = usage.get("input_token_details") if usage else None
    kept = model.endpoint.take_metrics(message.response_metadata.get("id"))
    metrics = kept.model_copy(update={"cached_tokens": details.get("cache_read") if details else None})
    return (usage["input_tokens"], usage["output_tokens"], metrics) if usage else (0, 0, metrics)


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, openai.APIStatusError):
        return error.status_code in (408, 409, 425, 429) or error.status_code >= 500
    return isinstance(error, (openai.APIConnectionError, openai.APIResponseValidationError, httpx.HTTPError, *NONSENSE))


_backoff = wait_random_exponential(multiplier=0.3, max=MOST_WAIT_SEC)


def _wait(state: RetryCallState) -> float:
    """What the server asks for (Retry-After, in seconds), else exponential back-off with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, openai.APIStatusError):
        asked = error.response.headers.get("retry-after", "")
        if asked.replace(".", "", 1).isdigit():
            return min(float(asked), MOST_WAIT_SEC)
    return _backoff(state)
