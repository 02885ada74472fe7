"""TRL: the rows that its trainers make of our files, by their own preparation of data sets."""

from pathlib import Path
from typing import Any

from common import Row, learned, load_tokenizer, main, versions


def read(exports: Path, tokenizer_folder: Path) -> list[Row]:
    tokenizer = load_tokenizer(tokenizer_folder)
    return [
        *_sft(exports, tokenizer),
        _preference(exports, tokenizer, "dpo", "DPOTrainer"),
        _preference(exports, tokenizer, "kto", "KTOTrainer"),
        _preference(exports, tokenizer, "dpo", "RewardTrainer"),
    ]


def _tiny(tokenizer: Any, *, is_reward: bool = False) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        pad_token_id=tokenizer.pad_token_id,
        num_labels=1,
    )
    return LlamaForSequenceClassification(config) if is_reward else LlamaForCausalLM(config)


def _rows(exports: Path, form: str, file: str) -> Any:
    from datasets import load_dataset

    kind = "json" if file.endswith("jsonl") else "parquet"
    return load_dataset(
        kind, data_files=str(exports / form / file), split="train", cache_dir=str(exports / "cache-trl")
    )


def _settings(exports: Path, **more: Any) -> dict[str, Any]:
    plain = {"output_dir": str(exports / "trained"), "report_to": [], "use_cpu": True, "bf16": False}
    return {**plain, "disable_tqdm": True, "max_length": None, **more}


def _sft(exports: Path, tokenizer: Any) -> list[Row]:
    from trl import SFTConfig, SFTTrainer

    readings = []
    for form, file, more in (
        ("trl", "train.jsonl", {"assistant_only_loss": True}),
        ("trl", "train.parquet", {"assistant_only_loss": True}),
        ("tokens", "train.parquet", {}),
        ("steps", "train.parquet", {"completion_only_loss": True}),
    ):
        rows = _rows(exports, form, file)
        if form == "tokens":
            rows = rows.select_columns(["input_ids", "labels"])
        elif form == "steps":
            rows = rows.select_columns(["prompt", "completion", "tools"])
        trainer = SFTTrainer(
            _tiny(tokenizer),
            args=SFTConfig(**_settings(exports, **more)),
            train_dataset=rows,
            processing_class=tokenizer,
        )
        made = [trainer.data_collator([row]) for row in trainer.train_dataset]
        readings.append(
            {
                "form": form,
                "file": file,
                "called": "SFTTrainer, its collator",
                "version": versions("trl", "datasets", "transformers"),
                "rows": [
                    learned(tokenizer, each["input_ids"][0].tolist(), each["labels"][0].tolist()) for each in made
                ],
            }
        )
    return readings


def _preference(exports: Path, tokenizer: Any, form: str, kind: str) -> Row:
    import trl

    wanted = {"dpo": ["prompt", "chosen", "rejected", "tools"], "kto": ["prompt", "completion", "label", "tools"]}
    rows = _rows(exports, form, "train.parquet").select_columns(wanted[form])
    settings = getattr(trl, kind.replace("Trainer", "Config"))(**_settings(exports))
    is_reward = kind == "RewardTrainer"
    extra = {} if is_reward else {"ref_model": _tiny(tokenizer)}
    trainer = getattr(trl, kind)(
        _tiny(tokenizer, is_reward=is_reward),
        args=settings,
        train_dataset=rows,
        processing_class=tokenizer,
        **extra,
    )
    return {
        "form": form,
        "file": "train.parquet",
        "called": kind,
        "version": versions("trl", "datasets", "transformers"),
        "rows": [
            {"fields": {name: tokenizer.decode(ids) for name, ids in row.items() if name.endswith("ids")}}
            for row in trainer.train_dataset
        ],
    }


if __name__ == "__main__":
    main(read)
