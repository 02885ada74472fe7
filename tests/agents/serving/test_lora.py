"""Adapters of PEFT's beside the small model: written as llama.cpp wants them, and each asked for by its name."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.serving import Fleet, ServeConfig
from agents.serving.errors import ServingFault
from agents.serving.lora import Base, write_lora_gguf
from agents.serving.peft import scale_of

from .adapters import noise, write_adapter, write_safetensors, write_tiny_base
from .conftest import ask

pytest.importorskip("gguf", reason="gguf is not installed: make train")

WIDTH, INNER, HEADS = 8, 12, 2  # of the tiny base
DOWN, QUERY = "model.layers.0.mlp.down_proj", "model.layers.0.self_attn.q_proj"


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return Base.read(write_tiny_base(tmp_path / "base" / "base.gguf"))


def changes(file: Path) -> dict[str, Any]:
    """What the adapter adds to each tensor, as llama.cpp reckons it."""
    import gguf

    reader = gguf.GGUFReader(file)
    alpha = float(reader.fields["adapter.lora.alpha"].contents())
    found = {each.name: gguf.quants.dequantize(each.data, each.tensor_type) for each in reader.tensors}
    return {
        name.removesuffix(".lora_a"): alpha / a.shape[0] * found[name.removesuffix("a") + "b"] @ a
        for name, a in found.items()
        if name.endswith(".lora_a")
    }


def test_what_is_added_is_what_peft_adds(base: Base, tmp_path: Path) -> None:
    down = noise(4, INNER, seed=1, size=1), noise(WIDTH, 4, seed=2, size=1)
    query = noise(8, WIDTH, seed=3, size=1), noise(WIDTH, 8, seed=4, size=1)
    adapter = write_adapter(tmp_path / "a", {DOWN: down, QUERY: query}, alpha_pattern={"q_proj": 32})
    write_lora_gguf(base, adapter, tmp_path / "a.gguf")
    found = changes(tmp_path / "a.gguf")
    assert found.keys() == {"blk.0.ffn_down.weight", "blk.0.attn_q.weight"}
    assert abs(found["blk.0.ffn_down.weight"] - 8 / 4 * down[1] @ down[0]).max() < 1e-4
    wanted = 32 / 8 * query[1] @ query[0]
    rows = found["blk.0.attn_q.weight"]
    half = WIDTH // HEADS // 2
    # Rotary pairs are neighbours in llama.cpp and half a head apart in transformers.
    assert abs(rows[0] - wanted[0]).max() < 1e-3 and abs(rows[1] - wanted[half]).max() < 1e-3
    assert abs(rows[2 * half] - wanted[2 * half]).max() < 1e-3  # the second head's first row


@pytest.mark.parametrize(
    "settings, scale",
    [({}, 8 / 4), ({"use_rslora": True}, 8 / 2), ({"alpha_pattern": {"down_proj": 1}}, 1 / 4),
     ({"alpha_pattern": {r"layers\.\d\.mlp\.down_proj": 2}}, 2 / 4), ({"alpha_pattern": {"proj": 1}}, 8 / 4)],
)  # fmt: skip
def test_its_scale_is_pefts(settings: dict[str, Any], scale: float) -> None:
    assert scale_of({"lora_alpha": 8, **settings}, DOWN, rank=4) == scale


def test_an_architecture_whose_rows_lie_otherwise_is_refused(tmp_path: Path) -> None:
    other = write_tiny_base(tmp_path / "other.gguf", architecture="mamba")
    with pytest.raises(ServingFault, match=r"'mamba' cannot be written .*convert_lora_to_gguf\.py"):
        Base.read(other)


def test_numbers_of_two_bytes_are_read(base: Base, tmp_path: Path) -> None:
    """PEFT saves bfloat16 where it trained so: the upper half of a float32."""
    a, b = noise(4, INNER, seed=1, size=1), noise(WIDTH, 4, seed=2, size=1)
    adapter = write_adapter(tmp_path / "a", {DOWN: (a, b)})
    halves = {name: (array.view("<u4") >> 16).astype("<u2").tobytes() for name, array in (("A", a), ("B", b))}
    header = {
        f"base_model.model.{DOWN}.lora_{part}.weight": {"dtype": "BF16", "shape": shape, "data_offsets": span}
        for part, shape, span in (
            ("A", a.shape, [0, len(halves["A"])]),
            ("B", b.shape, [len(halves["A"]), len(halves["A"]) + len(halves["B"])]),
        )
    }
    text = json.dumps(header).encode()
    (adapter / "adapter_model.safetensors").write_bytes(
        len(text).to_bytes(8, "little") + text + halves["A"] + halves["B"]
    )
    write_lora_gguf(base, adapter, tmp_path / "a.gguf")
    assert abs(changes(tmp_path / "a.gguf")["blk.0.ffn_down.weight"] - 2 * b @ a).max() < 0.3


@pytest.mark.parametrize(
    "parts, settings, said",
    [
        ({DOWN: (4, 7, WIDTH)}, {}, "belongs to another model"),
        ({"model.layers.1.mlp.down_proj": (4, INNER, WIDTH)}, {}, "is not there"),
        ({"lm_head": (4, WIDTH, 20)}, {}, "changes embeddings"),  # tied: the base has no head of its own
        ({DOWN: (4, INNER, WIDTH)}, {"use_dora": True}, "use_dora is set; llama.cpp takes plain LoRA alone"),
        ({DOWN: (4, INNER, WIDTH)}, {"peft_type": "IA3"}, "of the kind IA3"),
        ({DOWN: (4, INNER, WIDTH)}, {"lora_alpha": None}, "lora_alpha is no number"),
        ({}, {}, "it changes nothing"),
    ],
)
def test_what_llama_cpp_cannot_take_is_refused(
    base: Base, tmp_path: Path, parts: dict[str, tuple[int, int, int]], settings: dict[str, Any], said: str
) -> None:
    made = {
        module: (noise(rank, inputs, seed=1, size=1), noise(outputs, rank, seed=2, size=1))
        for module, (rank, inputs, outputs) in parts.items()
    }
    adapter = write_adapter(tmp_path / "a", made, **settings)
    with pytest.raises(ServingFault, match=said):
        write_lora_gguf(base, adapter, tmp_path / "a.gguf")
    assert not list(tmp_path.glob("*.gguf")) and not list(tmp_path.glob(".*.partial"))


def test_parts_beside_the_two_matrices_are_refused(base: Base, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "a", {})
    name = f"base_model.model.{DOWN}.lora_magnitude_vector.weight"
    write_safetensors(adapter / "adapter_model.safetensors", {name: noise(1, 4, seed=1, size=1)})
    with pytest.raises(ServingFault, match="lora_magnitude_vector"):
        write_lora_gguf(base, adapter, tmp_path / "a.gguf")
    (adapter / "adapter_model.safetensors").write_bytes(b"no such thing")
    with pytest.raises(ServingFault, match="no safetensors file"):
        write_lora_gguf(base, adapter, tmp_path / "a.gguf")


async def test_each_adapter_answers_by_its_name_and_the_model_stays_itself(weights: Path, tmp_path: Path) -> None:
    """One that adds nothing answers as the model does, one of noise does not; asked in turn, nobody takes another's."""
    width, inner = 576, 1536
    layers = [f"model.layers.{number}.mlp.down_proj" for number in range(30)]
    a = noise(4, inner, seed=1, size=0.05)
    still = write_adapter(tmp_path / "still", {name: (a, noise(width, 4, seed=2, size=0)) for name in layers})
    wild = write_adapter(tmp_path / "wild", {name: (a, noise(width, 4, seed=2, size=2)) for name in layers})
    config = ServeConfig(
        name="small", weights=str(weights), lora={"still": still, "wild": wild}, context_length=512, slots=2
    )
    async with Fleet(config) as fleet:
        base, same, other = fleet.models
        first = await ask(base)
        assert await ask(other) != first
        assert await ask(base) == first  # nothing that was computed for the adapter serves the model
        assert await ask(same) == first == await ask(base)


@pytest.mark.slow
async def test_an_adapter_of_another_model_is_told_by_the_server(weights: Path, tmp_path: Path) -> None:
    parts = {DOWN: (noise(4, 9, seed=1, size=1), noise(9, 4, seed=2, size=1))}
    config = ServeConfig(name="small", weights=str(weights), lora={"a": write_adapter(tmp_path / "a", parts)})
    with pytest.raises(ServingFault, match="the adapter belongs to another model"):
        async with Fleet(config):
            pass


def test_a_folder_without_weights_is_told_before_anything_starts(weights: Path, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "a", {})
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(ServingFault, match=r"it has no adapter_model\.safetensors"):
        Fleet(ServeConfig(name="small", weights=str(weights), lora={"a": adapter}))
