"""`gristmill swebench`: a suite to a file and back, and what is wrong with a file."""

import json
from pathlib import Path

from tasks.folder import RepositoryTask, folder_hash
from tasks.repository import Repository
from tasks.suite import SuiteWriter
from tests.e2e.conftest import Run


def test_there_and_back(
    gristmill: Run, tiny_draft: RepositoryTask, tiny_repository: Repository, tmp_path: Path
) -> None:
    writer = SuiteWriter(tmp_path / "suite")
    writer.add(tiny_draft, tiny_repository)
    writer.finish()
    done = gristmill("swebench", "export", "suite", "--out", "rows.jsonl", "--json")
    assert (done.code, done.json["instances"]) == (0, 1), done.stderr
    done = gristmill("swebench", "import", "rows.jsonl", "--out", "again", "--json")
    assert (done.code, done.json["accepted"]) == (0, [tiny_draft.id]), done.stderr
    assert folder_hash(tmp_path / "again/tasks" / tiny_draft.id) == folder_hash(
        tmp_path / "suite/tasks" / tiny_draft.id
    )
    assert gristmill("validate", "again").code == 0


def test_what_is_refused_is_told(gristmill: Run, tmp_path: Path) -> None:
    row = {"instance_id": "a__b-1", "repo": "a/b", "base_commit": "c", "patch": "", "problem_statement": "p",
           "FAIL_TO_PASS": "[]"}  # fmt: skip
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    done = gristmill("swebench", "import", "rows.jsonl", "--out", "suite")
    assert done.code == 1 and "no repository" in done.stdout and "rejections.jsonl" in done.stderr
    (tmp_path / "rows.jsonl").write_text(json.dumps({**row, "patch": None}))
    done = gristmill("swebench", "import", "rows.jsonl", "--out", "suite")
    assert done.code == 2 and "rows.jsonl:1: patch:" in done.stderr and "Traceback" not in done.stderr
    done = gristmill("swebench", "import", "rows.jsonl", "--out", "suite", "--repository", "a/b")
    assert done.code == 2 and "NAME=SOURCE" in done.stderr
