"""`gristmill dataset stream` and `forgetting`: a dataset in stages, and what models that learned them can still do."""

from pathlib import Path

import pytest

from tests.trajectories.conftest import make_rollout
from trajectories.store import open_store

from .conftest import Run


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Ten solved tasks of each of two repositories; `base` solves none of them, `after-1` those of the first."""
    with open_store(tmp_path / ".gristmill") as store:
        for day, repository in enumerate(("click", "attrs"), start=1):
            for number in range(10):
                for model, reward in (("teacher", 1.0), ("base", 0.0), ("after-1", float(repository == "click"))):
                    rollout = make_rollout(
                        f"{repository}-{number}",
                        model=model,
                        reward=reward,
                        started_at=f"2026-01-0{day}T00:00:00+00:00",
                        provenance={"repository": repository, "license": "MIT"},
                    )
                    store.record(rollout)
    return tmp_path


def test_from_a_dataset_to_what_was_forgotten(gristmill: Run, filled: Path) -> None:
    assert gristmill("dataset", "create", "all", "--where", "model = 'teacher'").code == 0
    stages = gristmill("dataset", "stream", "all", "--by", "repository", "--json").json
    assert [(each["name"], each["tasks"], len(each["held_out_tasks"])) for each in stages] == [
        ("click", 8, 2),
        ("attrs", 8, 2),
    ]
    assert (
        "stage 1 of 2 of all@1 by repository: click, held out" in gristmill("dataset", "show", "all-1-held-out").stdout
    )
    found = gristmill("dataset", "forgetting", "all", "--model", "base", "--model", "after-1", "--json").json
    assert found["matrix"] == [{"click": 0.0, "attrs": 0.0}, {"click": 1.0, "attrs": 0.0}]
    said = gristmill("dataset", "forgetting", "all", "--model", "base", "--model", "after-1").stdout
    assert "after-1" in said and "forgetting: not defined yet" in said


def test_what_is_wrong_is_told(gristmill: Run, filled: Path) -> None:
    gristmill("dataset", "create", "all", "--where", "model = 'teacher'")
    for arguments, told in (
        (("stream", "all", "--by", "size"), "--by size: there are: time, family, repository"),
        (("stream", "none"), "no dataset 'none'"),
        (("forgetting", "all", "--model", "base"), "'all' has not been cut into stages"),
    ):
        done = gristmill("dataset", *arguments)
        assert done.code == 2 and told in done.stderr and "Traceback" not in done.stderr
    gristmill("dataset", "stream", "all", "--by", "repository")
    done = gristmill("dataset", "forgetting", "all", "--model", "base")
    assert done.code == 2 and "name the untrained one and the one after each stage, in the order of click, attrs" in (
        " ".join(done.stderr.split())
    )
