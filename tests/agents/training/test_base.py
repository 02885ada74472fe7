"""The small real model: its GGUF file as safetensors, and both tokenizers of it agree."""

from pathlib import Path

import httpx
import pytest

from agents.errors import ModelUnavailable
from agents.local_model import local_model, model_file
from agents.training.base import base_folder
from agents.training.errors import TrainingFault
from agents.training.train import dequantised
from trajectories.exports.tokens import load_tokenizer

TEXTS = [
    'Answer with one JSON object only: {"thought": …, "tool": NAME, "arguments": {…}}. Tools:',
    "Result:\n     1\tcolour: azure\n    12\ttown: Jena 03801",
    '{"thought": "", "tool": "write", "arguments": {"path": "copy.txt", "content": "café\\n"}}',
]


@pytest.fixture
def weights() -> Path:
    pytest.importorskip("gguf", reason="make train")
    try:
        return model_file()
    except ModelUnavailable as error:
        pytest.skip(str(error))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingFault, match=r"none\.gguf: cannot be read: No such file"):
        base_folder(tmp_path / "none.gguf", tmp_path)


@pytest.mark.slow
async def test_rows_are_encoded_as_the_server_encodes(weights: Path, session_cache: Path) -> None:
    folder = dequantised(weights, session_cache)
    assert dequantised(weights, session_cache) == folder, "made once"
    tokenizer = load_tokenizer(folder)
    async with local_model() as model, httpx.AsyncClient(base_url=model.base_url.removesuffix("/v1")) as client:
        for text in TEXTS:
            answer = await client.post("/tokenize", json={"content": text, "add_special": False})
            assert answer.json()["tokens"] == tokenizer(text, add_special_tokens=False)["input_ids"]
