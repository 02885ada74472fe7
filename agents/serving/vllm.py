"""vLLM (Kwon et al., 2023): `vllm serve`, for GPUs. Its flags: https://docs.vllm.ai/en/latest/cli/serve/

Token ids and log-probabilities come with each answer that asks for them (`tokens: vllm`), adapters by their names.
"""

from collections.abc import Sequence
from typing import ClassVar

from agents.models import ModelConfig
from agents.serving._entries import entry, has_gpu, is_installed, visible_gpus
from agents.serving.config import ServeConfig
from agents.serving.peft import not_peft

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Those that `--max-lora-rank` takes (vllm/config/lora.py); an adapter of a rank between them goes with the next."""


class Vllm:
    kind: ClassVar[str] = "vllm"

    def missing(self, config: ServeConfig) -> list[str]:
        lacks = [] if is_installed("vllm") else ["vLLM is not installed: pip install vllm"]
        lacks += not_peft(config.lora.values())
        return lacks if has_gpu() else [*lacks, "no NVIDIA GPU here; on a CPU take --kind llama.cpp or transformers"]

    def command(self, config: ServeConfig, replica: int, port: int) -> list[str]:
        command = ["vllm", "serve", config.weights, "--served-model-name", config.name]
        command += ["--host", config.host, "--port", str(port), "--max-model-len", str(config.context_length)]
        if config.slots:
            command += ["--max-num-seqs", str(config.slots)]
        if config.gpus > 1:
            command += ["--tensor-parallel-size", str(config.gpus)]
        if config.tool_parser:
            command += ["--enable-auto-tool-choice", "--tool-call-parser", config.tool_parser]
        if config.lora:
            command += ["--enable-lora", "--max-loras", str(len(config.lora))]
            command += ["--max-lora-rank", str(next((each for each in RANKS if each >= config.lora_rank), RANKS[-1]))]
            command += ["--lora-modules", *(f"{name}={path}" for name, path in config.lora.items())]
        return [*command, *config.extra]

    def environment(self, config: ServeConfig, replica: int) -> dict[str, str]:
        return {"VLLM_NO_USAGE_STATS": "1", **visible_gpus(config, replica)}

    def models(self, config: ServeConfig, urls: Sequence[str]) -> list[ModelConfig]:
        return [entry(config, urls, name=name, tokens="vllm") for name in ("", *config.lora)]
