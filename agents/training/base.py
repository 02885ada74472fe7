"""A model's GGUF file as float32 safetensors with its tokenizer: made once, kept in the cache.

transformers loads GGUF slowly, and llama.cpp trains nothing; from here on both work on the same weights.
"""

import hashlib
import shutil
import uuid
from pathlib import Path
from typing import Any

from agents.training._libraries import library
from agents.training.errors import TrainingFault

FOLDER = "base-models"
DIGITS_APART = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b")
"""Values of `tokenizer.ggml.pre` for which llama.cpp splits digits off before anything else.

transformers reads the vocabulary and not this, so that `Result:\\n     1` came to other tokens than the server's.
"""


def base_folder(weights: Path, cache: Path) -> Path:
    """Where the safetensors of this GGUF file lie, or will; named after its content."""
    try:
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TrainingFault(f"{weights}: cannot be read: {error.strerror}") from error
    return cache / FOLDER / f"{weights.stem}-{digest[:12]}"


def prepare_base(weights: Path, cache: Path) -> Path:
    """The folder with config.json, model.safetensors and the tokenizer; appears whole, by a rename.

    Raises TrainingFault where torch and transformers are missing, or the file cannot be dequantised.
    """
    folder = base_folder(weights, cache)
    if folder.is_dir():
        return folder
    torch, transformers = library("torch"), library("transformers")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
        _split_as_llama_cpp(tokenizer, weights)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            weights.parent, gguf_file=weights.name, dtype=torch.float32
        )
        _as_plain(model)
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        try:
            partial.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first: the same bytes
                raise
    except (OSError, ValueError, KeyError, NotImplementedError) as error:
        raise TrainingFault(
            f"{weights}: cannot be dequantised: {type(error).__name__}: {str(error).splitlines()[0]}"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _split_as_llama_cpp(tokenizer: Any, weights: Path) -> None:
    pre_tokenizers = library("tokenizers").pre_tokenizers
    field = library("gguf").GGUFReader(weights).fields.get("tokenizer.ggml.pre")
    if field is not None and field.contents() in DIGITS_APART:
        inner = tokenizer.backend_tokenizer
        digits = pre_tokenizers.Digits(individual_digits=True)
        inner.pre_tokenizer = pre_tokenizers.Sequence([digits, inner.pre_tokenizer])


def _as_plain(model: object) -> None:
    """Forget that it came from GGUF, which transformers would refuse to save."""
    for name in ("hf_quantizer", "quantization_method", "is_quantized"):
        if hasattr(model, name):
            delattr(model, name)
    config = getattr(model, "config", None)
    if config is not None and hasattr(config, "quantization_config"):
        del config.quantization_config
