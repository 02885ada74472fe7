"""A LoRA adapter's folder as PEFT writes it: its settings and its numbers, read without PEFT."""

import json
import math
import re
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agents.serving.errors import ServingFault

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."
_PART = re.compile(r"(?P<module>.+)\.lora_(?P<part>[AB])\.weight")
_HEADER = struct.Struct("<Q")


def is_peft(path: Path) -> bool:
    return (path / CONFIG).is_file()


def not_peft(paths: Iterable[Path]) -> list[str]:
    """Those that servers which take PEFT's folders alone cannot take."""
    return [f"{path}: no folder of PEFT's: it has no {CONFIG}" for path in paths if not is_peft(path)]


def settings_of(folder: Path) -> dict[str, Any]:
    """Raises ServingFault."""
    try:
        return dict(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ServingFault(f"{folder / CONFIG}: cannot be read: {error}") from error


def rank_of(folder: Path) -> int:
    """The highest of its modules; 0 where it is not told."""
    if not is_peft(folder):
        return 0
    settings = settings_of(folder)
    ranks = [settings.get("r"), *(settings.get("rank_pattern") or {}).values()]
    return max((rank for rank in ranks if isinstance(rank, int)), default=0)


def scale_of(settings: dict[str, Any], module: str, rank: int) -> float:
    """What PEFT multiplies a module's change by. The keys of `alpha_pattern` are ends of names, or expressions."""
    alpha = float(settings["lora_alpha"])
    for key, own in (settings.get("alpha_pattern") or {}).items():
        if re.fullmatch(rf"(?:.*\.)?(?:{key})", module):
            alpha = float(own)
            break
    return alpha / (math.sqrt(rank) if settings.get("use_rslora") else rank)


def pairs_of(folder: Path) -> dict[str, tuple[Any, Any]]:
    """Module -> A (rank, inputs) and B (outputs, rank), in float32. Raises ServingFault for what is neither."""
    found: dict[str, dict[str, Any]] = {}
    for name, array in _tensors(folder / WEIGHTS).items():
        match = _PART.fullmatch(name.removeprefix(_PREFIX))
        if match is None:
            raise ServingFault(f"{folder}: {name} is no part of a plain LoRA adapter: merge it into the weights")
        found.setdefault(match["module"], {})[match["part"]] = array
    if lonely := [module for module, parts in found.items() if len(parts) != 2]:
        raise ServingFault(f"{folder}: {lonely[0]} has only one of its two matrices")
    if not found:
        raise ServingFault(f"{folder}: it changes nothing")
    return {module: (parts["A"], parts["B"]) for module, parts in found.items()}


def _tensors(file: Path) -> dict[str, Any]:
    """All of a safetensors file, as float32. (The library's numpy reader knows no bfloat16.)

    Format: 8 bytes, the header's length; the header, JSON; the numbers (huggingface.co/docs/safetensors).
    """
    import numpy

    data = file.read_bytes()
    try:
        (length,) = _HEADER.unpack_from(data)
        header = json.loads(data[_HEADER.size : _HEADER.size + length])
        found = {}
        for name, what in header.items():
            if name == "__metadata__":
                continue
            first, last = (_HEADER.size + length + offset for offset in what["data_offsets"])
            found[name] = _numbers(numpy, what["dtype"], data[first:last]).reshape(what["shape"])
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise ServingFault(f"{file}: no safetensors file: {error}") from error
    return found


def _numbers(numpy: Any, kind: str, data: bytes) -> Any:
    if kind == "BF16":  # the upper half of a float32
        return (numpy.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    if kind not in ("F32", "F16"):
        raise ValueError(f"numbers of the kind {kind}")
    return numpy.frombuffer(data, "<f4" if kind == "F32" else "<f2").astype("<f4")
