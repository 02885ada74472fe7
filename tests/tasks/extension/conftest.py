"""Tasks of the family linked_facts, as they are after generation, drawn once for all tests."""

from pathlib import Path

import pytest

from tasks.extension.folders import read_piece
from tasks.extension.piece import Piece
from tasks.suite import Suite, SuiteWriter, open_suite
from tasks.templates.drawing import draw
from tasks.templates.folder import SCRIPTS, folder_contents, reference_diff
from tasks.templates.loading import load_template

FAMILY = Path(__file__).resolve().parents[3] / "tasks/families/linked_facts"
WANTED = {"linked_facts": 45, "value_forms": 10}  # all of one archive, so that many fit together


@pytest.fixture(scope="session")
def atomic_suite(tmp_path_factory: pytest.TempPathFactory, session_cache: Path) -> Suite:
    writer = SuiteWriter(tmp_path_factory.mktemp("atomic"), name="atomic")
    for name, wanted in WANTED.items():
        template, index, made = load_template(FAMILY / f"{name}.yaml"), 0, 0
        while made < wanted:
            (instance,) = draw(template, 7, index)
            index += 1
            if instance.parameters["archive"] == 1 and instance.reference is not None:
                contents = folder_contents(instance, reference_diff(instance, instance.reference))
                writer.add_folder(instance.id, contents, SCRIPTS)
                made += 1
    writer.finish()
    return open_suite(writer.folder, cache=session_cache)


@pytest.fixture(scope="session")
def pieces(atomic_suite: Suite) -> list[Piece]:
    return [read_piece(folder) for folder in atomic_suite.folders.values()]
