"""Weights into a GGUF file and back: the same numbers, in llama.cpp's order of rows."""

from pathlib import Path
from typing import Any

import pytest

from agents.training.errors import TrainingFault
from agents.training.gguf_file import write_gguf

from .conftest import Tiny


def weights_of(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return dict(load_file(folder / "model.safetensors"))


def tensors(file: Path) -> dict[str, Any]:
    import gguf

    reader = gguf.GGUFReader(file)
    return {each.name: gguf.quants.dequantize(each.data, each.tensor_type) for each in reader.tensors}


def test_untouched_weights_keep_their_bytes(tiny: Tiny, tmp_path: Path) -> None:
    write_gguf(tiny.gguf, weights_of(tiny.folder), tmp_path / "same.gguf")
    before, after = tensors(tiny.gguf), tensors(tmp_path / "same.gguf")
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)


def test_changed_weights_arrive_where_they_belong(tiny: Tiny, tmp_path: Path) -> None:
    weights = weights_of(tiny.folder)
    changed = "model.layers.1.self_attn.k_proj.weight"
    weights[changed] = weights[changed].copy()
    weights[changed][1] += 0.5  # second row of the first head: the third in llama.cpp's order
    write_gguf(tiny.gguf, weights, tmp_path / "tuned.gguf")
    before, after = tensors(tiny.gguf), tensors(tmp_path / "tuned.gguf")
    differs = {name for name in before if abs(before[name] - after[name]).max() > 0.01}
    assert differs == {"blk.1.attn_k.weight"}
    moved = abs(before["blk.1.attn_k.weight"] - after["blk.1.attn_k.weight"]).max(axis=1)
    assert [row for row, much in enumerate(moved) if much > 0.1] == [2]


def test_weights_of_another_model_are_refused(tiny: Tiny, tmp_path: Path) -> None:
    weights = weights_of(tiny.folder)
    del weights["model.norm.weight"]
    with pytest.raises(TrainingFault, match=r"output_norm\.weight has shape"):
        write_gguf(tiny.gguf, weights, tmp_path / "broken.gguf")
    assert not list(tmp_path.iterdir()), "nothing half written stays"
