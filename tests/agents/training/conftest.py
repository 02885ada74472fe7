"""A tiny model with random weights, as safetensors and as GGUF, and rows to train it on: real parts, few seconds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Tiny:
    """`folder`: safetensors and tokenizer; `gguf`: the same weights."""

    folder: Path
    gguf: Path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A Llama of two layers, its vocabulary the bytes. Grouped heads, as the order of their rows is what goes wrong."""
    for name in ("torch", "gguf"):
        pytest.importorskip(name, reason="make train")
    import gguf
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny") / "base"
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=288,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        initializer_range=0.2,  # large enough that LoRA alone can move what comes out
    )
    model = LlamaForCausalLM(config).float()
    model.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)

    file = folder.parent / "base.gguf"
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_block_count(2)
    writer.add_context_length(256)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-6)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        array = tensor.numpy()
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            heads = 4 if "q_proj" in name else 2
            # As llama.cpp's own converter orders the rows of a head.
            array = array.reshape(heads, 2, array.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(array.shape)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)) or name, array.copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return Tiny(folder, file)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(letters)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|im_end|>", pad_token="<|pad|>")


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight rows of a `tokens` export: a prompt that is not learned, then `42 42 42`."""
    import pyarrow as pa
    import pyarrow.parquet

    file = tmp_path_factory.mktemp("rows") / "train.parquet"
    ids = [[7, number, 9, 42, 42, 42] for number in range(8)]
    labels = [[-100, -100, -100, 42, 42, 42] for _ in range(8)]
    pyarrow.parquet.write_table(pa.table({"input_ids": ids, "labels": labels}), file)
    return file
