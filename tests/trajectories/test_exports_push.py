"""`--push`: an export as one commit on the hub, by the hub's own client against a hub on loopback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="make train")

from tests.trajectories.conftest import make_rollout
from tests.trajectories.hub import TOKEN, Hub, serving
from trajectories.errors import BadExport, PushFailed
from trajectories.exports import export
from trajectories.exports.push import hub_token, push
from trajectories.store import Store, open_store


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Large files go by LFS, which a loopback can speak; the hub's other way (xet) is its own binary protocol."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with serving() as hub:
        yield hub


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = open_store(tmp_path / "store")
    for task in range(6):
        store.record(make_rollout(f"t{task}"))
    return store


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_is_one_commit_of_a_private_data_set(hub: Hub, store: Store, tmp_path: Path) -> None:
    export(store, to="lmflow", out=tmp_path / "out")
    url = push(tmp_path / "out", "me/data", token=TOKEN, endpoint=hub.endpoint)
    assert hub.files == contents(tmp_path / "out")
    assert "train/train.json" in hub.files
    assert (hub.made["type"], hub.made["visibility"]) == ("dataset", "private")
    assert len(hub.commits) == 1 and url.startswith(f"{hub.endpoint}/datasets/me/data/commit/")


def test_what_an_earlier_export_left_is_gone_and_others_files_stay(hub: Hub, store: Store, tmp_path: Path) -> None:
    hub.files["LICENSE"] = b"theirs"
    export(store, to="trl", out=tmp_path / "many", shard_bytes=1, split_by="task", test_share=0)
    assert len(list((tmp_path / "many").glob("train*.parquet"))) == 1, "a row group is never cut"
    hub.files["train-00001-of-00002.parquet"] = b"a shard of an earlier export"
    push(tmp_path / "many", "me/data", token=TOKEN, endpoint=hub.endpoint, is_public=True)
    assert hub.files == {**contents(tmp_path / "many"), "LICENSE": b"theirs"}
    assert hub.commits[-1]["deleted"] == {"train-00001-of-00002.parquet"}
    assert hub.made["visibility"] == "public"


def test_a_hub_that_refuses_is_told_with_what_to_do(hub: Hub, store: Store, tmp_path: Path) -> None:
    export(store, to="trl", out=tmp_path / "out")
    with pytest.raises(PushFailed, match=r"--push me/data: .*401.*hf upload me/data"):
        push(tmp_path / "out", "me/data", token="wrong", endpoint=hub.endpoint)
    hub.fails_at = "/commit/"
    with pytest.raises(PushFailed, match=r"--push me/data: .*403"):
        push(tmp_path / "out", "me/data", token=TOKEN, endpoint=hub.endpoint)
    assert hub.files == {}
    with pytest.raises(PushFailed, match=r"--push me/data: .*hf upload"):
        push(tmp_path / "out", "me/data", token=TOKEN, endpoint="http://127.0.0.1:9")
    with pytest.raises(BadExport, match="is no export"):
        push(tmp_path, "me/data", token=TOKEN, endpoint=hub.endpoint)


def test_a_token_is_asked_for_before_anything_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(BadExport, match="set HF_TOKEN"):
        hub_token("me/data")
    with pytest.raises(BadExport, match="OWNER/NAME"):
        hub_token("data")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert hub_token("me/data") == TOKEN


@pytest.mark.slow
def test_the_command_exports_and_pushes_and_tells_where(store: Store, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    environment.pop("HF_TOKEN", None)
    environment.pop("HF_HUB_OFFLINE", None)

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("gristmill")), "export", "--to", "trl", "--out", "out"]
        options = ["--push", "me/data", "--store", "store", "--overwrite"]
        return subprocess.run(
            [*command, *options], cwd=tmp_path, env={**environment, **more}, capture_output=True, text=True, timeout=120
        )

    done = run()
    assert (done.returncode, "set HF_TOKEN" in done.stderr) == (2, True) and not (tmp_path / "out").exists()
    with serving() as hub:
        refused = run(HF_ENDPOINT=hub.endpoint, HF_TOKEN="wrong")
        assert refused.returncode == 1 and "hf upload me/data" in refused.stderr and (tmp_path / "out").is_dir()
        done = run(HF_ENDPOINT=hub.endpoint, HF_TOKEN=TOKEN)
        assert done.returncode == 0, done.stderr
        assert f"pushed: {hub.endpoint}/datasets/me/data/commit/" in done.stdout
        assert hub.files == contents(tmp_path / "out")
    assert TOKEN not in done.stdout + done.stderr
