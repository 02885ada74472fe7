"""The `graded` verifier: what reaches the grader, and what an agent cannot reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from environments import Backend, Diff, FileChange, SandboxSpec, running
from environments.diff import SYMLINK
from tasks import graders
from tasks._archive import files_layer
from tasks.errors import TaskFault
from tasks.graders.grading import CannotGrade, Grade, Part, Work
from tasks.task import Provenance, Task
from tasks.verifiers import get_verifier, judged_part
from tasks.verifiers.graded import SandboxWork, grade_files


@dataclass(frozen=True)
class LookData:
    paths: tuple[str, ...] = ()
    trouble: str = ""


class LookGrader:
    """Tells what lies at some paths, as evidence."""

    name = "look"
    Data = LookData

    async def grade(self, work: Work, data: Any) -> Grade:
        if data.trouble == "cannot":
            raise CannotGrade("the database is not there")
        if data.trouble == "bug":
            return Grade({}["nothing"])
        if data.trouble == "slow":
            await work.run(["sleep", "30"], timeout_sec=60)
        if data.trouble == "too much":
            return Grade(7.5)
        found = [await work.read(path) for path in data.paths]
        parts = tuple(Part(path, content is not None) for path, content in zip(data.paths, found, strict=True))
        return Grade(float(all(part.passed for part in parts)), parts, repr(found))


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(graders.GRADERS._ours, "look", f"{__name__}:LookGrader")


def task_of(
    tmp_path: Path,
    *,
    given: dict[str, bytes],
    hidden: dict[str, bytes] | None = None,
    accepts: Sequence[str] = (),
    look: Sequence[str] = (),
    trouble: str = "",
    timeout: float = 20.0,
) -> Task:
    agent = SandboxSpec(layers=(files_layer(given, tmp_path),))
    over = (files_layer(hidden, tmp_path, seconds=1),) if hidden else ()
    return Task(
        id="t",
        folder=tmp_path,
        instruction="",
        provenance=Provenance(source="", source_hash=""),
        agent_spec=agent,
        verifier_spec=agent.model_copy(update={"layers": (*agent.layers, *over)}),
        verifier="graded",
        verifier_data={
            "grader": "look",
            "accepts": list(accepts),
            "data": {"paths": list(look), "trouble": trouble},
        },
        verifier_timeout_sec=timeout,
    )


def changed(*changes: tuple[str, bytes | None, bytes | None], link: tuple[str, str] | None = None) -> Diff:
    found = [FileChange(path=path, before=before, after=after) for path, before, after in changes]
    if link is not None:
        found.append(FileChange(path=link[0], before=None, after=link[1].encode(), mode=SYMLINK))
    return Diff(changes=tuple(found))


async def evidence(task: Task, diff: Diff, backend: Backend) -> tuple[str, tuple[str, ...]]:
    verdict = await get_verifier("graded").verify(task, diff, backend)
    assert verdict.error is None, verdict.error
    return verdict.evidence, verdict.dropped_paths


async def test_changes_of_given_files_do_not_count(tmp_path: Path, bubblewrap: Backend) -> None:
    task = task_of(tmp_path, given={"data.csv": b"real"}, look=["data.csv", "answer.txt", "sub/more.txt"])
    diff = changed(("data.csv", b"real", b"easier"), ("answer.txt", None, b"42"), ("sub/more.txt", None, b"x"))
    assert await evidence(task, diff, bubblewrap) == ("[b'real', b'42', b'x']", ("data.csv",))


async def test_only_accepted_paths_count(tmp_path: Path, bubblewrap: Backend) -> None:
    task = task_of(tmp_path, given={"data.csv": b"real"}, accepts=["answer.*", "src/**/*.py"], look=["answer.txt"])
    diff = changed(
        ("answer.txt", None, b"42"),
        ("answer.d/x", None, b""),
        ("src/a.py", None, b""),
        ("src/b/c.py", None, b""),
        ("src/b.txt", None, b""),
        ("data.csv", b"real", None),
    )
    assert await evidence(task, diff, bubblewrap) == ("[b'42']", ("answer.d/x", "data.csv", "src/b.txt"))


async def test_a_given_file_may_be_the_work(tmp_path: Path, bubblewrap: Backend) -> None:
    task = task_of(tmp_path, given={"data.csv": b"dirty"}, accepts=["data.csv"], look=["data.csv"])
    assert await evidence(task, changed(("data.csv", b"dirty", b"clean")), bubblewrap) == ("[b'clean']", ())


@pytest.mark.parametrize(
    "diff",
    [
        changed(("tests/check.py", None, b"pass")),
        changed(("tests", None, b"a file in the place of the folder")),
        changed(link=("tests", "/tmp")),
        changed(link=("tests/check.py", "../answer.txt")),
        changed(("tests/check.py/below", None, b"")),
        changed(("tests/conftest.py", None, b"import os; os._exit(0)")),
    ],
)
async def test_hidden_files_lie_over_whatever_an_agent_did(tmp_path: Path, bubblewrap: Backend, diff: Diff) -> None:
    task = task_of(
        tmp_path,
        given={"a.txt": b""},
        hidden={"tests/check.py": b"assert real"},
        accepts=["**"],
        look=["tests/check.py"],
    )
    found, dropped = await evidence(task, diff, bubblewrap)
    assert found == "[b'assert real']" and dropped == diff.paths


async def test_a_link_out_of_the_sandbox_leads_nowhere(tmp_path: Path, bubblewrap: Backend) -> None:
    """/etc/hostname is this machine's outside; inside there is another one or none."""
    outside = tmp_path / "secret.txt"
    outside.write_bytes(b"of the host")
    task = task_of(tmp_path, given={"a.txt": b""}, look=["answer.txt"])
    found, _ = await evidence(task, changed(link=("answer.txt", str(outside))), bubblewrap)
    assert found == "[None]"


async def test_infrastructure_is_no_wrong_answer(tmp_path: Path, bubblewrap: Backend) -> None:
    verifier = get_verifier("graded")
    for trouble, timeout, told in (
        ("cannot", 20.0, "the database is not there"),
        ("bug", 20.0, "KeyError: 'nothing'"),
        ("slow", 0.5, "did not end within 0.5 s"),
    ):
        task = task_of(tmp_path, given={"a.txt": b""}, trouble=trouble, timeout=timeout)
        verdict = await verifier.verify(task, Diff(), bubblewrap)
        assert verdict.reward == 0.0 and not verdict.is_solved
        assert told in (verdict.error or ""), trouble
    task = task_of(tmp_path, given={"a.txt": b""}).model_copy(update={"verifier_data": {"grader": "no such"}})
    assert "no grader is called 'no such'" in ((await verifier.verify(task, Diff(), bubblewrap)).error or "")


async def test_rewards_stay_within_bounds(tmp_path: Path, bubblewrap: Backend) -> None:
    task = task_of(tmp_path, given={"a.txt": b""}, trouble="too much")
    assert (await get_verifier("graded").verify(task, Diff(), bubblewrap)).reward == 1.0


def test_two_diffs_with_the_same_judged_part_are_one(tmp_path: Path) -> None:
    task = task_of(tmp_path, given={"a.txt": b""}, accepts=["answer.txt"])
    answer = ("answer.txt", None, b"42")
    assert judged_part(task, changed(answer, ("scratch.py", None, b"x"))) == judged_part(task, changed(answer))
    assert judged_part(task, changed(("scratch.py", None, b"x"))) == ""


async def test_what_a_grader_puts_replaces_links_and_folders(bubblewrap: Backend) -> None:
    async with running(bubblewrap, SandboxSpec()) as sandbox:
        setup = "ln -s /tmp dir; ln -s /etc/passwd file; mkdir -p deep/folder/x; echo y > deep/plain"
        assert (await sandbox.run(["sh", "-c", setup], timeout_sec=10)).exit_code == 0
        work = SandboxWork(sandbox)
        await work.put({"dir/a": b"1", "file": b"2", "deep/folder": b"3", "deep/plain/b c": b"4", "/tmp/e": b"5"})
        kinds = await work.run(["sh", "-c", "stat -c '%n %F' dir file deep/folder deep/plain; ls /tmp"], timeout_sec=10)
        paths = ("dir/a", "file", "deep/folder", "deep/plain/b c", "/tmp/e")
        assert [await work.read(path) for path in paths] == [b"1", b"2", b"3", b"4", b"5"]
    assert kinds.stdout.splitlines() == [
        "dir directory",
        "file regular file",
        "deep/folder regular file",
        "deep/plain directory",
        "e",
    ]


async def test_reading_has_a_limit_and_running_tells_how_it_ended(bubblewrap: Backend) -> None:
    async with running(bubblewrap, SandboxSpec()) as sandbox:
        work = SandboxWork(sandbox)
        await work.put({"ten": b"0123456789"})
        assert await work.read("ten", max_bytes=10) == b"0123456789"
        assert await work.read("ten", max_bytes=9) is None
        assert await work.read("nothing") is None and await work.read(".") is None
        ran = await work.run(["sh", "-c", "cat; echo $X >&2; exit 3"], timeout_sec=5, stdin=b"in", env={"X": "y"})
        assert (ran.exit_code, ran.stdout, ran.stderr, ran.timed_out) == (3, "in", "y\n", False)
        stopped = await work.run(["sleep", "9"], timeout_sec=0.2)
        assert stopped.exit_code is None and stopped.timed_out


async def test_graders_are_tried_on_files_alone(bubblewrap: Backend) -> None:
    verdict = await grade_files(
        "look", {"paths": ["a", "b", "c"]}, {"a": b"1", "b": b"2"}, bubblewrap, hidden={"b": b"3"}
    )
    assert verdict.evidence == "[b'1', b'3', None]" and [check.passed for check in verdict.checks] == [
        True,
        True,
        False,
    ]
    with pytest.raises(TaskFault, match="grader look: pahts: Unexpected keyword"):
        await grade_files("look", {"pahts": []}, {}, bubblewrap)
