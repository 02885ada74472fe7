"""The planted suite and its clean twins, written once a session, on a task of which failing tests stay hidden."""

import asyncio
from pathlib import Path

import pytest

from environments import Backend
from tasks.repository import prepare_repository
from tasks.source import fetch_source
from tests.conftest import draft_with_bug
from tests.planted import clean_twins, plant
from tests.tiny_repository import TINY_FILES

SHOWN = "tests/test_numbers.py::test_clamp[11-10]"
HIDDEN = """\
import pytest

from tinylib import clamp


@pytest.mark.parametrize("value, expected", [(25, 10), (99, 10), (1000, 10)])
def test_clamp_far_above(value, expected):
    assert clamp(value, 0, 10) == expected
"""


@pytest.fixture(scope="session")
def suites(tmp_path_factory: pytest.TempPathFactory, session_cache: Path, bubblewrap: Backend) -> dict[str, Path]:
    """`planted` and `clean`."""
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
