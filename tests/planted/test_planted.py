"""The planted suite keeps its word: every task in it is valid, and every weakness is real."""

from pathlib import Path

import pytest

from environments import Backend, running
from tasks.folder import read_task
from tasks.revalidate import reference_of_task, why_invalid
from tasks.suite import open_suite
from tasks.verifiers import get_verifier
from tests.planted import FAULTS, WEAK_VERIFIERS


def test_many_kinds_are_planted(planted_suites: dict[str, Path], session_cache: Path) -> None:
    assert len(FAULTS) >= 24
    assert len({fault.kind for fault in FAULTS.values()}) >= 20
    for folder in planted_suites.values():
        assert sorted(open_suite(folder, cache=session_cache).task_ids()) == sorted(FAULTS)


@pytest.mark.parametrize("task_id", FAULTS)
@pytest.mark.parametrize("suite", ["planted", "clean"])
async def test_the_reference_passes_and_nothing_fails(
    planted_suites: dict[str, Path], suite: str, task_id: str, session_cache: Path, bubblewrap: Backend
) -> None:
    task = read_task(planted_suites[suite] / "tasks" / task_id, cache=session_cache)
    assert task.reference is not None or task.solve_script is not None
    assert await why_invalid(task, await reference_of_task(task, bubblewrap), bubblewrap) == ""


@pytest.mark.parametrize("task_id", WEAK_VERIFIERS)
async def test_an_attempt_fools_the_weak_verifier_and_not_the_strong_one(
    planted_suites: dict[str, Path], task_id: str, session_cache: Path, bubblewrap: Backend
) -> None:
    rewards = {}
    for suite, folder in planted_suites.items():
        task = read_task(folder / "tasks" / task_id, cache=session_cache)
        attempt = WEAK_VERIFIERS[task_id].attempted(task.folder)
        verdict = await get_verifier(task.verifier).verify(task, attempt, bubblewrap)
        assert verdict.error is None
        rewards[suite] = verdict.reward
    is_unfair = FAULTS[task_id].kind == "false-reject"
    assert rewards == ({"planted": 0.0, "clean": 1.0} if is_unfair else {"planted": 1.0, "clean": 0.0})


GIT_LEAKS = [task_id for task_id in FAULTS if task_id.startswith("git-")]
MENDED = "2 * cents"  # stands only in the reference


@pytest.mark.parametrize("task_id", GIT_LEAKS)
async def test_git_shows_the_mended_line_where_the_kind_says(
    planted_suites: dict[str, Path], task_id: str, session_cache: Path, bubblewrap: Backend
) -> None:
    all_objects = "git cat-file --batch-all-objects --batch | grep -acF"
    of_refs = "git log --all -m --patch | grep -acF"
    hits = {}
    for suite, folder in planted_suites.items():
        task = read_task(folder / "tasks" / task_id, cache=session_cache)
        async with running(bubblewrap, task.agent_spec) as sandbox:
            for name, command in (("objects", all_objects), ("refs", of_refs)):
                done = await sandbox.run(["bash", "-c", f"{command} '{MENDED}'"], timeout_sec=10)
                hits[suite, name] = int(done.stdout)
            status = await sandbox.run(["git", "status", "--porcelain"], timeout_sec=10)
            assert (status.exit_code, status.stdout) == (0, ""), status.stderr
    is_reachable = FAULTS[task_id].kind == "git-history"
    assert hits["planted", "objects"] > 0
    assert (hits["planted", "refs"] > 0) == is_reachable
    assert hits["clean", "objects"] == hits["clean", "refs"] == 0


LEFT_FILES = [
    task_id for task_id, fault in FAULTS.items() if fault.place and task_id not in (*GIT_LEAKS, "environment-variable")
]


@pytest.mark.parametrize("task_id", LEFT_FILES)
async def test_the_leak_lies_in_the_agents_sandbox(
    planted_suites: dict[str, Path], task_id: str, session_cache: Path, bubblewrap: Backend
) -> None:
    task = read_task(planted_suites["planted"] / "tasks" / task_id, cache=session_cache)
    async with running(bubblewrap, task.agent_spec) as sandbox:
        files = await sandbox.run(["find", ".", "-type", "f"], timeout_sec=10)
    assert FAULTS[task_id].place in files.stdout


async def test_the_variable_holds_the_mended_line(
    planted_suites: dict[str, Path], session_cache: Path, bubblewrap: Backend
) -> None:
    for suite, folder in planted_suites.items():
        task = read_task(folder / "tasks" / "environment-variable", cache=session_cache)
        async with running(bubblewrap, task.agent_spec) as sandbox:
            shown = await sandbox.run(["printenv", "SHIPPING_NOTE"], timeout_sec=10)
        assert (MENDED in shown.stdout) == (suite == "planted")
