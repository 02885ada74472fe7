"""Which model to call, and how: plain data. The key is a secret and is never stored or shown."""

from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from agents.endpoint import Endpoint

ASK_FOR_TOKENS: dict[str, dict[str, Any]] = {
    "no": {},
    "vllm": {"return_token_ids": True, "logprobs": True},
    "llama.cpp": {"return_tokens": True, "verbose": True, "logprobs": True, "top_logprobs": 1},  # 0: none at all
}
"""What a server must be asked for token ids, log-probabilities and the rendered prompt by, beyond OpenAI's API."""


class Quirks(BaseModel):
    """What a model's chat template does not bear, or wants told; requests are shaped by it (`_quirks.py`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system_role: bool = Field(True, description="false: no system messages; their text goes before the user's first")
    alternating: bool = Field(False, description="true: user and assistant in turn; neighbours of one role are joined")
    template: dict[str, Any] = Field(
        default_factory=dict, description="`chat_template_kwargs` of each request, e.g. {enable_thinking: false}"
    )
    reasoning_tag: str = Field("", pattern=r"^\w*$", description="e.g. think: text in <think>…</think> is no answer")


class ModelConfig(BaseModel):
    """A model behind an OpenAI-compatible endpoint. Prices in US dollars a million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    name: str = Field(description="how Gristmill calls it: in tables, keys and files")
    model: str = Field(description="what the endpoint calls it")
    base_url: str = Field(description="e.g. http://127.0.0.1:8000/v1")
    replicas: tuple[str, ...] = Field((), description="further base URLs that serve the same model")
    weights: str = Field("", description="what `gristmill serve NAME` loads: GGUF file, folder, or a hub's name")
    quirks: Quirks = Quirks()
    tokens: Literal["no", "vllm", "llama.cpp"] = Field(
        "no", description="the kind of server, if it is to give token ids and log-probabilities for RL"
    )
    extra_body: dict[str, Any] = Field(default_factory=dict, description="sent with each request: the server's own")
    api_key: SecretStr | None = None
    tool_calling: str = Field(
        "native", pattern="^(native|json)$", description="json: calls as constrained JSON text, for models without"
    )
    temperature: float = Field(0.2, ge=0)
    max_tokens: int = Field(2048, gt=0, description="of one answer")
    context_length: int = Field(32_768, gt=0)
    concurrency: int = Field(64, gt=0, description="requests at the same time, of all rollouts of one process")
    timeout_sec: float = Field(120.0, gt=0, description="of one request")
    tries: int = Field(5, gt=0, description="of one request, with back-off between them")
    away_sec: float = Field(60.0, ge=0, description="how long servers that cannot be connected to are waited for")
    price_prompt: float = Field(0.0, ge=0)
    price_completion: float = Field(0.0, ge=0)
    billions: float = Field(0.0, ge=0, description="active parameters, 1e9; 0: not known (energy.py)")
    hardware: str = Field("", description="what it runs on: h100 … (energy.py), or nvml to measure; '': not known")

    @cached_property
    def endpoint(self) -> Endpoint:
        """The way to its servers, shared by all rollouts of this configuration, so that load is known."""
        from agents.energy import start_measuring

        start_measuring(self.hardware)  # before the first request
        return Endpoint([self.base_url, *self.replicas], most_at_once=self.concurrency)

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """US dollars of one call."""
        return (prompt_tokens * self.price_prompt + completion_tokens * self.price_completion) / 1e6


LOCAL = ModelConfig(
    name="local",
    model="SmolLM2-135M-Instruct",
    base_url="http://127.0.0.1:0/v1",
    tool_calling="json",
    max_tokens=200,
    context_length=8192,
    tokens="llama.cpp",
    billions=0.135,
    hardware="cpu",
)
"""The small real model on the CPU; `local_model.py` serves it and fills in the address."""
