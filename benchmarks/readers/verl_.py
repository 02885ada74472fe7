"""verl: RLHFDataset of its own form, and MultiTurnSFTDataset of the form of TRL."""

from pathlib import Path
from typing import Any

from common import IGNORED, Row, learned, load_tokenizer, main, versions


def read(exports: Path, tokenizer_folder: Path) -> list[Row]:
    tokenizer = load_tokenizer(tokenizer_folder)
    return [_prompts(exports, tokenizer), _sft(exports, tokenizer)]


def _prompts(exports: Path, tokenizer: Any) -> Row:
    from omegaconf import OmegaConf
    from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

    config = OmegaConf.create(
        {"max_prompt_length": 100_000, "cache_dir": str(exports / "cache-verl"), "return_raw_chat": True}
    )
    data = RLHFDataset(str(exports / "verl" / "train.parquet"), tokenizer, config)
    made = [data[at] for at in range(len(data))]
    collate_fn(made)
    rows = [
        {
            "fields": {
                "prompt": list(row["raw_prompt"]),
                "data_source": row["data_source"],
                "ground_truth": row["reward_model"]["ground_truth"],
                "text": tokenizer.apply_chat_template(
                    list(row["raw_prompt"]), tokenize=False, add_generation_prompt=True
                ),
            }
        }
        for row in made
    ]
    return {
        "form": "verl",
        "file": "train.parquet",
        "called": "RLHFDataset, collate_fn",
        "version": versions("verl", "datasets", "transformers"),
        "rows": rows,
    }


def _sft(exports: Path, tokenizer: Any) -> Row:
    from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset

    data = MultiTurnSFTDataset(
        [str(exports / "trl-json" / "train.parquet")],
        tokenizer,
        {"max_length": 100_000, "pad_mode": "no_padding", "tools_key": "no-tools"},
    )
    rows = []
    for at in range(len(data)):
        made = data[at]
        ids, mask = made["input_ids"].tolist(), made["loss_mask"].tolist()
        rows.append(learned(tokenizer, ids, [token if on else IGNORED for token, on in zip(ids, mask, strict=True)]))
    return {
        "form": "trl-json",
        "file": "train.parquet",
        "called": "MultiTurnSFTDataset",
        "version": versions("verl", "datasets", "transformers"),
        "rows": rows,
    }


if __name__ == "__main__":
    main(read)
