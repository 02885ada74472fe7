"""Tasks of the tiny repository with one or more bugs, each found by its own file of tests and mended by one mutation.

task = await task_with_bugs("clamp", "wrap", repository=repository, backend=backend, folder=folder, cache=cache)
"""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from environments import Backend, Diff, FileChange, running
from tasks import Provenance, Repository, Task, run_tests
from tasks.folder import RepositoryTask, read_task, write_repository_task
from tasks.verifiers.data import PytestData

from .tiny_repository import TINY_FILES


@dataclass(frozen=True)
class Bug:
    """In `path`, the first `clean` reads `broken`."""

    path: str
    clean: str
    broken: str


_NUMBERS, _TEXT, _STACK = "tinylib/numbers.py", "tinylib/text.py", "tinylib/stack.py"
BUGS = {
    "clamp": Bug(_NUMBERS, "if value > high:", "if value >= low:"),
    "mean": Bug(_NUMBERS, "if not values:", "if values:"),
    "totals": Bug(_NUMBERS, "total = total + value", "total = total - value"),
    "roman_one": Bug(_NUMBERS, "number < 1 or", "number <= 1 or"),
    "roman_most": Bug(_NUMBERS, "number > 39", "number >= 39"),
    "slug": Bug(_TEXT, "elif word:", "elif not word:"),
    "slug_letters": Bug(_TEXT, "if character.isalnum():", "if not character.isalnum():"),
    "wrap": Bug(_TEXT, "> width", ">= width"),
    "wrap_gap": Bug(_TEXT, "len(line) + 1 +", "len(line) + 2 +"),
    "pop": Bug(_STACK, "if not self._items:", "if self._items:"),
    "bounded": Bug(_STACK, "len(self) > self.size", "len(self) >= self.size"),
    "oldest": Bug(_STACK, "del self._items[0]", "del self._items[1]"),
}


def pairs_of_bugs() -> list[tuple[str, str]]:
    """Names of all two bugs that lie in different files."""
    return [(one, other) for one, other in combinations(BUGS, 2) if BUGS[one].path != BUGS[other].path]


async def task_with_bugs(*names: str, repository: Repository, backend: Backend, folder: Path, cache: Path) -> Task:
    """The bugs of these names in the tiny repository; all failing tests are shown. Written below `folder`."""
    clean = dict(TINY_FILES)
    broken = dict(TINY_FILES)
    for bug in (BUGS[name] for name in names):
        assert bug.clean in broken[bug.path], bug
        broken[bug.path] = broken[bug.path].replace(bug.clean, bug.broken, 1)
    paths = sorted({BUGS[name].path for name in names})
    files = {path: broken[path].encode() for path in paths}
    changes = tuple(FileChange(path=path, before=files[path], after=clean[path].encode()) for path in paths)
    async with running(backend, repository.verifier_spec()) as sandbox:
        await sandbox.write_files(files)
        report = await run_tests(sandbox, repository.stable_tests, timeout_sec=60)
    failing = tuple(result.node_id for result in report.results if result.outcome != "passed")
    source = repository.source
    draft = RepositoryTask(
        id="bugs-" + "-".join(name.replace("_", "-") for name in names),
        instruction="Some tests fail. Make them pass.",
        provenance=Provenance(source=source.spec, source_hash=source.hash, repository=source.name),
        files=files,
        reference=Diff(changes=changes),
        verifier_data=PytestData(
            fail_to_pass=failing,
            stable_tests=repository.stable_tests,
            shown=failing,
            import_paths=repository.recipe.import_paths,
            per_test_timeout_sec=5.0,
        ),
    )
    write_repository_task(draft, repository, folder / draft.id)
    return read_task(folder / draft.id, cache=cache)
