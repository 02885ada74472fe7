"""LMFlow: its Dataset of the folder `train`, tokenized as a conversation by its qwen2 template and by a Jinja one."""

from pathlib import Path
from typing import Any

from common import Row, learned, load_tokenizer, main


def read(exports: Path, tokenizer_folder: Path) -> list[Row]:
    from lmflow.args import DatasetArguments
    from lmflow.datasets.dataset import Dataset
    from lmflow.tokenization.hf_decoder_model import conversation_tokenize_function
    from lmflow.utils.conversation_template import PRESET_TEMPLATES
    from lmflow.version import __version__

    tokenizer = load_tokenizer(tokenizer_folder)
    arguments = DatasetArguments(
        dataset_path=str(exports / "lmflow" / "train"),
        dataset_cache_dir=str(exports / "cache-lmflow"),
        disable_group_texts=False,
    )
    data: Any = Dataset(arguments)
    readings = []
    for name, template in (("qwen2", PRESET_TEMPLATES["qwen2"]), ("tokenizer", tokenizer.chat_template)):
        columns = data.backend_dataset.to_dict()
        made = conversation_tokenize_function(
            columns,
            data_args=arguments,
            tokenizer=tokenizer,
            column_names=list(columns),
            conversation_template=template,
        )
        readings.append(
            {
                "form": "lmflow",
                "file": "train/train.json",
                "called": f"Dataset ({data.type}), conversation_tokenize_function, template {name}",
                "version": f"LMFlow {__version__}",
                "rows": [
                    learned(tokenizer, ids, labels)
                    for ids, labels in zip(made["input_ids"], made["labels"], strict=True)
                ],
                **({"also": "<|im_start|>assistant\n"} if name == "qwen2" else {}),
            }
        )
    return readings


if __name__ == "__main__":
    main(read)
