"""What vLLM and SGLang are told of adapters; they need GPUs, so their commands are all that is tried here."""

from pathlib import Path

import pytest

from agents.serving import ServeConfig, get_server

from .adapters import write_adapter


def command(kind: str, config: ServeConfig) -> str:
    return " ".join(get_server(kind).command(config, 0, 8000))


@pytest.mark.parametrize("rank, told", [(4, 8), (8, 8), (24, 32), (64, 64), (300, 320)])
def test_the_rank_is_that_of_the_adapters(tmp_path: Path, rank: int, told: int) -> None:
    """vLLM takes some ranks alone: an adapter of another needs the next; SGLang takes any."""
    adapters = {"a": write_adapter(tmp_path / "a", {}, r=2, rank_pattern={"q_proj": rank})}
    config = ServeConfig(name="coder", weights="/models/coder", lora=adapters)
    assert f"--max-loras 1 --max-lora-rank {told} --lora-modules a={tmp_path}/a" in command("vllm", config)
    assert f"--max-lora-rank {rank} " in command("sglang", config)
    more = config.model_copy(update={"max_lora_rank": 128})
    assert "--max-lora-rank 128 " in command("vllm", more) and "--max-lora-rank 128 " in command("sglang", more)


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
def test_what_is_no_folder_of_pefts_is_told(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    config = ServeConfig(name="coder", weights="/models/coder", lora={"a": tmp_path / "a.gguf"})
    assert any("a.gguf: no folder of PEFT's" in said for said in get_server(kind).missing(config))
