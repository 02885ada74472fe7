"""SGLang (Zheng et al., 2024): `python -m sglang.launch_server`, for GPUs.

Its flags: https://docs.sglang.io/advanced_features/server_arguments.html. An adapter is asked for as `MODEL:ADAPTER`.
"""

import sys
from collections.abc import Sequence
from typing import ClassVar

from agents.models import ModelConfig
from agents.serving._entries import entry, has_gpu, is_installed, visible_gpus
from agents.serving.config import ServeConfig
from agents.serving.peft import not_peft


class Sglang:
    kind: ClassVar[str] = "sglang"

    def missing(self, config: ServeConfig) -> list[str]:
        lacks = [] if is_installed("sglang") else ["SGLang is not installed: pip install 'sglang[all]'"]
        lacks += not_peft(config.lora.values())
        return lacks if has_gpu() else [*lacks, "no NVIDIA GPU here; on a CPU take --kind llama.cpp or transformers"]

    def command(self, config: ServeConfig, replica: int, port: int) -> list[str]:
        command = [sys.executable, "-m", "sglang.launch_server", "--model-path", config.weights]
        command += ["--served-model-name", config.name, "--host", config.host, "--port", str(port)]
        command += ["--context-length", str(config.context_length)]
        if config.slots:
            command += ["--max-running-requests", str(config.slots)]
        if config.gpus > 1:
            command += ["--tp-size", str(config.gpus)]
        if config.tool_parser:
            command += ["--tool-call-parser", config.tool_parser]
        if config.lora:
            command += ["--enable-lora", "--max-loras-per-batch", str(len(config.lora))]
            command += ["--max-lora-rank", str(config.lora_rank)]
            command += ["--lora-paths", *(f"{name}={path}" for name, path in config.lora.items())]
        return [*command, *config.extra]

    def environment(self, config: ServeConfig, replica: int) -> dict[str, str]:
        return visible_gpus(config, replica)

    def models(self, config: ServeConfig, urls: Sequence[str]) -> list[ModelConfig]:
        adapters = [entry(config, urls, name=name, model=f"{config.name}:{name}") for name in config.lora]
        return [entry(config, urls), *adapters]
