"""Training in its own process, on a tiny model: it learns, its folder appears whole, faults are told in a sentence."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from agents.training.errors import TrainingFault
from agents.training.options import TrainingOptions, TrainingRequest
from agents.training.train import train, trained
from agents.training.trainer import read_rows

from .conftest import Tiny

OPTIONS = TrainingOptions(epochs=12, learning_rate=0.02, batch_size=4, precision="float32", threads=1)


@pytest.mark.slow
def test_it_learns_and_leaves_adapter_weights_and_gguf(tiny: Tiny, rows: Path, tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="make train")
    out = tmp_path / "tuned"
    (tmp_path / ".tuned.partial").mkdir()  # of a run that was killed
    seen: list[tuple[int, int]] = []
    request = TrainingRequest(rows=(rows,), start=tiny.folder, base=tiny.gguf, out=out, options=OPTIONS)
    result = train(request, on_progress=lambda step, steps, loss: seen.append((step, steps)))
    assert result.losses[-1] < result.losses[0] / 2
    assert (result.rows, result.tokens, result.tokens_learned, result.steps) == (8, 48, 24, 24)
    assert seen[-1] == (24, 24)
    for name in ("model/model.safetensors", "model/tokenizer.json", "adapter/adapter_model.safetensors", "model.gguf"):
        assert (out / name).is_file()
    assert [each.name for each in tmp_path.iterdir()] == ["tuned"]

    again = train(request, on_progress=lambda *what: pytest.fail("it is finished: nothing is trained again"))
    assert again == result == trained(out)


def write(file: Path, ids: list[list[int]], labels: list[list[int]]) -> Path:
    pyarrow.parquet.write_table(pa.table({"input_ids": ids, "labels": labels}), file)
    return file


def test_rows_that_are_too_long_are_left_out_and_counted(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.parquet", [[1, 2], [1, 2, 3, 4]], [[-100, 2], [-100, -100, 3, 4]])
    rows, too_long = read_rows((file,), most_tokens=3)
    assert rows == [{"input_ids": [1, 2], "labels": [-100, 2]}]
    assert too_long == 1


@pytest.mark.parametrize("labels", [[-100, -100], [-100, 7]])
def test_rows_that_teach_nothing_or_something_else_are_refused(tmp_path: Path, labels: list[int]) -> None:
    file = write(tmp_path / "rows.parquet", [[1, 2]], [labels])
    with pytest.raises(TrainingFault, match="row 0: labels are neither ids nor -100, or none is learned"):
        read_rows((file,), most_tokens=10)


def test_another_export_is_no_tokens_export(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pa.table({"messages": ["hello"]}), file)
    with pytest.raises(TrainingFault, match="gristmill export --to tokens"):
        read_rows((file,), most_tokens=10)


def test_a_fault_of_the_process_is_told_and_leaves_no_result(tiny: Tiny, tmp_path: Path) -> None:
    out = tmp_path / "tuned"
    with pytest.raises(TrainingFault, match=r"missing\.parquet: cannot be read"):
        train(TrainingRequest(rows=(tmp_path / "missing.parquet",), start=tiny.folder, out=out))
    assert trained(out) is None
