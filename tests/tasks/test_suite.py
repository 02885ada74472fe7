"""Suites: written task by task, gone on with after a kill, the same bytes each time."""

import shutil
from pathlib import Path

import pytest
from pydantic import BaseModel

from environments import Backend
from tasks.errors import BadTaskFolder
from tasks.folder import RepositoryTask
from tasks.repository import Repository
from tasks.suite import MANIFEST, SuiteWriter, open_suite, prepare_suite
from tasks.verifiers import get_verifier


class Refused(BaseModel):
    candidate_id: str
    reason: str


def write_suite(folder: Path, draft: RepositoryTask, repository: Repository, *, ids: tuple[str, ...]) -> SuiteWriter:
    writer = SuiteWriter(folder, name="tiny")
    for task_id in ids:
        if task_id not in writer.task_ids:
            writer.add(draft.model_copy(update={"id": task_id}), repository)
    writer.reject(Refused(candidate_id="c2", reason="survived"))
    writer.reject(Refused(candidate_id="c1", reason="timeout"))
    return writer


def test_a_suite_is_written_and_opened(
    tiny_draft: RepositoryTask, tiny_repository: Repository, tmp_path: Path, session_cache: Path
) -> None:
    manifest = write_suite(tmp_path / "s", tiny_draft, tiny_repository, ids=("a", "b")).finish({"seed": 1})
    suite = open_suite(tmp_path / "s", cache=session_cache)
    assert suite.manifest == manifest and suite.task_ids() == ["a", "b"]
    assert [task.instruction for task in suite.tasks()] == [tiny_draft.instruction] * 2
    archives = [tmp_path / "s" / "tasks" / name / "environment" / "source.tar.gz" for name in ("a", "b")]
    assert archives[0].stat().st_size < 4096 or archives[0].samefile(archives[1])
    with pytest.raises(BadTaskFolder, match="has no task 'c'"):
        suite.task("c")


def test_a_killed_writer_is_gone_on_with(
    tiny_draft: RepositoryTask, tiny_repository: Repository, tmp_path: Path
) -> None:
    whole = write_suite(tmp_path / "whole", tiny_draft, tiny_repository, ids=("a", "b")).finish()
    write_suite(tmp_path / "cut", tiny_draft, tiny_repository, ids=("a",))
    assert not (tmp_path / "cut" / MANIFEST).exists()
    again = write_suite(tmp_path / "cut", tiny_draft, tiny_repository, ids=("a", "b")).finish()
    assert again.hash == whole.hash
    assert (tmp_path / "cut/rejections.jsonl").read_bytes() == (tmp_path / "whole/rejections.jsonl").read_bytes()


def test_an_edited_task_changes_the_hash(
    tiny_draft: RepositoryTask, tiny_repository: Repository, tmp_path: Path, session_cache: Path
) -> None:
    manifest = write_suite(tmp_path / "s", tiny_draft, tiny_repository, ids=("a",)).finish()
    (tmp_path / "s" / MANIFEST).unlink()
    (tmp_path / "s/tasks/a/instruction.md").write_text("Something else.\n")
    assert open_suite(tmp_path / "s", cache=session_cache).manifest.hash != manifest.hash


async def test_another_machine_makes_the_environment(
    tiny_draft: RepositoryTask, tiny_repository: Repository, tmp_path: Path, bubblewrap: Backend
) -> None:
    write_suite(tmp_path / "s", tiny_draft, tiny_repository, ids=("a",)).finish()
    suite = open_suite(tmp_path / "s", cache=tmp_path / "empty cache")
    await prepare_suite(suite, bubblewrap, cache=tmp_path / "empty cache")
    task = suite.task("a")
    assert task.reference is not None
    assert (await get_verifier(task.verifier).verify(task, task.reference, bubblewrap)).is_solved


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", r"suite\.json: : Invalid JSON"),
        ('{"name": "x", "tasks": {}}', r"suite\.json: hash: Field required"),
        ('{"name": "x", "hash": "0", "tasks": {"gone": "0"}}', r"suite\.json: tasks: 'gone' has no folder"),
    ],
)
def test_broken_manifests_are_explained(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(BadTaskFolder, match=told):
        open_suite(tmp_path, cache=tmp_path)


def test_a_folder_of_nothing_is_no_suite(tmp_path: Path) -> None:
    with pytest.raises(BadTaskFolder, match="holds neither"):
        open_suite(tmp_path, cache=tmp_path)
    shutil.rmtree(tmp_path)
    with pytest.raises(BadTaskFolder, match="no such folder"):
        open_suite(tmp_path, cache=tmp_path)
