"""The exports, read and trained on for one step by TRL itself: a tiny model, the real tokenizer."""

import os
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("torch", reason="make train")
pytest.importorskip("trl", reason="make train")

from datasets import Dataset, load_dataset
from transformers import LlamaConfig, LlamaForCausalLM

from tests.trajectories.test_export_forms import attempted
from tests.trajectories.test_export_tokens import tokenizer, weights
from trajectories.exports import export
from trajectories.exports.tokens import IGNORED
from trajectories.store import open_store

__all__ = ["tokenizer", "weights"]


@pytest.fixture(scope="module")
def exported(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder a form, of a task with two successes and two failures; calls as text, as the model makes them."""
    folder = tmp_path_factory.mktemp("exports")
    with open_store(folder / "store") as store:
        for attempt, (reward, steps) in enumerate([(1.0, 2), (1.0, 3), (0.0, 3), (0.5, 2)]):
            store.record(attempted("easy", attempt, reward, steps))
        export(store, to="tokens", out=folder / "tokens", calls="json", tokenizer=weights, test_share=0)
        for form in ("dpo", "kto"):
            export(store, to=form, out=folder / form, calls="json", test_share=0)
    return folder


def tiny_model(tokenizer: Any) -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def rows(folder: Path, form: str, columns: list[str]) -> Dataset:
    files = {"train": str(folder / form / "train.jsonl")}
    return load_dataset("json", data_files=files, split="train", cache_dir=str(folder / "cache")).select_columns(
        columns
    )


def one_step(folder: Path) -> dict[str, Any]:
    return {
        "output_dir": str(folder / "trained"),
        "max_steps": 1,
        "per_device_train_batch_size": 2,
        "report_to": [],
        "use_cpu": True,
        "bf16": False,
        "save_strategy": "no",
        "disable_tqdm": True,
    }


def test_sft_learns_from_what_the_agent_said_and_nothing_else(exported: Path, tokenizer: Any) -> None:
    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer(
        tiny_model(tokenizer),
        args=SFTConfig(max_length=None, **one_step(exported)),
        train_dataset=rows(exported, "tokens", ["input_ids", "labels"]),
        processing_class=tokenizer,
    )
    labels = next(iter(trainer.get_train_dataloader()))["labels"]
    learned = tokenizer.decode(labels[0][labels[0] != IGNORED])
    assert learned.startswith('{"thought": "I look at 0", "tool": "bash"') and learned.endswith("<|im_end|>")
    assert "Mend it" not in learned and "a.py" not in learned
    assert trainer.train().training_loss > 0


@pytest.mark.slow
def test_dpo_reads_the_pairs(exported: Path, tokenizer: Any) -> None:
    from trl import DPOConfig, DPOTrainer

    trainer = DPOTrainer(
        tiny_model(tokenizer),
        ref_model=tiny_model(tokenizer),
        args=DPOConfig(max_length=None, **one_step(exported)),
        train_dataset=rows(exported, "dpo", ["prompt", "chosen", "rejected"]),
        processing_class=tokenizer,
    )
    assert trainer.train().training_loss > 0


@pytest.mark.slow
def test_kto_reads_both_labels(exported: Path, tokenizer: Any) -> None:
    from trl import KTOConfig, KTOTrainer

    trainer = KTOTrainer(
        tiny_model(tokenizer),
        ref_model=tiny_model(tokenizer),
        args=KTOConfig(max_length=512, **one_step(exported)),
        train_dataset=rows(exported, "kto", ["prompt", "completion", "label"]),
        processing_class=tokenizer,
    )
    assert trainer.train().training_loss > 0
