"""What the kinds of servers share: entries of the registry of models, GPUs and cores shared out to replicas."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agents.models import ModelConfig
from agents.serving.config import ServeConfig


def entry(config: ServeConfig, urls: Sequence[str], *, name: str = "", **changes: Any) -> ModelConfig:
    """The served model (or adapter `name`) as Gristmill calls it."""
    fields: dict[str, Any] = {
        "name": name or config.name,
        "model": name or config.name,
        "base_url": urls[0],
        "replicas": tuple(urls[1:]),
        "tool_calling": config.calls,
        "context_length": config.context_length,
        "max_tokens": min(2048, config.context_length // 2),
    }
    return ModelConfig.model_validate({**fields, **changes})


def visible_gpus(config: ServeConfig, replica: int) -> dict[str, str]:
    """Each of several replicas gets GPUs of its own; a single one takes what it finds."""
    if config.replicas == 1:
        return {}
    first = replica * config.gpus
    return {"CUDA_VISIBLE_DEVICES": ",".join(str(number) for number in range(first, first + config.gpus))}


def has_gpu() -> bool:
    """Whether NVIDIA's driver is loaded."""
    return Path("/proc/driver/nvidia/version").exists()


def is_installed(module: str) -> bool:
    return find_spec(module) is not None


def threads_of(replicas: int) -> int:
    """Of a replica on the CPU, with a core left for what else runs.

    llama.cpp's threads wait for each other many times a token, spinning: where one of them does not get its core, all
    stand still (seen on two busy cores: no answer of two threads in five minutes, where one thread went on).
    """
    return max(1, ((os.cpu_count() or 1) - 1) // replicas)
