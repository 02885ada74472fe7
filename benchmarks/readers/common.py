"""What every reader does: take folder, tokenizer and answer file from the command line, and say what was read.

A reader runs in its trainer's own environment, without Gristmill: it may import nothing but the trainer.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("WANDB_MODE", "disabled")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

IGNORED = -100

Row = dict[str, Any]


def versions(*names: str) -> str:
    """`name version` of each package that is installed."""
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def learned(tokenizer: Any, ids: Sequence[int], labels: Sequence[int]) -> Row:
    """`text`: all that the model sees; `trained`: the runs of tokens that are learned, decoded."""
    runs = groupby(zip(ids, labels, strict=True), key=lambda pair: pair[1] != IGNORED)
    trained = [tokenizer.decode([token for token, _ in run]) for is_learned, run in runs if is_learned]
    return {"text": tokenizer.decode(list(ids)), "trained": trained}


def main(read: Callable[[Path, Path], list[Row]]) -> None:
    """`read(folder of the exports, folder of the tokenizer)` gives the readings; they go to the answer file.

    A reading: `form`, `called` (what of the trainer was called), `version`, `rows`, and of each row `text` and
    `trained`, or `fields` where nothing is trained on. `also`: what the trainer's template trains before each turn
    of the assistant, whatever the data.
    """
    exports, tokenizer, answer = map(Path, sys.argv[1:4])
    readings = read(exports, tokenizer)
    answer.write_text(json.dumps(readings))
