"""The audit by the real command: what is planted is found and named, and it has consequences; clean twins pass."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Run
from tests.planted import FAULTS


def linked(suite: Path, folder: Path, task_ids: list[str]) -> Path:
    """A suite of some of the tasks."""
    for task_id in task_ids:
        (folder / "tasks").mkdir(parents=True, exist_ok=True)
        (folder / "tasks" / task_id).symlink_to(suite / "tasks" / task_id)
    return folder


ONE_OF_EACH_KIND = {fault.kind: task_id for task_id, fault in FAULTS.items()}.values()
SOME_OR_ALL = pytest.mark.parametrize(
    "task_ids", [pytest.param(sorted(ONE_OF_EACH_KIND), id="one of each kind"),
                 pytest.param(sorted(FAULTS), id="all", marks=pytest.mark.slow)]
)  # fmt: skip


@SOME_OR_ALL
@pytest.mark.timeout(900)
def test_all_that_is_planted_is_found_and_rightly_named(
    gristmill: Run, planted_suites: dict[str, Path], tmp_path: Path, task_ids: list[str]
) -> None:
    suite = linked(planted_suites["planted"], tmp_path / "suite", task_ids)
    done = gristmill("audit", str(suite), "--json", timeout=900)
    assert done.code == 1, done.stderr
    audits = {task["task_id"]: task for task in done.json["tasks"]}
    assert set(audits) == set(task_ids)
    missed = {}
    for task_id in task_ids:
        fault = FAULTS[task_id]
        found = [(finding["kind"], finding["place"]) for finding in audits[task_id]["findings"]]
        if not [place for kind, place in found if kind == fault.kind and fault.place in place]:
            missed[task_id] = found
    assert missed == {}
    assert (suite / "audit.json").is_file()


@SOME_OR_ALL
@pytest.mark.timeout(900)
def test_nothing_is_found_on_the_clean_twins(
    gristmill: Run, planted_suites: dict[str, Path], tmp_path: Path, task_ids: list[str]
) -> None:
    done = gristmill("audit", str(linked(planted_suites["clean"], tmp_path / "suite", task_ids)), "--json", timeout=900)
    found = [finding for task in done.json["tasks"] for finding in task["findings"]]
    assert found == []
    assert done.code == 0, done.stderr
    families = {family["family"]: family for family in done.json["families"]}
    assert sum(family["false_accept"]["n"] for family in families.values()) >= len(task_ids)
    assert all(family["false_accept"]["count"] == 0 for family in families.values())


def test_findings_have_consequences(gristmill: Run, planted_suites: dict[str, Path], tmp_path: Path) -> None:
    suite = linked(planted_suites["planted"], tmp_path / "suite", ["patch-file", "notes"])
    linked(planted_suites["clean"], suite, ["wheel"])
    rolled = gristmill("rollout", "suite", "--agent", "thief", "--agent", "oracle", "--json")
    assert rolled.code == 0, rolled.stderr
    audited = gristmill("audit", "suite", "--check", "leaks", "--out", "clean")
    assert audited.code == 1
    assert "patch-file" in audited.stdout and "/workspace/fix.diff" in audited.stdout
    assert {path.name for path in (tmp_path / "clean" / "tasks").iterdir()} == {"wheel"}
    assert json.loads((tmp_path / "clean" / "suite.json").read_text())["tasks"].keys() == {"wheel"}

    tasks = {row["id"]: row for row in gristmill("show", "tasks", "--json").json}
    assert {task_id: bool(row["findings"]) for task_id, row in tasks.items()} == {
        "patch-file": True,
        "notes": True,
        "wheel": False,
    }
    assert {row["kind"] for row in gristmill("show", "findings", "--json").json} == {"patch-file", "text"}

    exported = gristmill("export", "--to", "trl", "--out", "export", "--include-privileged", "--json")
    assert exported.json["rollouts"] == 1, "the oracle on the clean task"
    both = gristmill("export", "--to", "trl", "--out", "all", "--include-privileged", "--include-findings", "--json")
    assert both.json["rollouts"] == 3, "the oracle on all; the thief was seen"
    stolen = gristmill(
        "export", "--to", "trl", "--out", "negatives", "--attempts", "only", "--include-findings", "--json"
    )
    assert stolen.json["rollouts"] == 1
    (row,) = [json.loads(line) for line in (tmp_path / "negatives" / "train.jsonl").read_text().splitlines()]
    assert row["label"] is False
    assert "history-search" in row["attempts"]


def test_what_is_known_of_a_suite_goes_with_its_folder(
    gristmill: Run, planted_suites: dict[str, Path], tmp_path: Path
) -> None:
    linked(planted_suites["planted"], tmp_path / "suite", ["patch-file"])
    assert gristmill("audit", "suite", "--store", "one").code == 1
    assert gristmill("rollout", "suite", "--agent", "nop", "--store", "another").code == 0
    rows = gristmill("show", "findings", "--store", "another", "--json").json
    assert "patch-file" in {row["kind"] for row in rows}


def test_wrong_use_is_told_before_anything_starts(gristmill: Run) -> None:
    done = gristmill("audit", "nowhere")
    assert (done.code, done.stdout) == (2, "") and "nowhere" in done.stderr
    done = gristmill("audit", "nowhere", "--check", "luck")
    assert (done.code, done.stdout) == (2, "") and "leaks, cheats, strength" in done.stderr
