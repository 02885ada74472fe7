"""Whole extensions of a real suite, validated in real sandboxes."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from agents.agent import AgentLimits
from agents.lookup import Lookup
from agents.rollout import roll_out
from environments import Backend, Diff, FileChange
from tasks.errors import BadTaskFolder
from tasks.extension import ExtendResult, extend
from tasks.extension.folders import read_piece
from tasks.extension.piece import Piece, holds
from tasks.extension.plan import levels_of
from tasks.suite import Suite, SuiteWriter, open_suite
from tasks.task import Task
from tasks.verifiers import get_verifier
from trajectories.rollout import RolloutKey


def run(
    suite: Suite, backend: Backend, out: Path, by: str, *, levels: int = 2, n: int = 2, seed: int = 1
) -> ExtendResult:
    return asyncio.run(extend(suite, backend, by=by, levels=levels, out=out, n=n, seed=seed, cache=suite.cache, jobs=2))


async def reward(task: Task, answers: dict[str, str], backend: Backend) -> float:
    """What the verifier gives for these files."""
    changes = tuple(FileChange(path=path, before=None, after=text.encode()) for path, text in answers.items())
    verdict = await get_verifier(task.verifier).verify(task, Diff(changes=changes), backend)
    assert not verdict.error, verdict.error
    return verdict.reward


def test_depth_makes_tasks_that_the_inner_answer_does_not_solve(
    atomic_suite: Suite, bubblewrap: Backend, tmp_path: Path
) -> None:
    result = run(atomic_suite, bubblewrap, tmp_path / "deep", "depth", levels=3, n=2)
    assert result.accepted == 2 and result.levels == {2: 1, 3: 1}
    suite = open_suite(tmp_path / "deep", cache=atomic_suite.cache)
    for task in suite.tasks():
        details = task.provenance.details
        assert task.status == "validated" and task.provenance.generator == "extend"
        assert details["level"] == len(details["steps"]) and details["by"] == "depth"
        *inner, last = [step["answer"] for step in details["steps"]]
        assert not any(holds(task.instruction, answer) for answer in (*inner, last))
        assert task.reference is not None and task.reference.paths == ("answer.txt",)
        assert asyncio.run(reward(task, {"answer.txt": last}, bubblewrap)) == 1
        assert asyncio.run(reward(task, {"answer.txt": inner[-1]}, bubblewrap)) < 1
        assert read_piece(task.folder).level == details["level"]  # and may grow on


@pytest.mark.parametrize("by", ["chain", "width"])
def test_one_part_alone_is_not_enough(atomic_suite: Suite, bubblewrap: Backend, tmp_path: Path, by: str) -> None:
    run(atomic_suite, bubblewrap, tmp_path / by, by, n=1)
    (task,) = open_suite(tmp_path / by, cache=atomic_suite.cache).tasks()
    answers = [step["answer"] for step in task.provenance.details["steps"]]
    files = {f"answer_{at}.txt": answer for at, answer in enumerate(answers, start=1)}
    assert asyncio.run(reward(task, files, bubblewrap)) == 1
    for path in files:
        alone = asyncio.run(reward(task, {path: files[path]}, bubblewrap))
        assert alone < 1
        assert alone == (0 if by == "chain" and path == "answer_2.txt" else 0.5)


def test_killed_and_started_again_it_gives_the_same_bytes(
    atomic_suite: Suite, bubblewrap: Backend, tmp_path: Path
) -> None:
    whole = run(atomic_suite, bubblewrap, tmp_path / "whole", "width", n=2)

    class Killed(Exception):
        pass

    def kill(accepted: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        asyncio.run(
            extend(
                atomic_suite,
                bubblewrap,
                by="width",
                levels=2,
                out=tmp_path / "cut",
                n=2,
                seed=1,
                cache=atomic_suite.cache,
                jobs=1,
                on_progress=kill,
            )
        )
    again = run(atomic_suite, bubblewrap, tmp_path / "cut", "width", n=2)
    assert again.suite_hash == whole.suite_hash
    assert run(atomic_suite, bubblewrap, tmp_path / "cut", "width", n=2) == again  # nothing left to do
    with pytest.raises(BadTaskFolder, match="made from something else"):
        run(atomic_suite, bubblewrap, tmp_path / "cut", "width", n=2, seed=2)


def test_reasons_are_counted_and_kept(pieces: list[Piece]) -> None:
    reasons: Counter[str] = Counter()
    streams = levels_of(
        pieces, by="depth", levels=3, seed=1, tell=lambda made_of, refused: reasons.update([refused.reason])
    )
    made = {level: list(stream) for level, stream in streams.items()}
    assert len(made[2]) >= 10 and len(made[3]) >= 5
    assert {piece.level for piece in made[3]} == {3}
    assert set(reasons) <= {
        "shortcut: a document holds the start and the answer",
        "leak: the answer stands in the instruction",
        "circular: the answer is where it starts",
    }
    again = levels_of(pieces, by="depth", levels=3, seed=1, tell=lambda made_of, refused: None)
    assert [piece.id for piece in again[2]] == [piece.id for piece in made[2]]
    other = levels_of(pieces, by="depth", levels=2, seed=2, tell=lambda made_of, refused: None)
    assert [piece.id for piece in other[2]] != [piece.id for piece in made[2]]


def test_a_suite_without_types_is_told(tmp_path: Path, bubblewrap: Backend, tiny_task: Task) -> None:
    writer = SuiteWriter(tmp_path / "repairs")
    contents = {
        path.relative_to(tiny_task.folder).as_posix(): path.read_bytes()
        for path in tiny_task.folder.rglob("*")
        if path.is_file()
    }
    writer.add_folder(tiny_task.id, contents, ("tests/test.sh",))
    writer.finish()
    suite = open_suite(tmp_path / "repairs", cache=tmp_path / "cache")
    with pytest.raises(BadTaskFolder, match=r"no task can be extended.*docs/extension.md"):
        run(suite, bubblewrap, tmp_path / "out", "depth")
    kept = [json.loads(line) for line in (tmp_path / "out/rejections.jsonl").read_text().splitlines()]
    assert [each["reason"] for each in kept] == ["not a graded task"]


def test_lookup_solves_fewer_of_the_deeper_tasks(atomic_suite: Suite, bubblewrap: Backend, tmp_path: Path) -> None:
    """The whole table, over more tasks, is in docs/extension.md."""
    run(atomic_suite, bubblewrap, tmp_path / "deep", "depth", levels=4, n=12)
    deep = open_suite(tmp_path / "deep", cache=atomic_suite.cache)
    atomic = [task for task in atomic_suite.tasks() if "linked" in task.id][:12]
    deepest = [task for task in deep.tasks() if task.provenance.details["level"] >= 3]
    assert len(deepest) >= 6
    rates = [asyncio.run(solved(tasks, bubblewrap)) / len(tasks) for tasks in (atomic, deepest)]
    assert rates[0] >= 0.5 and rates[1] <= 0.6 * rates[0]


async def solved(tasks: list[Task], backend: Backend) -> int:
    slots = asyncio.Semaphore(2)

    async def one(task: Task) -> bool:
        key = RolloutKey(suite_hash="s", task_id=task.id, agent="lookup", backend="bubblewrap", attempt=0)
        async with slots:
            rollout = await roll_out(task, Lookup(), backend, key=key, limits=AgentLimits(), model=None)
        assert rollout.ending == "submitted", rollout.ending_detail
        return rollout.verdict.is_solved

    return sum(await asyncio.gather(*map(one, tasks)))
