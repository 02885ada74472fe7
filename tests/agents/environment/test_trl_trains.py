"""The program of docs/rl.md with TRL's own trainer: the model's answers are given, the sandboxes and rewards real."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from environments import Backend
from tasks.suite import Suite

from .conftest import FIX

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("torch", reason="make train")
pytest.importorskip("trl", reason="make train")

DOCS = Path(__file__).parents[3] / "docs" / "rl.md"


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen3 of one layer with random weights, and a tokenizer of bytes with TRL's template of that family."""
    import trl
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(letters)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
    )
    marks = [f"<{slash}{name}>" for name in ("tool_call", "tool_response", "think") for slash in ("", "/")]
    tokenizer.add_tokens([AddedToken(mark, special=False) for mark in marks])
    tokenizer.chat_template = (Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja").read_text()
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    folder = tmp_path_factory.mktemp("model")
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def called(tool: str, **arguments: object) -> str:
    return f"<tool_call>\n{json.dumps({'name': tool, 'arguments': arguments})}\n</tool_call><|im_end|>"


@pytest.mark.slow
def test_the_program_of_the_docs_trains(
    tiny_suite: Suite, tiny_model: Path, bubblewrap: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import AutoTokenizer, Qwen3ForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    seen: list[str] = []

    def answer(self: Any, input_ids: torch.Tensor, **options: Any) -> torch.Tensor:
        """The first of the group repairs and hands in, the second only looks and stops without handing in."""
        texts = [tokenizer.decode(row) for row in input_ids]
        seen.extend(texts)
        answers = []
        for index, text in enumerate(texts):
            first = "<tool_response>" not in text
            is_right = index == 0 if first else "edited tinylib" in text
            if is_right:
                answers.append(called("edit", **FIX) if first else called("submit"))
            else:
                answers.append(called("bash", command="ls") if first else "I give up.<|im_end|>")
        if "submitted" in texts[0]:
            answers = ["Done.<|im_end|>"] * len(texts)
        ids = [tokenizer(text)["input_ids"] for text in answers]
        longest = max(map(len, ids))
        padded = [row + [tokenizer.pad_token_id] * (longest - len(row)) for row in ids]
        return torch.cat([input_ids, torch.tensor(padded)], dim=1)

    monkeypatch.setattr(Qwen3ForCausalLM, "generate", answer)
    (program,) = (code for code in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.S) if "GRPOTrainer(" in code)
    for old, new in {
        '"Qwen/Qwen3-0.6B"': repr(str(tiny_model)),
        'Path("suite")': f"Path({str(tiny_suite.folder)!r})",
        'Path.home() / ".cache" / "gristmill"': f"Path({str(tiny_suite.cache)!r})",
        'output_dir="grpo"': f"output_dir={str(tmp_path)!r}, max_steps=1, logging_steps=1, use_cpu=True, bf16=False, "
        'save_strategy="no"',
        "num_generations=8": "num_generations=2",
        "per_device_train_batch_size=8": "per_device_train_batch_size=2",
    }.items():
        assert old in program
        program = program.replace(old, new)
    names: dict[str, Any] = {}
    exec(program, names)
    (logged,) = (entry for entry in names["trainer"].state.log_history if "reward" in entry)
    assert logged["rewards/TrlEnvironment/mean"] == pytest.approx(0.5)
    assert logged["tools/failure_frequency"] == 0.0
    assert any("Numbers above the upper limit come out wrong" in text for text in seen)
    assert any('"name": "run_tests"' in text for text in seen)
