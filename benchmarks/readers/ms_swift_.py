"""ms-swift: `load_dataset` of a JSONL file, and the encoding of its qwen2_5 template with the hermes agent template."""

from pathlib import Path
from typing import Any

from common import Row, learned, load_tokenizer, main, versions


def read(exports: Path, tokenizer_folder: Path) -> list[Row]:
    from swift.dataset import load_dataset
    from swift.template import get_template

    tokenizer = load_tokenizer(tokenizer_folder)
    template: Any = get_template(
        _with_meta(tokenizer, tokenizer_folder), template_type="qwen2_5", agent_template="hermes", max_length=None
    )
    template.set_mode("train")
    readings = []
    for file in ("train.jsonl",):
        rows, _ = load_dataset(str(exports / "ms-swift" / file), num_proc=1, load_from_cache_file=False, strict=True)
        encoded = [template.encode(row) for row in rows]
        readings.append(
            {
                "form": "ms-swift",
                "file": file,
                "called": "load_dataset, qwen2_5 template with the hermes agent template",
                "version": versions("ms-swift", "datasets", "transformers"),
                "rows": [learned(tokenizer, each["input_ids"], each["labels"]) for each in encoded],
            }
        )
    return readings


def _with_meta(tokenizer: Any, folder: Path) -> Any:
    """What ms-swift hangs on a tokenizer that it loads with a model."""
    from swift.model import get_model_processor

    _, processor = get_model_processor(str(folder), model_type="qwen2", load_model=False)
    return processor


if __name__ == "__main__":
    main(read)
