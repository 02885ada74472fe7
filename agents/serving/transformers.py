"""`transformers serve`: a folder of safetensors without conversion, on the CPU too. Slow, for models that are small.

It obeys no `response_format` and gives no token ids, so calls as JSON text are often malformed; and it takes the path
of the weights as the model's name. One answer after the other, with the threads of one request.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from agents.models import ModelConfig
from agents.serving._entries import entry, is_installed, threads_of
from agents.serving.config import ServeConfig
from agents.serving.errors import ServingFault

# What `transformers[serving]` asks for: the extra `train` has the first three, Gristmill itself the others.
NEEDED = ("transformers", "torch", "accelerate", "openai", "uvicorn", "fastapi", "rich")


class Transformers:
    kind: ClassVar[str] = "transformers"

    def missing(self, config: ServeConfig) -> list[str]:
        lacks = [name for name in NEEDED if not is_installed(name)]
        problems = (
            [f"{', '.join(lacks)} not installed: make train (or pip install 'gristmill[train]')"] if lacks else []
        )
        if Path(config.weights).suffix == ".gguf":
            problems.append(f"{config.weights}: transformers serve takes folders of safetensors; --kind llama.cpp does")
        return problems

    def command(self, config: ServeConfig, replica: int, port: int) -> list[str]:
        if config.lora:
            raise ServingFault(
                "transformers serve has no adapters: merge them into the weights, or take --kind llama.cpp or vllm"
            )
        program = Path(sys.executable).with_name("transformers")
        command = [str(program), "serve", config.weights, "--host", config.host, "--port", str(port)]
        return [*command, *config.extra]

    def environment(self, config: ServeConfig, replica: int) -> dict[str, str]:
        offline = {"HF_HUB_OFFLINE": "1"} if Path(config.weights).exists() else {}
        return {**offline, "OMP_NUM_THREADS": str(config.threads or threads_of(config.replicas))}

    def models(self, config: ServeConfig, urls: Sequence[str]) -> list[ModelConfig]:
        return [entry(config, urls, model=config.weights)]
