"""Suites from a repository: enough tasks, the same bytes for a seed, and nothing done twice after a kill."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from environments import Backend
from tasks.errors import BadTaskFolder
from tasks.generate import GenerateResult, generate
from tasks.repository import Repository
from tasks.revalidate import validate_suite
from tasks.suite import open_suite

KINDS = ["flip_comparison", "change_operator", "remove_assignment", "swap_returns"]


async def make(repository: Repository, backend: Backend, out: Path, n: int = 3, seed: int = 1) -> GenerateResult:
    return await generate(
        repository, backend, out=out, n=n, seed=seed, generators=KINDS, cache=repository.cache, jobs=2
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_every_task_holds_and_every_candidate_is_counted(
    tiny_repository: Repository, bubblewrap: Backend, tmp_path: Path
) -> None:
    result = await make(tiny_repository, bubblewrap, tmp_path / "suite")
    assert result.accepted == 3
    suite = open_suite(tmp_path / "suite", cache=tiny_repository.cache)
    assert len(suite.task_ids()) == 3
    checks = await validate_suite(suite, bubblewrap, jobs=2)
    assert [check.reason for check in checks] == ["", "", ""]
    rejected = (tmp_path / "suite" / "rejections.jsonl").read_text().splitlines()
    assert len(rejected) == sum(sum(each.rejections.values()) for each in result.yields)
    assert result.candidates == sum(each.candidates for each in result.yields) == 3 + len(rejected)


async def test_the_same_seed_gives_the_same_bytes(
    tiny_repository: Repository, bubblewrap: Backend, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        await make(tiny_repository, bubblewrap, tmp_path / name / "suite", n=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


async def test_a_folder_of_another_request_is_refused(
    tiny_repository: Repository, bubblewrap: Backend, tmp_path: Path
) -> None:
    first = await make(tiny_repository, bubblewrap, tmp_path / "suite", n=1)
    assert await make(tiny_repository, bubblewrap, tmp_path / "suite", n=1) == first
    with pytest.raises(BadTaskFolder, match="give another --out"):
        await make(tiny_repository, bubblewrap, tmp_path / "suite", n=1, seed=2)


PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from environments import get_backend
from tasks.generate import generate
from tasks.repository import prepare_repository
from tasks.source import fetch_source

async def main(folder, cache, kinds, out):
    backend = get_backend("bubblewrap")
    repository = await prepare_repository(fetch_source(folder, cache=cache), backend, cache=cache)
    await generate(repository, backend, out=out, n=3, seed=1, generators=json.loads(kinds), cache=cache, jobs=2,
                   on_progress=lambda progress: print("progress", progress.candidates, flush=True))

asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])))
"""


async def test_killed_and_started_again_it_gives_the_same_suite(
    tiny_repository: Repository, bubblewrap: Backend, tiny_folder: Path, tmp_path: Path
) -> None:
    await make(tiny_repository, bubblewrap, tmp_path / "whole" / "suite")
    command = [sys.executable, "-c", PROGRAM, str(tiny_folder), str(tiny_repository.cache), json.dumps(KINDS)]
    for candidates in (1, 3):
        process = subprocess.Popen([*command, str(tmp_path / "killed" / "suite")], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if line == f"progress {candidates}\n":
                break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    journal = tmp_path / "killed" / "suite" / ".journal"
    decided = [line.split()[0] for line in (journal / "decisions.jsonl").read_bytes().splitlines()]
    assert len(decided) >= 3 and len(set(decided)) == len(decided)
    with (journal / "decisions.jsonl").open("ab") as file:
        file.write(b'0123456789ab {"rejec')  # what a kill cut short
    subprocess.run([*command, str(tmp_path / "killed" / "suite")], check=True, stdout=subprocess.DEVNULL)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
