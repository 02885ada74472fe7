"""A language model behind any OpenAI-compatible chat server: one question, one answer, its tokens and its price.

Faults that pass (429, 5xx, lost connections, answers that are no chat completion) are tried again with back-off, a
bounded number of times; all others are told at once. With `answers`, what was answered is kept by question: the same
run asks once, also after a kill, and gives the same bytes.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

import httpx
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from tasks._scratch import write_at_once
from tasks.errors import TaskFault

MOST_WAIT_SEC = 30.0
PASSING = {408, 409, 425, 429}  # and all of 5xx
REFUSING = {400, 413, 422}  # this question, perhaps not the next one: too long, mostly
SHOWN_OF_ANSWER = 500


class LmFault(TaskFault):
    """The model's server gives no usable answer; the message names the URL, the fault and what to do."""


class LmRefused(LmFault):
    """The server refuses this one question, as when it is longer than the model's context."""


class LmConfig(BaseModel):
    """Which model to ask, and how. Prices in US dollars a million tokens. The key is never written anywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    base_url: str = Field(description="e.g. http://127.0.0.1:8000/v1")
    model: str = Field(description="what the server calls it")
    api_key: SecretStr | None = Field(None, exclude=True, repr=False)
    temperature: float = Field(0.8, ge=0)
    max_tokens: int = Field(2048, gt=0, description="of one answer")
    seed: int = 0
    timeout_sec: float = Field(120.0, gt=0, description="of one request")
    tries: int = Field(5, gt=0, description="of one request, with back-off between them")
    at_once: int = Field(2, gt=0, description="requests at the same time")
    most_questions: int | None = Field(None, gt=0, description="of one generator; None: until all functions are asked")
    price_prompt: float = Field(0.0, ge=0)
    price_completion: float = Field(0.0, ge=0)
    answers: Path | None = Field(None, exclude=True, description="folder that keeps answers by question")


class Reply(BaseModel):
    """What the model answered. `cost_usd`: of this answer, also when it was kept and not asked for again."""

    model_config = ConfigDict(frozen=True)

    text: str
    is_cut: bool = Field(False, description="the limit of tokens ended it")
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float

    @property
    def details(self) -> dict[str, Any]:
        """For a task's provenance."""
        return self.model_dump(include={"model", "prompt_tokens", "completion_tokens", "cost_usd"})


class Spent(BaseModel):
    """Sum of all answers, those of no use included."""

    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0


class _PassingFault(Exception):
    """May be gone at the next try; `wait_sec` is what the server asks for."""

    def __init__(self, message: str, wait_sec: float | None = None) -> None:
        super().__init__(message)
        self.wait_sec = wait_sec


class LmClient:
    """Asks; may be used by several threads at once. A context manager: it holds connections."""

    def __init__(self, config: LmConfig) -> None:
        self.config = config
        self.spent = Spent()
        self._lock = Lock()
        key = config.api_key.get_secret_value() if config.api_key else ""
        self._http = httpx.Client(
            timeout=config.timeout_sec, headers={"Authorization": f"Bearer {key}"} if key else {}, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def ask(self, prompt: str, *, number: int = 0, schema: Mapping[str, Any] | None = None) -> Reply:
        """One user message, one answer. `number` is added to the seed: the same question again, another answer.

        `schema`: of the JSON that the answer shall be, for servers that hold a model to one.

        Raises LmRefused for this question alone, LmFault where no other will be answered either.
        """
        question = {
            "model": self.config.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": self.config.temperature,
            "max_tokens": self.config.max_tokens,
            "seed": (self.config.seed + number) % 2**31,
        }
        if schema is not None:
            question["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        reply = self._kept(question)
        if reply is None:
            reply = self._tried(question)
            self._keep(question, reply)
        with self._lock:
            self.spent.replies += 1
            self.spent.prompt_tokens += reply.prompt_tokens
            self.spent.completion_tokens += reply.completion_tokens
            self.spent.cost_usd += reply.cost_usd
        return reply

    def _tried(self, question: dict[str, Any]) -> Reply:
        retrying = Retrying(
            retry=retry_if_exception_type(_PassingFault),
            stop=stop_after_attempt(self.config.tries),
            wait=_wait,
            reraise=True,
        )
        try:
            reply: Reply = retrying(self._asked, question)
        except _PassingFault as fault:
            raise LmFault(
                f"{self._name}: no usable answer in {self.config.tries} tries; the last: {fault}. "
                "Is the server up, and is this its address?"
            ) from fault
        return reply

    def _asked(self, question: dict[str, Any]) -> Reply:
        url = f"{self.config.base_url.rstrip('/')}/chat/completions"
        try:
            response = self._http.post(url, json=question)
        except httpx.UnsupportedProtocol as error:
            raise LmFault(f"{self._name}: {error}; give a whole URL, as http://127.0.0.1:8000/v1") from error
        except httpx.TransportError as error:
            raise _PassingFault(f"{type(error).__name__}: {error}") from error
        status, said = response.status_code, response.text[:SHOWN_OF_ANSWER]
        if status in PASSING or status >= 500:
            raise _PassingFault(f"status {status}: {said}", _seconds(response.headers.get("retry-after", "")))
        if status in REFUSING:
            raise LmRefused(f"{self._name} refuses the question with status {status}: {said}")
        if status != 200:
            raise LmFault(f"{self._name} answers with status {status}: {said}. Check the address, the model, the key")
        return self._read(response)

    def _read(self, response: httpx.Response) -> Reply:
        """Raises _PassingFault for an answer that is no chat completion."""
        try:
            answer = _Answer.model_validate_json(response.content)
        except ValidationError as error:
            raise _PassingFault(f"no chat completion ({error.error_count()} faults): {response.text[:200]}") from error
        choice = answer.choices[0]
        if answer.usage is None and (self.config.price_prompt or self.config.price_completion):
            raise LmFault(f"{self._name} tells no `usage`, so that no cost can be counted; set its prices to 0")
        usage = answer.usage or _Usage()
        prices = self.config.price_prompt, self.config.price_completion
        return Reply(
            text=choice.message.content or "",
            is_cut=choice.finish_reason == "length",
            model=self.config.model,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cost_usd=(usage.prompt_tokens * prices[0] + usage.completion_tokens * prices[1]) / 1e6,
        )

    def _kept(self, question: dict[str, Any]) -> Reply | None:
        file = self._file(question)
        return Reply.model_validate_json(file.read_bytes()) if file and file.is_file() else None

    def _keep(self, question: dict[str, Any], reply: Reply) -> None:
        if file := self._file(question):
            write_at_once(file, reply.model_dump_json().encode())

    def _file(self, question: dict[str, Any]) -> Path | None:
        """By the question and not by the address, which is another one at each start of a local server."""
        if self.config.answers is None:
            return None
        return self.config.answers / f"{sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:32]}.json"

    @property
    def _name(self) -> str:
        return f"{self.config.model} at {self.config.base_url}"


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(0, ge=0)
    completion_tokens: int = Field(0, ge=0)


class _Answer(BaseModel):
    """What is read of a chat completion."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


def render_prompt(name: str, **context: object) -> str:
    """A file of tasks/prompts with its variables filled in."""
    pages = Environment(
        loader=PackageLoader("tasks", "prompts"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return pages.get_template(name).render(**context).strip() + "\n"


_backoff = wait_random_exponential(multiplier=0.3, max=MOST_WAIT_SEC)


def _wait(state: RetryCallState) -> float:
    """What the server asks for, else exponential back-off with jitter."""
    fault = state.outcome.exception() if state.outcome else None
    if isinstance(fault, _PassingFault) and fault.wait_sec is not None:
        return min(fault.wait_sec, MOST_WAIT_SEC)
    return _backoff(state)


def _seconds(text: str) -> float | None:
    """Retry-After in seconds; as a date it is not heeded."""
    return float(text) if text.replace(".", "", 1).isdigit() else None
