"""docs/quality.md by the real command: duplicates, contamination and difficulty, and a task shown to a person."""

import json
import re
import shlex
from pathlib import Path

import pytest

from environments import Diff, FileChange
from tasks.contamination import Contamination, ContaminationList, marked
from tasks.folder import RepositoryTask
from tasks.repository import Repository
from tasks.suite import SuiteWriter
from tests.e2e.conftest import Run

DOCS = Path(__file__).parents[2] / "docs" / "quality.md"
CODES = {"inspect": 0, "audit": 1, "contamination": 0, "show": 0, "export": 0}


def variant(draft: RepositoryTask, name: str, old: bytes, new: bytes, **difficulty: int) -> RepositoryTask:
    """The draft with another bug."""
    (change,) = draft.reference.changes
    assert change.after is not None and change.after.count(old) == 1
    buggy = change.after.replace(old, new)
    details = {**draft.provenance.details, "difficulty": {"files": 1, "lines": 2, "tests": 1, **difficulty}}
    return draft.model_copy(
        update={
            "id": name,
            "files": {change.path: buggy},
            "reference": Diff(changes=(FileChange(path=change.path, before=buggy, after=change.after),)),
            "provenance": draft.provenance.model_copy(update={"details": details}),
        }
    )


@pytest.fixture
def suites(tiny_draft: RepositoryTask, tiny_repository: Repository, tmp_path: Path) -> Path:
    """`suite`: four tasks, of which one is marked and one repeats a task of `older`; `benchmark` has one of them."""
    known = Contamination(ContaminationList(name="known", repositories=("someone/tinylib",)))
    clamp = variant(tiny_draft, "tinylib-clamp", b"        return high\n", b"        return low\n", distance=3)
    marks = known.check("x", clamp.provenance, "", None)
    mean = variant(tiny_draft, "tinylib-mean", b"sum(values) /", b"sum(values) *", distance=2)
    roman = variant(tiny_draft, "tinylib-roman", b"number >= value:", b"number > value:", distance=1)
    totals = variant(tiny_draft, "tinylib-totals", b"total + value", b"total - value", distance=4)
    totals = totals.model_copy(update={"provenance": marked(totals.provenance, marks)})
    older = roman.model_copy(update={"id": "old"})
    for name, drafts in {"suite": [clamp, mean, roman, totals], "older": [older]}.items():
        writer = SuiteWriter(tmp_path / name)
        for draft in drafts:
            writer.add(draft, tiny_repository)
        writer.finish()
    (tmp_path / "benchmark").mkdir()
    row = {"instance_id": "a__b-1", "repo": "a/b", "patch": mean.reference.text(), "problem_statement": "It is wrong."}
    (tmp_path / "benchmark" / "rows.jsonl").write_text(json.dumps(row) + "\n")
    return tmp_path


def test_the_commands_of_the_page_do_what_it_says(gristmill: Run, suites: Path) -> None:
    (block,) = re.findall(r"^```\n(gristmill .*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    *commands, export = [shlex.split(line)[1:] for line in block.splitlines()]
    assert gristmill("rollout", "suite", "--agent", "oracle").code == 0
    before = {row["task_id"]: row["evidence"] for row in gristmill("show", "findings", "--json").json}
    assert before == {"tinylib-totals": "the repository someone/tinylib is in known"}

    said = {}
    for command in commands:
        done = gristmill(*command)
        assert done.code == CODES[command[0]], done.stderr
        said[" ".join(command[:2])] = done.stdout
    assert "duplicate" in said["audit suite"] or "contaminated" in said["audit suite"]
    found = {row["task_id"]: row for row in gristmill("show", "findings", "--json").json}
    assert {task: row["kind"] for task, row in found.items()} == {
        "tinylib-mean": "contaminated",
        "tinylib-roman": "duplicate",
        "tinylib-totals": "contaminated",
    }
    assert found["tinylib-roman"]["place"] == "older/old"
    assert "with a__b-1 patch of benchmark" in found["tinylib-mean"]["evidence"]
    clean = json.loads((suites / "clean" / "suite.json").read_text())["tasks"]
    assert set(clean) == {"tinylib-clamp", "tinylib-roman"}, "without what this audit found"

    # The oracle alone tells no pass rate; what is left is what has no finding.
    assert gristmill(*export).code == 0
    where = ["--where", "difficulty_distance >= 2", "--include-privileged", "--overwrite", "--json"]
    manifest = gristmill("export", "--to", "trl", "--out", "export", *where).json
    assert (manifest["rollouts"], manifest["left_out"]["findings"]) == (1, 2)


def test_a_task_is_shown_to_a_person(gristmill: Run, suites: Path) -> None:
    shown = gristmill("inspect", "suite/tinylib-totals")
    assert shown.code == 0, shown.stderr
    for line in (
        "-        total = total - value",
        "+        total = total + value",
        "  shown   tests/test_numbers.py::test_clamp[11-10]",
        "  distance: 4",
        "  distance_median: no way is seen",
        "  license: MIT",
        "  kind: by hand",
        "  contaminated: the repository someone/tinylib is in known",
        "  the suite has no audit.json: gristmill audit SUITE",
    ):
        assert line in shown.stdout.splitlines()
    assert "\x1b[" not in shown.stdout, "no colours where nobody looks"
    data = gristmill("inspect", "suite/tasks/tinylib-totals", "--json").json
    assert (data["id"], data["difficulty"]["distance"], data["findings"]) == ("tinylib-totals", 4, None)


def test_what_an_audit_found_is_shown_with_the_task(gristmill: Run, suites: Path) -> None:
    finding = {"task_id": "tinylib-mean", "kind": "backup-file", "place": "/workspace/a.orig", "evidence": "return"}
    audits = [{"task_id": "tinylib-mean", "findings": [finding]}, {"task_id": "tinylib-clamp", "findings": []}]
    (suites / "suite" / "audit.json").write_text(json.dumps({"tasks": audits}))
    assert "  backup-file at /workspace/a.orig" in gristmill("inspect", "suite/tinylib-mean").stdout
    assert gristmill("inspect", "suite/tinylib-clamp", "--json").json["findings"] == []
    (suites / "suite" / "audit.json").write_text("[]")
    done = gristmill("inspect", "suite/tinylib-clamp")
    assert done.code == 2 and "audit.json: is no report" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("inspect", "suite"), "suite: is a suite; name one of its 4 tasks, e.g. suite/tinylib-clamp"),
        (("inspect", "suite/tinylib-men"), "suite has no task 'tinylib-men'; there are tinylib-mean"),
        (("inspect", "nowhere/x"), "nowhere/x: there is no such folder"),
        (("inspect", "benchmark"), "benchmark: has no task.toml"),
        (("audit", "suite", "--check", "contamination"), "--contamination FILE"),
        (("audit", "suite", "--contamination", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
        (("audit", "suite", "--against", "suite"), "is the suite itself"),
        (("contamination", "build", "nowhere", "--out", "x.yaml"), "nowhere: there is no such"),
    ],
)
def test_wrong_use_is_one_message(gristmill: Run, suites: Path, arguments: tuple[str, ...], message: str) -> None:
    done = gristmill(*arguments)
    assert done.code == 2, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr
