"""`gristmill serve`: its words before anything starts, and the real server from its start to Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from agents.errors import ModelUnavailable
from agents.local_model import model_file
from agents.models import ModelConfig

from .conftest import Run

GRISTMILL = Path(sys.executable).with_name("gristmill")


@pytest.fixture
def installed() -> Path:
    try:
        return model_file()
    except ModelUnavailable as error:
        pytest.skip(str(error))


class Serving:
    """A `gristmill serve` that runs."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process, self.log = process, log

    def until(self, pattern: str, *, within_sec: float = 60) -> re.Match[str]:
        """The first place where it says so, in stdout or stderr."""
        end = time.monotonic() + within_sec
        while time.monotonic() < end:
            if found := re.search(pattern, self.log.read_text(), re.MULTILINE):
                return found
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.log.read_text()}"
            time.sleep(0.02)
        raise AssertionError(f"it never said {pattern!r}:\n{self.log.read_text()}")


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[Serving]:
    log = folder / "said"
    with log.open("w") as said:
        process = subprocess.Popen(
            [GRISTMILL, "serve", *arguments], cwd=folder, env={**os.environ, "HOME": str(folder)},
            stdout=said, stderr=said, text=True,
        )  # fmt: skip
    try:
        yield Serving(process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def processes_of(folder: Path) -> set[int]:
    """Servers' processes whose output goes below the folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "fd" / "1").readlink().is_relative_to(folder / ".gristmill"):
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def test_until_ctrl_c_it_answers_and_then_nothing_is_left(installed: Path, tmp_path: Path) -> None:
    arguments = ("local", "--port", "0", "--replicas", "2", "--context", "512", "--slots", "1")
    with serving(tmp_path, *arguments) as served:
        served.until("^serve: ready; put this into gristmill.yaml")
        text = served.log.read_text()
        urls = re.findall(r"^serve: local: healthy at (http://127\.0\.0\.1:\d+)$", text, re.MULTILINE)
        assert len(urls) == 2 and all(httpx.get(f"{url}/health").status_code == 200 for url in urls)
        entry = yaml.safe_load(text[text.index("models:") : text.index("serve: local")])["models"]["local"]
        model = ModelConfig.model_validate({"name": "local", **entry})
        assert [model.base_url, *model.replicas] == [f"{url}/v1" for url in urls]

        before = processes_of(tmp_path)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        served.until("is healthy again$")
        assert len(processes_of(tmp_path)) == 2

        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(timeout=20) == 0
    assert not processes_of(tmp_path)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{urls[0]}/health")


def test_ctrl_c_while_it_loads_leaves_nothing(installed: Path, tmp_path: Path) -> None:
    with serving(tmp_path, "local", "--port", "0", "--context", "512") as served:
        served.until("^serve: starting local by llama.cpp; its output: ")
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(timeout=20) == 0
    assert not processes_of(tmp_path)
    assert "Traceback" not in served.log.read_text()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["nosuch"], "no model 'nosuch' to serve: it is no file or folder here, and no name of these: local"),
        (["./nowhere.gguf"], "no model './nowhere.gguf' to serve"),
        (["empty"], "it has no config.json"),
        (["notes.txt"], "not a GGUF file"),
        (["local", "--lora", "sql"], "--lora sql: give NAME=PATH"),
        (["local", "--lora", "sql=nowhere"], "nowhere is not there"),
        (["local", "--name", "a b"], "name: String should match pattern"),
    ],
)
def test_what_cannot_be_served_is_told(gristmill: Run, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no model")
    if arguments[0] == "local":
        pytest.importorskip("xllamacpp", reason="make model")
    done = gristmill("serve", *arguments)
    assert done.code == 2 and said in " ".join(done.stderr.split())
    assert not done.stdout


def test_a_kind_that_is_not_there_and_one_that_is_unknown(gristmill: Run, tmp_path: Path) -> None:
    weights = tmp_path / "model.gguf"
    weights.write_bytes(b"GGUF")
    done = gristmill("serve", "model.gguf", "--kind", "vllm")
    assert done.code == 1 and "vLLM is not installed: pip install vllm" in done.stderr
    done = gristmill("serve", "model.gguf", "--kind", "ollama")
    assert done.code == 1 and "there are: auto, llama.cpp, sglang, transformers, vllm" in done.stderr


def test_its_command_can_be_looked_at(gristmill: Run, tmp_path: Path) -> None:
    """A line a replica, as it could be given to a shell; nothing starts."""
    (tmp_path / "coder").mkdir()
    (tmp_path / "coder" / "config.json").write_text("{}")
    (tmp_path / "coder" / "model.safetensors").write_bytes(b"")
    (tmp_path / "sql").mkdir()
    asked = ("coder", "--kind", "vllm", "--replicas", "2", "--gpus", "2", "--lora", "sql=sql", "--flag=--seed=1")
    first, second = gristmill("serve", *asked, "--print-command").stdout.splitlines()
    assert first.startswith("VLLM_NO_USAGE_STATS=1 CUDA_VISIBLE_DEVICES=0,1 vllm serve ")
    assert f"--lora-modules sql={tmp_path / 'sql'}" in first and first.endswith("--seed=1")
    assert "CUDA_VISIBLE_DEVICES=2,3" in second and "--port 8001" in second


def test_a_model_of_the_registry_is_served_by_its_weights(gristmill: Run, tmp_path: Path) -> None:
    (tmp_path / "tuned.gguf").write_bytes(b"GGUF")
    (tmp_path / "gristmill.yaml").write_text(
        "models:\n  tuned: {weights: tuned.gguf, context_length: 1024}\n  far: {base_url: 'http://x/v1'}\n"
    )
    command = gristmill("serve", "tuned", "--print-command").stdout
    assert str(tmp_path / "tuned.gguf") in command and '"context": 2048' in command  # of two slots
    done = gristmill("serve", "far")
    assert done.code == 2 and "model far of gristmill.yaml: give `weights:`" in done.stderr


@pytest.mark.slow
def test_rules_send_tasks_to_adapters_that_are_served(installed: Path, tmp_path: Path, session_cache: Path) -> None:
    """The whole way by commands: two adapters beside the model, a rule file, rollouts, the model on each of them."""
    pytest.importorskip("gguf", reason="make train")
    from tests.agents.serving.adapters import noise, write_adapter

    layers = [f"model.layers.{number}.mlp.down_proj" for number in range(30)]
    for name, size in (("still", 0.0), ("wild", 2.0)):
        parts = {layer: (noise(4, 1536, seed=1, size=0.05), noise(576, 4, seed=2, size=size)) for layer in layers}
        write_adapter(tmp_path / name, parts)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "GRISTMILL_"))}
    environment = {**kept, "HOME": str(tmp_path), "GRISTMILL_CACHE": str(session_cache)}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [GRISTMILL, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("generate", "--family", "first_steps", "--out", "suite", "-n", "3")  # one of each template
    (tmp_path / "route.yaml").write_text("rules:\n  - {tag: calls-1, model: wild}\n  - {family: '*', model: still}\n")
    adapters = ("--lora", "wild=wild", "--lora", "still=still")
    with serving(tmp_path, "local", "--port", "0", *adapters) as served:
        served.until("^serve: ready; put this into gristmill.yaml")
        text = served.log.read_text()
        entries = yaml.safe_load(text[text.index("models:") : text.index("serve: local")])
        for entry in entries["models"].values():
            entry["max_tokens"] = 40
        (tmp_path / "gristmill.yaml").write_text(yaml.safe_dump(entries))
        run("rollout", "suite", "--agent", "react", "--model", "route:route.yaml", "--steps", "2")
    rows = json.loads(run("query", "--json", "SELECT task_id, model, is_unknown FROM rollouts").splitlines()[-1])[
        "rows"
    ]
    assert rows and not any(row["is_unknown"] for row in rows)
    assert all(row["model"] == ("wild" if "write" in row["task_id"] else "still") for row in rows)
    assert {row["model"] for row in rows} == {"wild", "still"}
