"""A LoRA adapter as PEFT writes it (Hu et al., "LoRA", 2021) as the GGUF file that llama.cpp takes beside its base.

An adapter is two thin matrices a linear module, A (rank, inputs) and B (outputs, rank): it adds `scale * B @ A` to the
module's weights. llama.cpp's scale is alpha / rank, the same for all modules but for their ranks; PEFT's may differ by
module (`alpha_pattern`) and by form (`use_rslora`: Kalajdzievski, 2023), so what differs is put into B.
"""

from dataclasses import dataclass
from pathlib import Path

from agents.serving.errors import ServingFault
from agents.serving.peft import WEIGHTS, pairs_of, scale_of, settings_of


def problems_of(folder: Path) -> list[str]:
    """Why this folder of PEFT's cannot be written as GGUF, as far as its settings tell."""
    try:
        settings = settings_of(folder)
    except ServingFault as fault:
        return [str(fault)]
    if not (folder / WEIGHTS).is_file():
        return [f"{folder}: it has no {WEIGHTS}"]
    refused = {name: settings.get(name) for name in ("use_dora", "alora_invocation_tokens", "fan_in_fan_out")}
    kinds = [f"{name} is set" for name, value in refused.items() if value]
    if (kind := settings.get("peft_type")) != "LORA":
        kinds = [f"it is of the kind {kind}"]
    elif not isinstance(settings.get("lora_alpha"), (int, float)) or not settings["lora_alpha"]:
        kinds.append("lora_alpha is no number, or 0")
    return [f"{folder}: {what}; llama.cpp takes plain LoRA alone: merge it into the weights" for what in kinds]


@dataclass(frozen=True)
class Base:
    """What an adapter must fit: names and shapes (rows, columns) of a GGUF file's tensors, and its heads."""

    file: Path
    architecture: str
    blocks: int
    heads: int
    heads_kv: int
    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def read(cls, file: Path) -> "Base":
        """Takes a second or two for a large vocabulary. Raises ServingFault for an architecture that is not known."""
        from agents.training._libraries import library
        from agents.training.errors import TrainingFault
        from agents.training.gguf_file import ARCHITECTURES, value_of

        try:
            reader = library("gguf").GGUFReader(file)
            architecture = str(value_of(reader, "general.architecture"))
            if architecture not in ARCHITECTURES:
                raise ServingFault(
                    f"{file}: adapters of the architecture {architecture!r} cannot be written (only "
                    f"{', '.join(ARCHITECTURES)}): convert them by llama.cpp's convert_lora_to_gguf.py, give GGUF files"
                )
            return cls(
                file,
                architecture,
                blocks=int(value_of(reader, f"{architecture}.block_count")),
                heads=int(value_of(reader, f"{architecture}.attention.head_count")),
                heads_kv=int(value_of(reader, f"{architecture}.attention.head_count_kv")),
                shapes={tensor.name: tuple(int(size) for size in reversed(tensor.shape)) for tensor in reader.tensors},
            )
        except TrainingFault as fault:
            raise ServingFault(str(fault)) from fault


def write_lora_gguf(base: Base, folder: Path, out: Path) -> None:
    """Write `out` (whole or not at all) from PEFT's folder.

    Raises ServingFault for a part that is no plain LoRA, and for another model's adapter.
    """
    import gguf

    from agents.training.gguf_file import in_pairs, written_whole

    if problems := problems_of(folder):
        raise ServingFault("; ".join(problems))
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, base.blocks)
    settings = settings_of(folder)
    alpha = float(settings["lora_alpha"])
    with written_whole(gguf, out, base.architecture) as writer:
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
        for module, (a, b) in sorted(pairs_of(folder).items()):
            name = names.get_name(f"{module}.weight", try_suffixes=(".weight",))
            if name is None or base.shapes.get(name) != (b.shape[0], a.shape[1]):
                there = f"has the shape {base.shapes[name]}" if name in base.shapes else "is not there"
                raise ServingFault(
                    f"{folder}: it changes {module} of shape {(b.shape[0], a.shape[1])}, which {there} in {base.file}: "
                    "the adapter belongs to another model, or changes embeddings, which llama.cpp's adapters cannot"
                )
            if name.endswith(("attn_q.weight", "attn_k.weight")):
                b = in_pairs(b, base.heads if "attn_q" in name else base.heads_kv)
            rank = a.shape[0]
            b = b * (scale_of(settings, module, rank) / (alpha / rank))
            writer.add_tensor(f"{name}.lora_a", a)
            writer.add_tensor(f"{name}.lora_b", b.astype("float32"))
