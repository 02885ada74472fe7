"""Adapters are data: the built-in ones are whole, and what is wrong in a user's own is told with its field."""

from pathlib import Path

import pytest

from agents.errors import UnknownAgent
from agents.foreign.adapter import NAMES, NO_KEY, adapter_names, built_in, filled, read_adapter
from agents.registry import get_agent


@pytest.mark.parametrize("name", ["claude-code", "codex", "mini-swe-agent", "openhands", "swe-agent"])
def test_built_in_agents_run_by_name(name: str) -> None:
    agent = get_agent(name)
    adapter = built_in(name)
    assert (agent.name, agent.version) == (name, adapter.version)
    said = " ".join([*adapter.command, *adapter.env.values(), *adapter.files.values()])
    assert "{instruction}" in said and ("{base_url}" in said or "{origin}" in said)
    assert name in adapter_names()


def test_only_known_names_are_filled_in() -> None:
    assert filled('{"a": "{model}"} {other}', {"model": "coder"}) == '{"a": "coder"} {other}'
    assert "key" in NAMES and not NO_KEY.startswith("sk-")


@pytest.mark.parametrize(
    "text, words",
    [
        ("name: mine\n", "command: Field required"),
        ("name: mine\ncommand: [x]\nformat: novel\ntrajectory: /tmp/t\n", "unknown format 'novel'"),
        ("name: mine\ncommand: [x]\nformat: codex\n", "trajectory and format go together"),
        ("name: Mine!\ncommand: [x]\n", "name: String should match"),
        ("name: [", "no YAML"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UnknownAgent, match=r"mine\.yaml") as raised:
        read_adapter(file)
    assert words in str(raised.value)


def test_a_folder_is_taken_from_where_the_file_lies(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\ncommand: [x]\ninstall: {folder: tool}\n")
    assert read_adapter(file).install.folder == tmp_path / "tool"


def test_the_example_of_the_docs_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "foreign_agents.md").read_text()
    file = tmp_path / "mine.yaml"
    file.write_text(page.split("```yaml\n")[1].split("```")[0])
    adapter = read_adapter(file)
    assert (adapter.name, adapter.format, adapter.install.pip) == ("mine", "atif", ("my-agent==1.0",))
