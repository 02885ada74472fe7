"""Tuned weights as a GGUF file: the base file with other numbers, so that llama.cpp serves it as it served the base.

Names, tokenizer, chat template and all metadata are the base's; a tensor that training left alone keeps its bytes.
"""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.training._libraries import library
from agents.training.errors import TrainingFault

ARCHITECTURES = ("llama",)
"""Those whose tensors are known to be the same numbers in both forms (but for the order of rows, see below)."""


def write_gguf(base: Path, weights: Mapping[str, Any], out: Path) -> None:
    """Write `out` (whole or not at all). `weights`: transformers' names -> arrays of float32 (numpy).

    Changed matrices are quantised as Q8_0 (8.5 bits a weight; the rounding is far below what training changes), or
    F16 where a row is no multiple of 32. Raises TrainingFault for an architecture that cannot be written, or where a
    tensor of the base has no weights of its name and shape.
    """
    gguf = library("gguf")
    reader = gguf.GGUFReader(base)
    architecture = str(value_of(reader, "general.architecture"))
    if architecture not in ARCHITECTURES:
        raise TrainingFault(
            f"{base}: GGUF of the architecture {architecture!r} cannot be written (only {', '.join(ARCHITECTURES)}); "
            "serve the folder of safetensors instead, e.g. with vLLM or `transformers serve`"
        )
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, int(value_of(reader, "llama.block_count")))
    heads = int(value_of(reader, "llama.attention.head_count"))
    heads_kv = int(value_of(reader, "llama.attention.head_count_kv"))
    ours = {names.get_name(name, try_suffixes=(".weight", ".bias")) or name: array for name, array in weights.items()}

    with written_whole(gguf, out, architecture) as writer:
        for field in reader.fields.values():
            if field.name == "general.architecture" or field.name.startswith("GGUF."):
                continue  # the writer's own
            kind = field.types[0]
            inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)
        for tensor in reader.tensors:
            before = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            array = ours.get(tensor.name)
            if array is None or array.shape != before.shape:
                given = "none" if array is None else str(array.shape)
                raise TrainingFault(f"{base}: tensor {tensor.name} has shape {before.shape}; the weights have {given}")
            if tensor.name.endswith(("attn_q.weight", "attn_k.weight")):
                array = in_pairs(array, heads if "attn_q" in tensor.name else heads_kv)
            if abs(array - before).max() < 1e-6:
                writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
                continue
            form = _form(gguf, array)
            writer.add_tensor(tensor.name, gguf.quants.quantize(array, form), raw_dtype=form)


@contextmanager
def written_whole(gguf: Any, out: Path, architecture: str) -> Iterator[Any]:
    """A GGUFWriter; what it was given is at `out` when the block has ended, and nothing is there where it fails."""
    partial = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    writer = gguf.GGUFWriter(partial, architecture)
    try:
        yield writer
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        partial.rename(out)
    finally:
        partial.unlink(missing_ok=True)


def _form(gguf: Any, array: Any) -> Any:
    if array.ndim == 1:
        return gguf.GGMLQuantizationType.F32
    return gguf.GGMLQuantizationType.F16 if array.shape[-1] % 32 else gguf.GGMLQuantizationType.Q8_0


def in_pairs(array: Any, heads: int) -> Any:
    """Rows of a head in llama.cpp's order: rotary pairs are neighbours there, and half a head apart in transformers."""
    rows = array.shape[0] // heads // 2
    return array.reshape(heads, 2, rows, *array.shape[1:]).swapaxes(1, 2).reshape(array.shape)


def value_of(reader: Any, name: str) -> Any:
    """Of the file's metadata. Raises TrainingFault."""
    field = reader.fields.get(name)
    if field is None:
        raise TrainingFault(f"the GGUF file has no {name}")
    return field.contents()
