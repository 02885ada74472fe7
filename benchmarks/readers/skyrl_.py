"""SkyRL: PromptDataset, of Parquet and of JSONL."""

from pathlib import Path

from common import Row, load_tokenizer, main, versions


def read(exports: Path, tokenizer_folder: Path) -> list[Row]:
    from skyrl.train.dataset import PromptDataset

    tokenizer = load_tokenizer(tokenizer_folder)
    readings = []
    for file in ("train.parquet", "train.jsonl"):
        data = PromptDataset(str(exports / "skyrl" / file), tokenizer, max_prompt_length=100_000, num_workers=1)
        made = data.collate_fn([data[at] for at in range(len(data))])
        rows = [
            {
                "fields": {
                    "prompt": each["prompt"],
                    "env_class": each["env_class"],
                    "ground_truth": each["env_extras"]["reward_spec"]["ground_truth"],
                    "text": tokenizer.apply_chat_template(each["prompt"], tokenize=False, add_generation_prompt=True),
                }
            }
            for each in made
        ]
        readings.append(
            {
                "form": "skyrl",
                "file": file,
                "called": "PromptDataset, collate_fn",
                "version": versions("skyrl", "datasets", "transformers"),
                "rows": rows,
            }
        )
    return readings


if __name__ == "__main__":
    main(read)
