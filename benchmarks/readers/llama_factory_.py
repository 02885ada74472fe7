"""LLaMA-Factory: `get_dataset`, which loads by dataset_info.json, converts, and tokenizes by the qwen template."""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from common import Row, learned, main, versions

# LLaMA-Factory imports it for sound alone, and it comes with a build for GPUs.
sys.modules["torchaudio"] = ModuleType("torchaudio")
sys.modules["torchaudio"].__spec__ = ModuleSpec("torchaudio", None)


def read(exports: Path, tokenizer_folder: Path) -> list[Row]:
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    model_args, data_args, training_args, _, _ = get_train_args(
        {
            "model_name_or_path": str(tokenizer_folder),
            "stage": "sft",
            "do_train": True,
            "dataset": "gristmill_train",
            "dataset_dir": str(exports / "llama-factory"),
            "template": "qwen",
            "cutoff_len": 100_000,
            "output_dir": str(exports / "trained"),
            "cache_dir": str(exports / "cache-llama-factory"),
            "overwrite_cache": True,
            "report_to": "none",
            "use_cpu": True,
            "preprocessing_num_workers": 1,
        }
    )
    loaded = load_tokenizer(model_args)
    tokenizer: Any = loaded["tokenizer"]
    template = get_template_and_fix_tokenizer(tokenizer, data_args)
    rows = get_dataset(template, model_args, data_args, training_args, stage="sft", **loaded)["train_dataset"]
    return [
        {
            "form": "llama-factory",
            "file": "train.jsonl",
            "called": "get_dataset (sft), template qwen",
            "version": versions("llamafactory", "datasets", "transformers"),
            "rows": [learned(tokenizer, row["input_ids"], row["labels"]) for row in rows],
        }
    ]


if __name__ == "__main__":
    main(read)
