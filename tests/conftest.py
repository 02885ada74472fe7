"""What the tests of several rooms share: the real sandbox, and one tiny repository prepared once a session."""

import asyncio
from pathlib import Path

import pytest

from environments import Backend, get_backend
from tasks.repository import Repository, prepare_repository
from tasks.source import Source, fetch_source

from .tiny_repository import TINY_FILES


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
