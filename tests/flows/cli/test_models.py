"""`gristmill models`: the registry, and what a probe of real and scripted endpoints says."""

from pathlib import Path

import pytest

from tests.agents.test_probe import answering

from .conftest import Run


def test_the_registry_is_listed_without_its_secrets(gristmill: Run, tmp_path: Path) -> None:
    (tmp_path / "gristmill.yaml").write_text(
        "models:\n"
        "  coder: {model: Qwen3-Coder, base_url: 'http://a:1/v1', replicas: ['http://b:1/v1'], api_key: hush,\n"
        "          price_prompt: 0.5}\n"
    )
    done = gristmill("models", "list")
    assert done.code == 0 and "coder" in done.stdout and "local" in done.stdout and "hush" not in done.stdout
    rows = {row["name"]: row for row in gristmill("models", "list", "--json").json}
    assert rows.keys() == {"local", "coder"}
    assert rows["coder"]["replicas"] == ["http://b:1/v1"] and rows["coder"]["price_prompt"] == 0.5
    assert "api_key" not in rows["coder"] and rows["local"]["tool_calling"] == "json"


def test_a_wrong_entry_is_told_by_its_name_and_field(gristmill: Run, tmp_path: Path) -> None:
    (tmp_path / "gristmill.yaml").write_text("models:\n  coder: {model: m, base_url: 'http://a/v1', contxt: 1}\n")
    done = gristmill("models", "list")
    assert done.code == 2 and "gristmill.yaml: models: coder: contxt: Extra inputs" in done.stderr


def test_a_server_that_is_not_there_is_told_and_fails(gristmill: Run, tmp_path: Path) -> None:
    (tmp_path / "gristmill.yaml").write_text("models:\n  gone: {model: m, base_url: 'http://127.0.0.1:9/v1'}\n")
    done = gristmill("models", "probe", "gone")
    assert done.code == 1 and "gone at http://127.0.0.1:9/v1" in done.stdout and "ConnectError" in done.stdout
    (report,) = gristmill("models", "probe", "--json").json  # all of the registry
    assert (report["is_reachable"], report["answers"]) == (False, False)


def test_what_a_server_can_do_and_what_to_change(gristmill: Run, tmp_path: Path) -> None:
    with answering(tools=False, schemas=True, ids=False) as url:
        (tmp_path / "gristmill.yaml").write_text(
            f"models:\n  m: {{model: m, base_url: '{url}', context_length: 2048}}\n"
        )
        done = gristmill("models", "probe", "m", "--json")
    (report,) = done.json
    assert done.code == 0 and report["is_reachable"] and report["answers"] and not report["tool_calling"]
    assert any("set `tool_calling: json`" in note for note in report["notes"])


def test_an_unknown_model_is_told_with_those_there_are(gristmill: Run, tmp_path: Path) -> None:
    done = gristmill("models", "probe", "nosuch")
    assert done.code == 2 and "no model 'nosuch'; there are: local" in done.stderr


@pytest.mark.slow
def test_the_small_model_is_started_and_probed(gristmill: Run) -> None:
    pytest.importorskip("xllamacpp", reason="make model")
    (report,) = gristmill("models", "probe", "local", "--json").json
    assert report["answers"] and report["schemas"] and report["token_ids"] and report["logprobs"]
