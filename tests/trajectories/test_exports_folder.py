"""An export is a Hugging Face data set: `load_dataset(FOLDER)` reads what the card names."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("datasets", reason="make train")

from tests.trajectories.conftest import BASH, lines, make_rollout
from tests.trajectories.test_export_forms import attempted
from trajectories.exports import export, export_names
from trajectories.store import Store, open_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_store(tmp_path_factory.mktemp("store"))
    for attempt, (reward, steps) in enumerate([(1.0, 2), (1.0, 3), (0.0, 3), (0.5, 2)]):
        store.record(attempted("easy", attempt, reward, steps))
    store.record(make_rollout("other", provenance={"repository": "tomlkit", "license": "MIT"}))
    return store


def loaded(folder: Path, cache: Path) -> Any:
    from datasets import load_dataset

    return load_dataset(str(folder), cache_dir=str(cache))


def front(out: Path) -> Any:
    return yaml.safe_load((out / "README.md").read_text().split("---\n")[1])


@pytest.mark.parametrize("form", sorted({*export_names()} - {"tokens"}))
def test_every_form_loads_with_its_splits_and_rows(store: Store, tmp_path: Path, form: str) -> None:
    manifest = export(store, to=form, out=tmp_path / "out", test_share=0.4)
    found = loaded(tmp_path / "out", tmp_path / "cache")
    rows = {name: manifest.files[f"{name}.jsonl"].rows for name in ("train", "test")}
    assert {name: len(split) for name, split in found.items()} == {name: n for name, n in rows.items() if n}


def test_arguments_and_tools_are_objects_again_from_parquet(store: Store, tmp_path: Path) -> None:
    export(store, to="trl", out=tmp_path / "out", test_share=0)
    row, written = loaded(tmp_path / "out", tmp_path / "cache")["train"][0], lines(tmp_path / "out" / "train.jsonl")[0]
    assert row["tools"] == [BASH] == written["tools"]
    told = [{name: value for name, value in message.items() if value is not None} for message in row["messages"]]
    assert told == written["messages"]
    assert told[2]["tool_calls"][0]["function"]["arguments"] == {"command": "ls"}


def test_the_card_tells_licences_size_and_files(store: Store, tmp_path: Path) -> None:
    export(store, to="trl", out=tmp_path / "out", test_share=0.4)
    settings = front(tmp_path / "out")
    assert settings["license"] == ["bsd-3-clause", "mit"]
    assert settings["size_categories"] == ["n<1K"] and "trl" in settings["tags"]
    (config,) = settings["configs"]
    assert {part["split"]: part["path"] for part in config["data_files"]} == {
        "train": ["train.parquet"],
        "test": ["test.parquet"],
    }
    text = (tmp_path / "out" / "README.md").read_text()
    assert "| tomlkit | 1 |" in text and "Left out: 0 rollouts with attempts" in text


def test_a_split_without_rows_is_not_named_and_jsonl_alone_loads(store: Store, tmp_path: Path) -> None:
    export(store, to="trl", out=tmp_path / "out", test_share=0, only="jsonl")
    assert [part["split"] for part in front(tmp_path / "out")["configs"][0]["data_files"]] == ["train"]
    assert len(loaded(tmp_path / "out", tmp_path / "cache")["train"]) == 3


def test_a_licence_that_the_hub_has_no_name_for_is_other(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        store.record(make_rollout(provenance={"repository": "x", "license": "LicenseRef-Ours"}))
        export(store, to="trl", out=tmp_path / "out")
    assert front(tmp_path / "out")["license"] == "other"
