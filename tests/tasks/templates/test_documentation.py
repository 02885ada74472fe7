"""docs/templates.md: every file that it shows is loaded, drawn from and validated; its errors are the real ones."""

import re
from pathlib import Path

import pytest

from environments import Backend
from tasks.errors import BadTemplate
from tasks.templates import load_template
from tasks.templates.schema import PARAMETER_KINDS, Surroundings, TemplateSource
from tasks.templates.validation import Refused, try_template

TEXT = (Path(__file__).parents[3] / "docs" / "templates.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in SHOWN:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", ["sum.yaml", "orders.yaml"])
async def test_the_templates_shown_give_tasks(
    folder: Path, session_cache: Path, bubblewrap: Backend, name: str
) -> None:
    found = await try_template(load_template(folder / name), bubblewrap, n=4, cache=session_cache, phrasing="all")
    assert len(found) >= 4
    for _, decided in found:
        assert not isinstance(decided, Refused), decided


def test_the_errors_shown_are_those_that_are_told(folder: Path) -> None:
    text = (folder / "orders.yaml").read_text()
    text = text.replace("client in {{ place }}", "client in {{ plaice }}").replace("{value: world.orders}", "{}")
    (folder / "orders.yaml").write_text(text.replace("columns: {client: text", "colums: {client: text"))
    with pytest.raises(BadTemplate) as raised:
        load_template(folder / "orders.yaml")
    (shown,) = re.findall(r"^```text errors\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert str(raised.value).replace(f"{folder}/", "").splitlines() == shown.splitlines()


def test_every_field_and_kind_is_documented() -> None:
    for name in (*TemplateSource.model_fields, *Surroundings.model_fields, *PARAMETER_KINDS):
        assert re.search(rf"\b{name}\b", TEXT), f"{name} is not in docs/templates.md"
