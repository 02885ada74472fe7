"""A written task of the shop template, made once."""

import asyncio
from pathlib import Path

import pytest

from environments import Backend
from tasks.folder import SharedFiles, read_task, write_folder
from tasks.task import Task
from tasks.templates import Instance, draw, load_template
from tasks.templates.folder import SCRIPTS
from tasks.templates.validation import Refused, validate_instance

SHOP = Path(__file__).with_name("shop") / "shop_revenue.yaml"


@pytest.fixture(scope="session")
def shop_instance() -> Instance:
    return draw(load_template(SHOP), seed=6, index=0)[0]


@pytest.fixture(scope="session")
def shop_task(
    shop_instance: Instance, bubblewrap: Backend, session_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Task:
    scratch = tmp_path_factory.mktemp("scratch")
    made = asyncio.run(validate_instance(shop_instance, bubblewrap, cache=session_cache, scratch=scratch))
    assert not isinstance(made, Refused), made
    folder = tmp_path_factory.mktemp("tasks") / shop_instance.id
    write_folder(made, SCRIPTS, folder, SharedFiles())
    return read_task(folder, cache=session_cache)
