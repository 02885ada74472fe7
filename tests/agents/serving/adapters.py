"""Small LoRA adapters as PEFT would write them, of numbers of our own."""

import json
from pathlib import Path
from typing import Any

import numpy


def write_adapter(folder: Path, parts: dict[str, tuple[Any, Any]], **settings: object) -> Path:
    """`parts`: a linear module's name in transformers -> A (rank, inputs) and B (outputs, rank)."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"peft_type": "LORA", "lora_alpha": 8, "r": 4, **settings}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    tensors = {}
    for module, (a, b) in parts.items():
        tensors[f"base_model.model.{module}.lora_A.weight"] = a
        tensors[f"base_model.model.{module}.lora_B.weight"] = b
    write_safetensors(folder / "adapter_model.safetensors", tensors)
    return folder


def write_safetensors(file: Path, tensors: dict[str, Any]) -> None:
    header, data = {}, b""
    for name, array in tensors.items():
        content = numpy.ascontiguousarray(array, "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)


def noise(rows: int, columns: int, *, seed: int, size: float) -> Any:
    return numpy.random.default_rng(seed).normal(0, size, (rows, columns)).astype("float32")


def write_tiny_base(file: Path, *, architecture: str = "llama") -> Path:
    """A GGUF file with what adapters change, of one layer: width 8, two heads, one of keys, inner width 12."""
    import gguf

    file.parent.mkdir(exist_ok=True)
    writer = gguf.GGUFWriter(file, architecture)
    writer.add_block_count(1)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    for name, shape in (("attn_q", (8, 8)), ("attn_k", (4, 8)), ("ffn_down", (8, 12))):
        writer.add_tensor(f"blk.0.{name}.weight", noise(*shape, seed=0, size=1))
    writer.add_tensor("token_embd.weight", noise(20, 8, seed=0, size=1))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
