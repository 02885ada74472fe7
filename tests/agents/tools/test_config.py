"""A file of tools: what it says, where it is wrong, and what makes it another one."""

from pathlib import Path

import pytest

from agents.errors import AgentFault
from agents.tools import ToolsConfig, check_tools, is_known, label, read_tools_config, short_hash

MONEY = '''
def convert(amount: float) -> str:
    """Convert an amount."""
    return f"{amount * 2:g} EUR"
'''


def write(folder: Path, text: str, name: str = "tools.yaml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_paths_are_from_the_folder_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, MONEY, "money.py")
    file = write(
        tmp_path,
        """
use: [bash, submit]
functions: ["money.py:convert", "json:loads"]
openapi:
  - {document: shop.json, base_url: "http://shop.test/v1"}
  - {document: openapi.json}
toolsets: [made]
retrieve: {show: 3, demonstrations: shown.jsonl}
""",
    )
    config = read_tools_config(file)
    assert config.use == ("bash", "submit")
    assert config.functions == (f"{tmp_path}/money.py:convert", "json:loads")
    assert [each.document for each in config.openapi] == [f"{tmp_path}/shop.json", "openapi.json"]
    assert config.toolsets == (tmp_path / "made",)
    assert config.retrieve is not None and config.retrieve.demonstrations == tmp_path / "shown.jsonl"
    assert config.load_functions()[0](2) == "4 EUR"
    assert read_tools_config(write(tmp_path, "", "empty.yaml")) == ToolsConfig()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("use: [bash]\nfuncions: [a:b]\n", "tools.yaml:2: funcions: Extra inputs are not permitted"),
        ("use: [bash]\nretrieve:\n  show: many\n", "tools.yaml:3: retrieve.show: Input should be a valid integer"),
        (
            "mcp:\n- {name: a, url: 'http://x'}\n- name: b\n",
            "tools.yaml:3: mcp.1: Value error, an MCP server has either",
        ),
        ("use: [bash\nmcp: 1\n", "tools.yaml:2: not YAML"),
        ("- bash\n", "tools.yaml:1: expected a mapping with use, functions"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AgentFault) as told:
        read_tools_config(write(tmp_path, text))
    assert message in str(told.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AgentFault, match=r"nowhere\.yaml: cannot be read: No such file"):
        read_tools_config(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("functions: [no_such_module:f]", "cannot be imported as MODULE:FUNCTION or FILE.py:FUNCTION"),
        ("functions: [broken.py:f]", "ZeroDivisionError"),
        ("use: [hammer]", "hammer"),
        ("toolsets: [made]", "made/manifest.yaml"),
        ("retrieve: {demonstrations: none.jsonl}", "none.jsonl: No such file"),
    ],
)
def test_what_it_names_is_looked_at_before_any_rollout(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, "1 / 0", "broken.py")
    with pytest.raises(AgentFault) as told:
        check_tools(read_tools_config(write(tmp_path, text)))
    assert message in str(told.value)


def test_what_makes_it_another_configuration(tmp_path: Path) -> None:
    write(tmp_path, "{}", "shop.json")
    write(tmp_path, MONEY, "money.py")

    def known_as(key: str = "a", use: str = "bash") -> str:
        shop = f"{{document: shop.json, base_url: 'http://s.test', headers: {{Authorization: {key}}}}}"
        file = write(tmp_path, f"use: [{use}]\nfunctions: ['money.py:convert']\nopenapi: [{shop}]\n")
        return short_hash(read_tools_config(file))

    first = known_as()
    assert known_as(key="another key") == first
    assert known_as(use="read") != first
    write(tmp_path, '{"info": {}}', "shop.json")
    second = known_as()
    assert second != first
    write(tmp_path, MONEY.replace("2", "3"), "money.py")
    assert known_as() not in (first, second)
    (tmp_path / "shop.json").unlink()
    with pytest.raises(AgentFault, match=r"shop\.json"):
        known_as()


def test_an_agent_with_tools_has_a_name_of_its_own() -> None:
    assert label("react", None) == "react"
    assert label("react", ToolsConfig()) == f"react+tools:{short_hash(ToolsConfig())}"


def test_names_that_a_task_may_use() -> None:
    assert all(map(is_known, ("bash", "retrieved", "retrieved:5", "openapi:docs/api.json")))
    assert not any(map(is_known, ("hammer", "retrieved:many", "retrieved:", "openapi:")))
