"""Which model to call, and how: plain data. The key is a secret and is never stored or shown."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ModelConfig(BaseModel):
    """A model behind an OpenAI-compatible endpoint. Prices in US dollars a million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    name: str = Field(description="how Gristmill calls it: in tables, keys and files")
    model: str = Field(description="what the endpoint calls it")
    base_url: str = Field(description="e.g. http://127.0.0.1:8000/v1")
    api_key: SecretStr | None = None
    tool_calling: str = Field(
        "native", pattern="^(native|json)$", description="json: calls as constrained JSON text, for models without"
    )
    temperature: float = Field(0.2, ge=0)
    max_tokens: int = Field(2048, gt=0, description="of one answer")
    context_length: int = Field(32_768, gt=0)
    timeout_sec: float = Field(120.0, gt=0, description="of one request")
    tries: int = Field(5, gt=0, description="of one request, with back-off between them")
    price_prompt: float = Field(0.0, ge=0)
    price_completion: float = Field(0.0, ge=0)

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
)
"""The small real model on the CPU; `local_model.py` serves it and fills in the address."""
