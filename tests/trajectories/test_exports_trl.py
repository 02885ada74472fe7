"""Exports read back by TRL's own preparation of data sets: what is learned is exactly what the agent said."""

import os
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("torch", reason="make train")
pytest.importorskip("trl", reason="make train")

import trl
from datasets import Dataset, load_dataset

from benchmarks.readers.compare import faults
from benchmarks.readers.sample import expected, expected_step, make_store
from tests.trajectories.test_export_tokens import weights
from tests.trajectories.test_trainers import tiny_model
from trajectories.exports import export
from trajectories.exports.exporter import example_of
from trajectories.exports.tokens import IGNORED, load_tokenizer
from trajectories.store import Store, open_store

__all__ = ["weights"]

TEMPLATES = Path(trl.__file__).parent / "chat_templates"


@pytest.fixture(scope="module")
def with_tools(weights: Path) -> Any:
    """The small model's tokenizer with TRL's copy of Qwen2.5's template: it knows tools and marks what is said."""
    read = load_tokenizer(weights)
    read.chat_template = (TEMPLATES / "qwen2_5_training.jinja").read_text()
    return read


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trl")
    with make_store(folder / "store") as store:
        for form in ("trl", "dpo", "kto", "steps"):
            export(store, to=form, out=folder / form, test_share=0)
    return folder


@pytest.fixture(scope="module")
def store(folder: Path) -> Store:
    return open_store(folder / "store")


def rows(folder: Path, form: str, kind: str) -> Dataset:
    file = {"json": "train.jsonl", "parquet": "train.parquet"}[kind]
    return load_dataset(kind, data_files=str(folder / form / file), split="train", cache_dir=str(folder / "cache"))


def settings(folder: Path, **more: Any) -> dict[str, Any]:
    plain = {"output_dir": str(folder / "trained"), "report_to": [], "use_cpu": True, "bf16": False}
    return {**plain, "disable_tqdm": True, "max_length": None, **more}


def read(tokenizer: Any, ids: list[int], labels: list[int]) -> dict[str, Any]:
    """The text, and the runs of tokens that are learned."""
    runs: list[list[int]] = []
    before = IGNORED
    for token, label in zip(ids, labels, strict=True):
        if label != IGNORED:
            runs += [[]] if before == IGNORED else []
            runs[-1].append(token)
        before = label
    return {"text": tokenizer.decode(ids), "trained": [tokenizer.decode(run) for run in runs]}


def learned(folder: Path, tokenizer: Any, data: Dataset, **more: Any) -> list[dict[str, Any]]:
    trainer = trl.SFTTrainer(
        tiny_model(tokenizer),
        args=trl.SFTConfig(**settings(folder, **more)),
        train_dataset=data,
        processing_class=tokenizer,
    )
    made = [trainer.data_collator([row]) for row in trainer.train_dataset]
    return [read(tokenizer, each["input_ids"][0].tolist(), each["labels"][0].tolist()) for each in made]


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_sft_learns_the_assistants_turns_with_their_calls(
    folder: Path, store: Store, with_tools: Any, kind: str
) -> None:
    data = rows(folder, "trl", kind)
    seen = learned(folder, with_tools, data, assistant_only_loss=True)
    assert len(seen) == len(data) == 6
    for row, made in zip(data, seen, strict=True):
        assert faults(made, expected(example_of(store.load(row["rollout_id"])))) == []


def test_a_step_learns_its_completion_alone(folder: Path, with_tools: Any) -> None:
    data = rows(folder, "steps", "json").select(range(8))
    chosen = data.select_columns(["prompt", "completion", "tools"])
    seen = learned(folder, with_tools, chosen, completion_only_loss=True)
    assert [faults(made, expected_step(row)) for row, made in zip(data, seen, strict=True)] == [[]] * 8


def test_dpo_and_reward_models_see_both_sides(folder: Path, with_tools: Any) -> None:
    data = rows(folder, "dpo", "parquet")
    plain = rows(folder, "dpo", "json")
    trainer = trl.DPOTrainer(
        tiny_model(with_tools),
        ref_model=tiny_model(with_tools),
        args=trl.DPOConfig(**settings(folder)),
        train_dataset=data.select_columns(["prompt", "chosen", "rejected", "tools"]),
        processing_class=with_tools,
    )
    assert len(trainer.train_dataset) == len(data) == 6
    for row, made in zip(plain, trainer.train_dataset, strict=True):
        for side in ("chosen", "rejected"):
            text = with_tools.apply_chat_template(row["prompt"] + row[side], tools=row["tools"], tokenize=False)
            assert with_tools.decode(made["prompt_ids"] + made[f"{side}_ids"]) == text


def test_kto_has_each_rollout_with_its_label(folder: Path, with_tools: Any) -> None:
    plain = rows(folder, "kto", "json")
    trainer = trl.KTOTrainer(
        tiny_model(with_tools),
        ref_model=tiny_model(with_tools),
        args=trl.KTOConfig(**settings(folder, per_device_train_batch_size=4)),
        train_dataset=rows(folder, "kto", "parquet").select_columns(["prompt", "completion", "label", "tools"]),
        processing_class=with_tools,
    )
    assert [row["label"] for row in trainer.train_dataset] == plain["label"]
    for row, made in zip(plain, trainer.train_dataset, strict=True):
        text = with_tools.apply_chat_template(row["prompt"] + row["completion"], tools=row["tools"], tokenize=False)
        assert with_tools.decode(made["prompt_ids"] + made["completion_ids"]) == text


def test_parquet_is_rendered_as_jsonl_is_by_every_template(folder: Path, with_tools: Any) -> None:
    """Parquet fills what a message has not with nulls; no template of TRL's must see a difference."""
    kept = with_tools.chat_template
    first, second = rows(folder, "trl", "json")[0], rows(folder, "trl", "parquet")[0]
    other, compared = [], 0
    try:
        for template in sorted(TEMPLATES.glob("*_training.jinja")):
            with_tools.chat_template = template.read_text()
            try:
                text = with_tools.apply_chat_template(first["messages"], tools=first["tools"], tokenize=False)
            except Exception:  # noqa: BLE001  (a template that takes no tools, or no system message)
                continue
            compared += 1
            if with_tools.apply_chat_template(second["messages"], tools=second["tools"], tokenize=False) != text:
                other.append(template.stem)
    finally:
        with_tools.chat_template = kept
    assert compared > 10 and other == []
