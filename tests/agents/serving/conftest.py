"""The small model's weights, and questions to what serves it."""

import os
from pathlib import Path

import httpx
import pytest

from agents.errors import ModelUnavailable
from agents.local_model import model_file
from agents.models import ModelConfig
from agents.training.train import dequantised


@pytest.fixture(scope="session")
def weights() -> Path:
    try:
        return model_file()
    except ModelUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def base(weights: Path) -> Path:
    """The small model's weights as a folder, made once and kept where `gristmill` keeps it."""
    pytest.importorskip("peft", reason="make train")
    cache = os.environ.get("GRISTMILL_CACHE") or Path.home() / ".cache" / "gristmill"
    return dequantised(weights, Path(cache))


async def ask(model: ModelConfig, text: str = "Say hello.", *, tokens: int = 8) -> str:
    """The coolest answer, in the way that Gristmill's own client asks."""
    body = {"model": model.model, "messages": [{"role": "user", "content": text}], "max_tokens": tokens}
    async with httpx.AsyncClient(timeout=120) as client:
        answer = await client.post(
            f"{model.base_url}/chat/completions", json={**body, "temperature": 0, **model.extra_body}
        )
    answer.raise_for_status()
    return str(answer.json()["choices"][0]["message"]["content"])
