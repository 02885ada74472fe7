"""The `graded` verifier: a grader looks at the agent's changes in a fresh sandbox.

Only changes of accepted paths reach it; files that only the verifier has lie over them.
"""

import asyncio
import re
import shlex
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from environments.diff import Diff
from environments.errors import EnvironmentFault
from environments.sandbox import Backend, Sandbox, running
from environments.spec import SandboxSpec
from tasks._archive import files_layer
from tasks.errors import TaskFault, VerifierFault
from tasks.graders import CannotGrade, Grade, Grader, Ran, get_grader, read_data
from tasks.task import Task
from tasks.verdict import Check, Verdict
from tasks.verifiers._apply import SortedDiff, apply_diff, layer_files
from tasks.verifiers.data import GradedData

_EVIDENCE = 20_000
_PUT_SEC = 60
# Whatever stands where a file is to go, links and files in the place of its folders too, is removed.
_CLEAR = """for path in "$@"; do
    at=""
    case "$path" in /*) at="/"; path="${path#/}";; esac
    rest="$path"
    while [ "$rest" != "${rest#*/}" ]; do
        at="$at${rest%%/*}"; rest="${rest#*/}"
        if [ -L "$at" ] || { [ -e "$at" ] && [ ! -d "$at" ]; }; then rm -f -- "$at"; fi
        at="$at/"
    done
    rm -rf -- "$at$rest"
done"""


class GradedVerifier:
    """Reward and checks as the task's grader gives them."""

    name = "graded"

    async def verify(self, task: Task, diff: Diff, backend: Backend) -> Verdict:
        """Never raises for what the diff does; infrastructure trouble comes back as `error`."""
        started = time.perf_counter()
        chosen = accepted_part(task, diff)
        try:
            graded = GradedData.model_validate(task.verifier_data)
            grader = get_grader(graded.grader)
            data = read_data(grader, graded.data)
            async with running(backend, task.verifier_spec) as sandbox:
                await apply_diff(sandbox, chosen.diff)
                verdict = await _graded(sandbox, grader, data, task.verifier_timeout_sec)
        except (EnvironmentFault, TaskFault) as fault:
            verdict = Verdict(reward=0.0, error=str(fault))
        seconds = time.perf_counter() - started
        return verdict.model_copy(update={"dropped_paths": chosen.dropped, "duration_sec": seconds})


async def _graded(sandbox: Sandbox, grader: Grader, data: Any, timeout_sec: float) -> Verdict:
    try:
        async with asyncio.timeout(timeout_sec):
            grade = await grader.grade(SandboxWork(sandbox), data)
    except TimeoutError:
        return Verdict(reward=0.0, error=f"grader {grader.name} did not end within {timeout_sec:g} s")
    except CannotGrade as fault:
        return Verdict(reward=0.0, error=f"grader {grader.name}: {fault}")
    except (EnvironmentFault, VerifierFault):
        raise
    except Exception as error:  # noqa: BLE001 - a fault in a grader says nothing about the answer
        return Verdict(reward=0.0, error=f"grader {grader.name} failed: {type(error).__name__}: {error}")
    return as_verdict(grade)


def as_verdict(grade: Grade) -> Verdict:
    """Reward within 0…1, parts as checks."""
    checks = tuple(Check(name=part.name, passed=part.passed, detail=part.detail) for part in grade.parts)
    return Verdict(reward=min(1.0, max(0.0, grade.reward)), checks=checks, evidence=grade.evidence[-_EVIDENCE:])


class SandboxWork:
    """`Work` on a running sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def read(self, path: str, *, max_bytes: int = 10_000_000) -> bytes | None:
        try:
            content = await self._sandbox.read_file(path, max_bytes=max_bytes + 1)
        except (FileNotFoundError, IsADirectoryError):
            return None
        return content if len(content) <= max_bytes else None

    async def run(
        self,
        command: Sequence[str],
        *,
        timeout_sec: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Ran:
        done = await self._sandbox.run(command, timeout_sec=timeout_sec, stdin=stdin, env=env, cwd=cwd)
        return Ran(done.exit_code, done.stdout, done.stderr, timed_out=done.timed_out)

    async def put(self, files: Mapping[str, bytes]) -> None:
        done = await self._sandbox.run(["sh", "-c", _CLEAR, "sh", *files], timeout_sec=_PUT_SEC)
        if done.exit_code != 0:
            raise VerifierFault(f"{shlex.join(files)} could not be laid into the sandbox: {done.stderr.strip()[-500:]}")
        await self._sandbox.write_files(files)


def accepted_part(task: Task, diff: Diff) -> SortedDiff:
    """What of a diff reaches the grader: accepted paths, none of them where the verifier's own files lie."""
    accepts = tuple(task.verifier_data.get("accepts", ()))
    given = layer_files(task.agent_spec.layers)
    hidden = layer_files(tuple(layer for layer in task.verifier_spec.layers if layer not in task.agent_spec.layers))
    above_hidden = {str(parent) for path in hidden for parent in PurePosixPath(path).parents}
    above_given = {str(parent) for path in given for parent in PurePosixPath(path).parents}

    def counts(path: str) -> bool:
        parents = {str(parent) for parent in PurePosixPath(path).parents}
        if path in hidden or path in above_hidden or parents & (hidden | (above_hidden - above_given - {"."})):
            return False
        if not accepts:
            return path not in given and path not in above_given and not parents & given
        return any(_pattern(glob).fullmatch(path) for glob in accepts)

    dropped = tuple(path for path in diff.paths if not counts(path))
    return SortedDiff(diff=diff.filtered(counts), dropped=dropped)


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> "re.Pattern[str]":
    """`*` and `?` stay within one folder, `**` does not; a folder's name with `/` at its end means all below."""
    text = f"{glob}**" if glob.endswith("/") else glob
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)


async def grade_files(
    grader_name: str,
    data: dict[str, Any],
    files: Mapping[str, bytes],
    backend: Backend,
    *,
    hidden: Mapping[str, bytes] | None = None,
    timeout_sec: float = 120.0,
) -> Verdict:
    """What a grader says of these files in a sandbox that has nothing else; for tests of graders.

    Raises TaskFault for an unknown grader or wrong data.
    """
    grader = get_grader(grader_name)
    checked = read_data(grader, data)
    with tempfile.TemporaryDirectory() as cache:
        layers = tuple(files_layer(each, Path(cache)) for each in (files, hidden or {}) if each)
        async with running(backend, SandboxSpec(layers=layers)) as sandbox:
            return await _graded(sandbox, grader, checked, timeout_sec)
