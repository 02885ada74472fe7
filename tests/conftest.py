"""What the tests of several rooms share: the real sandbox, and one tiny repository prepared once a session."""

import asyncio
from pathlib import Path

import pytest

from environments import Backend, Diff, FileChange, get_backend, running
from tasks.folder import RepositoryTask, read_task, write_repository_task
from tasks.repository import Repository, prepare_repository
from tasks.source import Source, fetch_source
from tasks.task import Provenance, Task
from tasks.testrun import run_tests
from tasks.verifiers.data import Definition, PytestData

from .planted import clean_twins, plant
from .tiny_repository import TINY_FILES

# These count what the machine has of processes, mounts and containers, or wait for the one Docker daemon.
_SHARE_THE_MACHINE = (
    "tests/e2e/faults/",
    "tests/environments/",
    "tests/e2e/test_killed.py",
    "tests/e2e/test_newcomer.py",
    "tests/e2e/test_pipeline.py",
    "tests/e2e/test_up.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Several at a time (`-n 2 --dist loadgroup`): the tests of a file stay together, with what they have made."""
    for item in items:
        file = item.nodeid.split("::")[0]
        group = "machine" if file.startswith(_SHARE_THE_MACHINE) or "docker" in item.nodeid else file
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def bubblewrap() -> Backend:
    """The embedded backend; skipped with the reason where it cannot run."""
    backend = get_backend("bubblewrap")
    if missing := backend.missing():
        pytest.skip(f"bubblewrap: {'; '.join(missing)}")
    return backend


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of sources and environments for the whole session."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as a folder: a package `tinylib` of three modules, and its tests."""
    folder = tmp_path_factory.mktemp("tinylib")
    for path, text in TINY_FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture(scope="session")
def tiny_source(tiny_folder: Path, session_cache: Path) -> Source:
    return fetch_source(str(tiny_folder), cache=session_cache)


@pytest.fixture(scope="session")
def tiny_repository(tiny_source: Source, session_cache: Path, bubblewrap: Backend) -> Repository:
    """The tiny repository with its real environment and its clean tests' results."""
    return asyncio.run(prepare_repository(tiny_source, bubblewrap, cache=session_cache))


@pytest.fixture(scope="session")
def tiny_draft(tiny_repository: Repository, bubblewrap: Backend) -> RepositoryTask:
    """A validated task, not yet written: in `clamp`, numbers above the upper limit become the lower one."""
    return asyncio.run(draft_with_bug(tiny_repository, bubblewrap))


@pytest.fixture(scope="session")
def tiny_task(
    tiny_draft: RepositoryTask,
    tiny_repository: Repository,
    session_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Task:
    """The same task, written to a folder and read back."""
    folder = tmp_path_factory.mktemp("tasks") / tiny_draft.id
    write_repository_task(tiny_draft, tiny_repository, folder)
    return read_task(folder, cache=session_cache)


SHOWN = "tests/test_numbers.py::test_clamp[11-10]"
HIDDEN = """\
import pytest

from tinylib import clamp


@pytest.mark.parametrize("value, expected", [(25, 10), (99, 10), (1000, 10)])
def test_clamp_far_above(value, expected):
    assert clamp(value, 0, 10) == expected
"""


@pytest.fixture(scope="session")
def planted_suites(
    tmp_path_factory: pytest.TempPathFactory, session_cache: Path, bubblewrap: Backend
) -> dict[str, Path]:
    """`planted`: tasks with one fault each, and `clean`: the same without; some failing tests stay hidden."""
    source = tmp_path_factory.mktemp("tinylib")
    for path, text in {**TINY_FILES, "tests/test_far_above.py": HIDDEN}.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    fetched = fetch_source(str(source), cache=session_cache)
    repository = asyncio.run(prepare_repository(fetched, bubblewrap, cache=session_cache))
    draft = asyncio.run(draft_with_bug(repository, bubblewrap))
    data = draft.verifier_data.model_copy(update={"shown": (SHOWN,)})
    draft = draft.model_copy(update={"verifier_data": data})
    folder = tmp_path_factory.mktemp("suites")
    planted = plant(folder / "planted", draft=draft, repository=repository, cache=session_cache)
    clean = clean_twins(folder / "clean", draft=draft, repository=repository, cache=session_cache)
    assert tuple(planted) == clean
    return {"planted": folder / "planted", "clean": folder / "clean"}


async def draft_with_bug(repository: Repository, backend: Backend) -> RepositoryTask:
    """`clamp` of the tiny repository with a bug, and the tests that tell."""
    path = "tinylib/numbers.py"
    clean = (repository.source.code / path).read_bytes()
    buggy = clean.replace(b"        return high\n", b"        return low\n")
    assert buggy != clean
    async with running(backend, repository.verifier_spec()) as sandbox:
        await sandbox.write_files({path: buggy})
        report = await run_tests(sandbox, repository.stable_tests, timeout_sec=60)
    failing = tuple(result.node_id for result in report.results if result.outcome != "passed")
    lines = clean.decode().splitlines()
    first, last = lines.index("def clamp(value, low, high):") + 1, lines.index("    return value") + 1
    reaching = repository.tests_reaching(path, range(first, last + 1))
    return RepositoryTask(
        id="tinylib-clamp",
        instruction="Numbers above the upper limit come out wrong. Make the failing tests pass.",
        provenance=Provenance(
            source=repository.source.spec,
            source_hash=repository.source.hash,
            license=repository.source.license,
            repository=repository.source.name,
            details={"kind": "by hand", "path": path, "lines": [8]},
        ),
        files={path: buggy},
        reference=Diff(changes=(FileChange(path=path, before=buggy, after=clean),)),
        verifier_data=PytestData(
            fail_to_pass=failing,
            pass_to_pass=tuple(test for test in reaching if test not in failing),
            stable_tests=repository.stable_tests,
            definition=Definition(path=path, first_line=first, last_line=last),
            import_paths=repository.recipe.import_paths,
            per_test_timeout_sec=5.0,
        ),
    )
