"""Exports of any size in little memory: one task at a time, row groups and shards that are bounded."""

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.trajectories.conftest import lines, make_rollout, make_trajectory
from trajectories import exports
from trajectories.datasets import create_dataset
from trajectories.errors import NotInStore
from trajectories.exports import choice, export, writer
from trajectories.recording import remove_rollouts
from trajectories.selection import Recipe, Step
from trajectories.store import Store, open_store

COMPARED = ("dpo", "kto", "reward", "steps", "verl")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Six tasks, each solved twice and failed twice."""
    store = open_store(tmp_path / "store")
    for task in range(6):
        for attempt, reward in enumerate((1.0, 1.0, 0.0, 0.0)):
            store.record(make_rollout(f"t{task}", attempt=attempt, reward=reward, trajectory=make_trajectory("s", 2)))
    return store


@pytest.mark.parametrize("form", COMPARED)
def test_a_dataset_gives_what_the_store_gives(store: Store, tmp_path: Path, form: str) -> None:
    create_dataset(store, "all", where="", recipe=Recipe())
    export(store, to=form, out=tmp_path / "plain", test_share=0)
    export(store, to=form, out=tmp_path / "frozen", test_share=0, dataset="all")
    plain, frozen = (lines(tmp_path / name / "train.jsonl") for name in ("plain", "frozen"))
    assert plain and frozen == plain


def test_tasks_of_a_dataset_come_in_its_order_a_page_at_a_time(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "TASKS", 2)
    create_dataset(store, "some", where="", recipe=Recipe(steps=(Step(name="sample", options={"n": 20}),)), seed=3)
    create_dataset(store, "all", where="task != 't1'", recipe=Recipe())
    export(store, to="verl", out=tmp_path / "all", test_share=0, dataset="all")
    assert [row["task_id"] for row in lines(tmp_path / "all" / "train.jsonl")] == ["t0", "t2", "t3", "t4", "t5"]
    export(store, to="verl", out=tmp_path / "some", test_share=0, dataset="some")
    listed = [row["task_id"] for row in lines(tmp_path / "some" / "train.jsonl")]
    assert len(listed) == len(set(listed)) == 6
    filtered = export(store, to="kto", out=tmp_path / "few", test_share=0, dataset="all", where="task = 't4'")
    assert filtered.rollouts == 4


def test_a_dataset_whose_rollouts_have_gone_is_refused(store: Store, tmp_path: Path) -> None:
    create_dataset(store, "all", where="", recipe=Recipe())
    gone = next(store.rollouts()).id
    with store.writing() as session:
        remove_rollouts(session, [gone])
        session.commit()
    with pytest.raises(NotInStore, match="1 rollouts of the dataset all@1"):
        export(store, to="kto", out=tmp_path / "out", dataset="all")
    assert not (tmp_path / "out").exists()


def test_parquet_goes_on_in_shards_of_bounded_row_groups(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "ROW_GROUP_ROWS", 5)
    whole = export(store, to="kto", out=tmp_path / "whole", test_share=0)
    assert pq.ParquetFile(tmp_path / "whole" / "train.parquet").num_row_groups == 5
    manifest = export(store, to="kto", out=tmp_path / "shards", test_share=0, shard_bytes=1)
    names = [f"train-{number:05}-of-00005.parquet" for number in range(5)]
    assert [name for name in manifest.files if name.startswith("train-")] == names
    assert [manifest.files[name].rows for name in names] == [5, 5, 5, 5, 4]
    assert sum(pq.read_metadata(tmp_path / "shards" / name).num_rows for name in names) == 24
    parts = [row for name in names for row in pq.read_table(tmp_path / "shards" / name).to_pylist()]
    assert parts == pq.read_table(tmp_path / "whole" / "train.parquet").to_pylist()
    assert manifest.files["train.jsonl"] == whole.files["train.jsonl"]


def test_what_gave_no_row_is_named_up_to_a_bound_and_counted_beyond(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_NAMED", 2)
    manifest = export(store, to="tokens", out=tmp_path / "out")
    (reason,) = manifest.skipped
    assert "no tokenizer was given" in reason
    assert (len(manifest.skipped[reason]), manifest.skipped_counts[reason]) == (2, 12)


PEAK = """
import re, sys
from pathlib import Path
from tests.trajectories.conftest import make_rollout, make_trajectory
from trajectories.atif import Step
from trajectories.datasets import create_dataset
from trajectories.exports import export
from trajectories.selection import Recipe
from trajectories.store import open_store


def peak():  # of this program alone: what getrusage says counts the process as well that started it
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])


folder, tasks, form, dataset = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
with open_store(folder / f"store-{tasks}") as store:
    if not store.count():
        for task in range(tasks):
            said = Step(step_id=9, source="agent", message=f"{task} " * 30_000)
            trajectory = make_trajectory("s", 2)
            trajectory = trajectory.model_copy(update={"steps": (*trajectory.steps, said)})
            store.record_many(
                make_rollout(f"t{task}", attempt=attempt, reward=float(attempt % 2), trajectory=trajectory)
                for attempt in range(4)
            )
        create_dataset(store, "all", where="", recipe=Recipe())
        sys.exit()
    begun = peak()
    export(store, to=form, out=folder / f"{form}-{tasks}-{dataset}", dataset=dataset, overwrite=True)
    print(peak() - begun)
"""


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["", "all"])
@pytest.mark.parametrize("form", ["dpo", "steps"])
def test_four_times_the_rollouts_need_no_more_memory(tmp_path: Path, form: str, dataset: str) -> None:
    """Bodies of 100 kB and more: a whole data set in memory would be four times as much, here 60 MB more."""

    def peak(tasks: int) -> int:
        command = [sys.executable, "-c", PEAK, str(tmp_path), str(tasks), form, dataset]
        subprocess.run(command, check=True)  # makes the store
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    small, large = peak(60), peak(240)
    assert large < 1.25 * small + 10_000, f"{small} kB -> {large} kB"
