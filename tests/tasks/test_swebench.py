"""SWE-bench instances: ours come back byte for byte, others' become tasks that keep their row, faults are named."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from environments import Backend, Diff, FileChange
from tasks.contamination import Contamination, ContaminationList
from tasks.errors import BadInstance, BadTaskFolder
from tasks.folder import RepositoryTask, folder_hash
from tasks.repository import Repository
from tasks.suite import SuiteWriter, open_suite
from tasks.swebench import SIDECAR, export_suite, read_instances, write_instances
from tasks.swebench_import import ImportResult, import_instances
from tests.tasks.git_repository import GitRepository, git, wordlib

Import = Callable[..., Any]
FIELDS = ["instance_id", "repo", "base_commit", "patch", "test_patch", "problem_statement", "hints_text", "created_at",
          "version", "FAIL_TO_PASS", "PASS_TO_PASS", "environment_setup_commit"]  # fmt: skip


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    return wordlib(tmp_path_factory.mktemp("swebench") / "wordlib")


@pytest.fixture
def imported(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> Import:
    """Write rows to a file and import it to `tmp_path/NAME`."""

    async def run(rows: list[dict[str, Any]], name: str = "suite", **options: Any) -> ImportResult:
        write_instances(rows, tmp_path / f"{name}.jsonl")
        return await import_instances(
            read_instances(tmp_path / f"{name}.jsonl"),
            bubblewrap,
            out=tmp_path / name,
            cache=session_cache,
            jobs=2,
            **{"repositories": {}, **options},
        )

    return run


def row_of(words: GitRepository, name: str, **changes: Any) -> dict[str, Any]:
    """A commit of the repository as SWE-bench would write it, with a field that nobody knows."""
    commit = words.ids[name]

    def diff(*paths: str) -> str:
        command = ["git", "diff", "--binary", f"{commit}^", commit, "--", *paths]
        return subprocess.run(command, cwd=words.folder, capture_output=True, check=True).stdout.decode()

    return {
        "repo": "ada/wordlib",
        "instance_id": f"ada__wordlib-{list(words.ids).index(name)}",
        "base_commit": git(words.folder, "rev-parse", f"{commit}^"),
        "patch": diff(".", ":!tests"),
        "test_patch": diff("tests"),
        "problem_statement": "`first` gives the second word.\r\n\r\nIt should give the first.",
        "hints_text": "Look at the index.",
        "created_at": "2024-01-02T00:00:00Z",
        "version": "0.1",
        "FAIL_TO_PASS": '["tests/test_words.py::test_first", "tests/test_words.py::test_first_of_three"]',
        "PASS_TO_PASS": "[]",
        "environment_setup_commit": commit,
        "difficulty": {"minutes": 15, "by": None},
        **changes,
    }


# ------------------------------------------------------------------ others'


async def test_an_instance_becomes_a_task_and_keeps_its_row(
    words: GitRepository, imported: Import, tmp_path: Path, session_cache: Path
) -> None:
    row = row_of(words, "fix first")
    result = await imported([row], repositories={"ada/wordlib": f"git+file://{words.folder}"})
    assert result.accepted == ("ada__wordlib-1",), result.refused
    suite = open_suite(tmp_path / "suite", cache=session_cache)
    (task,) = suite.tasks()
    assert task.id == "ada__wordlib-1" and task.status == "validated"
    assert task.provenance.revision == row["base_commit"] and task.provenance.license == "MIT"
    assert task.verifier_data["fail_to_pass"] == tuple(json.loads(row["FAIL_TO_PASS"]))
    assert task.reference is not None and "CHANGES.md" in task.reference.paths
    assert export_suite(suite) == ([row], {}), "every field comes back, those that nobody knows too"
    agent = {path.name for layer in task.agent_spec.layers for path in layer.rglob("*")}
    assert SIDECAR not in agent and "test_words.py" not in agent


async def test_new_files_and_tests_that_could_not_be_collected(words: GitRepository, imported: Import) -> None:
    names = ["tests/test_loud.py::test_shout", "tests/test_loud.py::test_whisper"]
    row = row_of(words, "add shout", FAIL_TO_PASS=names, PASS_TO_PASS=["tests/test_words.py::test_count", "gone"])
    result = await imported([row], repositories={"ada/wordlib": str(words.folder)})
    assert result.accepted == (row["instance_id"],), result.refused


async def test_instances_that_do_not_hold_are_refused_with_the_reason(
    words: GitRepository, imported: Import, tmp_path: Path
) -> None:
    good = row_of(words, "fix first")
    other_line = good["patch"].replace("split()[1]", "split()[7]")
    rows = [
        {**good, "instance_id": "a", "FAIL_TO_PASS": '["tests/test_words.py::test_count"]'},
        {**good, "instance_id": "b", "patch": other_line},
        {**good, "instance_id": "c", "patch": good["test_patch"], "test_patch": ""},
        {**good, "instance_id": "d", "problem_statement": "Write return text.split()[0] in it."},
        {**good, "instance_id": "e", "repo": "ada/nowhere"},
        {**good, "instance_id": "f", "base_commit": "0" * 40},
    ]
    result = await imported(rows, repositories={"ada/wordlib": str(words.folder)})
    assert {key: reason.partition(":")[0] for key, reason in result.refused.items()} == {
        "a": "FAIL_TO_PASS not confirmed",
        "b": "patch does not apply",
        "c": "patch changes no source",
        "d": "instruction leaks",
        "e": "no repository",
        "f": "repository cannot be used",
    }
    assert "--repository ada/nowhere=git+URL" in result.refused["e"]
    reasons = [json.loads(line)["reason"] for line in (tmp_path / "suite/rejections.jsonl").read_text().splitlines()]
    assert len(reasons) == 6
    again = await imported(rows[3:4], "leaky", repositories={"ada/wordlib": str(words.folder)}, allow_leaks=True)
    assert again.accepted == ("d",)


async def test_benchmarks_that_are_imported_are_marked(
    words: GitRepository, imported: Import, tmp_path: Path, session_cache: Path
) -> None:
    known = Contamination(ContaminationList(instance_ids=frozenset({"ada__wordlib-1"})))
    row = row_of(words, "fix first")
    await imported([row], repositories={"ada/wordlib": str(words.folder)}, contamination=known)
    (task,) = open_suite(tmp_path / "suite", cache=session_cache).tasks()
    assert "contamination" in task.provenance.details


# ------------------------------------------------------------------ ours


async def test_our_tasks_come_back_byte_for_byte(
    tiny_draft: RepositoryTask,
    tiny_repository: Repository,
    imported: Import,
    tmp_path: Path,
    session_cache: Path,
) -> None:
    """A bug; and one with hidden tests, a missing file, a binary one, and a file that another tool wrote beside."""
    hidden = b"import tinylib.stack\r\n\r\n\r\ndef test_h():\r\n    tinylib.stack.Stack()"
    text = (tiny_repository.source.code / "tinylib/stack.py").read_bytes()
    missing = tiny_draft.model_copy(
        update={
            "id": "tinylib-missing",
            "files": {**tiny_draft.files, "tinylib/data.bin": bytes(range(256))},
            "absent": ("tinylib/stack.py",),
            "hidden": {"tests/test_hidden.py": hidden},
            "reference": Diff(
                changes=(*tiny_draft.reference.changes, FileChange(path="tinylib/stack.py", before=None, after=text))
            ),
        }
    )  # fmt: skip
    writer = SuiteWriter(tmp_path / "ours")
    writer.add(tiny_draft, tiny_repository)
    writer.add(missing, tiny_repository, {"notes/mine.txt": b"kept\n"})
    also = {"id": "tinylib-no-readme", "absent": ("README.md", "tinylib/stack.py")}  # prepared beside the other one
    writer.add(missing.model_copy(update=also), tiny_repository)
    writer.finish()
    suite = open_suite(tmp_path / "ours", cache=session_cache)
    rows, left_out = export_suite(suite)
    assert left_out == {} and [list(row) for row in rows] == [[*FIELDS, "gristmill"]] * 3
    assert rows[0]["FAIL_TO_PASS"] == json.dumps(tiny_draft.verifier_data.fail_to_pass)
    assert rows[0]["base_commit"] == tiny_repository.source.hash and rows[0]["repo"] == "tinylib"
    assert "+++ b/tests/test_hidden.py" in rows[1]["test_patch"] and rows[0]["test_patch"] == ""

    result = await imported(rows, "again")
    assert result.refused == {}
    again = open_suite(tmp_path / "again", cache=session_cache)
    for task_id, folder in suite.folders.items():
        assert folder_hash(again.folders[task_id]) == folder_hash(folder), task_id
    assert export_suite(again)[0] == rows


async def test_a_source_that_has_changed_is_told(
    tiny_draft: RepositoryTask, tiny_repository: Repository, imported: Import, tmp_path: Path, session_cache: Path
) -> None:
    writer = SuiteWriter(tmp_path / "ours")
    writer.add(tiny_draft, tiny_repository)
    writer.finish()
    (row,), _ = export_suite(open_suite(tmp_path / "ours", cache=session_cache))
    (tmp_path / "other").mkdir()
    (tmp_path / "other/x.py").write_text("x = 1\n")
    result = await imported([row], "again", repositories={"tinylib": str(tmp_path / "other")})
    assert "is not what the task was made from any more" in result.refused[tiny_draft.id]
    assert open_suite(tmp_path / "again", cache=session_cache).task_ids() == []


async def test_a_solution_that_does_not_hold_is_refused(
    tiny_draft: RepositoryTask, tiny_repository: Repository, imported: Import, tmp_path: Path, session_cache: Path
) -> None:
    writer = SuiteWriter(tmp_path / "ours")
    writer.add(tiny_draft, tiny_repository)
    writer.finish()
    (row,), _ = export_suite(open_suite(tmp_path / "ours", cache=session_cache))
    wrong = {**row, "patch": row["patch"].replace("+        return high", "+        return value")}
    result = await imported([wrong], "again")
    assert "the reference gets reward 0" in result.refused[tiny_draft.id]


def test_others_folders_are_left_out_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "suite" / "hello"
    for path, text in {"task.toml": "", "instruction.md": "Do.\n", "tests/test.sh": "true\n"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    rows, left_out = export_suite(open_suite(tmp_path / "suite", cache=tmp_path / "cache"))
    assert rows == [] and "needs a repository" in left_out["hello"]


# ------------------------------------------------------------------ files


GOOD: dict[str, Any] = {
    "instance_id": "a",
    "repo": "r",
    "base_commit": "c",
    "patch": "",
    "problem_statement": "p",
    "FAIL_TO_PASS": "[]",
}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["{"], r"x\.jsonl:1: "),
        (["", "1"], r"x\.jsonl:2: is no JSON object"),
        ([json.dumps({**GOOD, "patch": 5})], r"x\.jsonl:1: patch: "),
        ([json.dumps({key: GOOD[key] for key in GOOD if key != "repo"})], r"repo: Field required"),
        ([json.dumps({**GOOD, "FAIL_TO_PASS": "test_a"})], r"x\.jsonl:1: FAIL_TO_PASS"),
        ([json.dumps(GOOD), json.dumps(GOOD)], r"x\.jsonl:2: instance_id: a stands in line 1 too"),
        ([json.dumps({**GOOD, "gristmill": {"format": 99}})], r"gristmill\.format: .*this version reads 1"),
        (
            [json.dumps({**GOOD, "gristmill": {"format": 1, "source": "s", "source_hash": "h", "archives": {},
                                               "files": {"../x": "y"}}})],
            r"gristmill\.files: .*\.\./x",
        ),
    ],
)  # fmt: skip
def test_broken_rows_are_explained(tmp_path: Path, lines: list[str], told: str) -> None:
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    with pytest.raises(BadInstance, match=told):
        read_instances(tmp_path / "x.jsonl")


def test_strings_and_lists_of_tests_are_both_read(tmp_path: Path) -> None:
    rows = [
        {**GOOD, "FAIL_TO_PASS": '["t"]'},
        {**GOOD, "instance_id": "b", "FAIL_TO_PASS": ["t"], "patch": "a\r\n\ud800"},
    ]
    write_instances(rows, tmp_path / "x.jsonl")
    found = read_instances(tmp_path / "x.jsonl")
    assert [each.FAIL_TO_PASS for each in found] == [("t",), ("t",)]
    assert [each.row for each in found] == rows, "as they were, whatever they hold"


async def test_a_suite_is_not_written_over(imported: Import) -> None:
    await imported([])
    with pytest.raises(BadTaskFolder, match="holds a suite already"):
        await imported([])
