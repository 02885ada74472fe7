"""A repository is prepared once: environment, stable tests, which test reaches which line."""

from pathlib import Path

import pytest

from environments import Backend, running
from tasks.errors import BadSource
from tasks.repository import Repository, prepare_repository
from tasks.source import fetch_source
from tasks.testrun import run_tests


def test_stable_tests_are_those_that_always_pass(tiny_repository: Repository) -> None:
    assert "tests/test_numbers.py::test_clamp[-5-0]" in tiny_repository.stable_tests
    assert tiny_repository.unstable_tests == {"tests/test_text.py::test_skipped": "skipped"}
    assert len(tiny_repository.stable_tests) == 29


def test_lines_know_their_tests(tiny_repository: Repository) -> None:
    source = (tiny_repository.source.code / "tinylib/numbers.py").read_text().splitlines()
    line = source.index("        return 0.0") + 1
    assert tiny_repository.tests_reaching("tinylib/numbers.py", range(line, line + 1)) == (
        "tests/test_numbers.py::test_mean_of_nothing",
    )


async def test_the_agent_sees_no_tests(tiny_repository: Repository, bubblewrap: Backend) -> None:
    async with running(bubblewrap, tiny_repository.agent_spec()) as sandbox:
        listed = await sandbox.run(["find", ".", "-type", "f"], timeout_sec=10)
        version = await sandbox.run(
            ["python", "-c", "import tinylib, importlib.metadata as m; print(tinylib.__file__, m.version('tinylib'))"],
            timeout_sec=10,
        )
        command = await sandbox.run(["tinylib", "Hello", "World"], timeout_sec=10)
    assert "./tinylib/numbers.py" in listed.stdout and "./pyproject.toml" in listed.stdout
    assert "test" not in listed.stdout
    assert version.stdout.split() == ["/workspace/tinylib/__init__.py", "1.2.0"]
    assert command.stdout == "hello-world\n"


async def test_no_copy_of_the_source_is_in_the_environment(tiny_repository: Repository, bubblewrap: Backend) -> None:
    async with running(bubblewrap, tiny_repository.agent_spec()) as sandbox:
        found = await sandbox.run(["grep", "-rl", "forgets its oldest", "/opt", "/workspace"], timeout_sec=60)
    assert found.stdout == "/workspace/tinylib/stack.py\n"


async def test_the_verifier_runs_all_tests(tiny_repository: Repository, bubblewrap: Backend) -> None:
    async with running(bubblewrap, tiny_repository.verifier_spec()) as sandbox:
        report = await run_tests(sandbox, tiny_repository.stable_tests, timeout_sec=60)
    assert report.is_complete and not report.is_tampered
    assert {result.outcome for result in report.results} == {"passed"}


async def test_a_prepared_repository_is_loaded(
    tiny_repository: Repository, bubblewrap: Backend, session_cache: Path
) -> None:
    again = await prepare_repository(tiny_repository.source, bubblewrap, cache=session_cache)
    assert again == tiny_repository


async def test_code_that_needs_its_tests_is_refused(tmp_path: Path, bubblewrap: Backend) -> None:
    files = {
        "pkg/__init__.py": "from pkg.tests import helper\n",
        "pkg/tests/__init__.py": "",
        "pkg/tests/helper.py": "",
        "pkg/tests/test_it.py": "def test_it(): pass\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    source = fetch_source(str(tmp_path), cache=tmp_path / "cache")
    with pytest.raises(BadSource, match=r"cannot be imported without its tests.*No module named 'pkg\.tests'"):
        await prepare_repository(source, bubblewrap, cache=tmp_path / "cache")
