"""Axolotl: the configuration that lies beside the rows, loaded and tokenized by its own chat_template strategy."""

from pathlib import Path
from typing import Any

from common import Row, learned, load_tokenizer, main, versions


def read(exports: Path, tokenizer_folder: Path) -> list[Row]:
    import yaml
    from axolotl.prompt_strategies import load as load_strategy
    from axolotl.utils.dict import DictDefault
    from datasets import load_dataset

    tokenizer = load_tokenizer(tokenizer_folder)
    settings = yaml.safe_load((exports / "axolotl" / "axolotl.yaml").read_text())
    cfg: Any = DictDefault({**settings, "sequence_len": 100_000, "train_on_inputs": False, "chat_template": None})
    rows: list[Row] = []
    for part in settings["datasets"]:
        data = load_dataset(
            part["ds_type"],
            data_files=str(exports / "axolotl" / part["path"]),
            split="train",
            cache_dir=str(exports / "cache-axolotl"),
        )
        strategy = load_strategy(part["type"], tokenizer, cfg, DictDefault(part))
        made = [strategy.tokenize_prompt(row) for row in data]
        rows += [learned(tokenizer, each["input_ids"], each["labels"]) for each in made]
    return [
        {
            "form": "axolotl",
            "file": "train.jsonl",
            "called": "axolotl.yaml, prompt_strategies.load(chat_template).tokenize_prompt",
            "version": versions("axolotl", "datasets", "transformers"),
            "rows": rows,
        }
    ]


if __name__ == "__main__":
    main(read)
