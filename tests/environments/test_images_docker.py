"""The same image in a container and on bubblewrap: what commands see, the change, and the verdict are the same."""

import asyncio
from pathlib import Path

import pytest

from agents.agent import AgentLimits
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import Backend, Diff, SandboxSpec, running
from environments.bubblewrap import BubblewrapBackend
from environments.docker import DockerBackend
from tasks.folder import read_task
from tasks.verdict import Verdict
from tasks.verifiers import get_verifier
from trajectories.rollout import RolloutKey

from .conftest import MakeLayer

RECIPE = """\
ARG BASE
FROM ${BASE}
ENV GREETING="hello world" PATH=/app/bin:/usr/bin:/bin
WORKDIR /app
RUN mkdir bin && printf '#!/bin/sh\\necho tool\\n' > bin/tool && chmod 755 bin/tool \\
 && echo old > old.txt && echo same > same.txt && ln -s old.txt link && ln -s /app /srv/app
"""
TASK = """schema_version = "1.1"

[task]
name = "test/image"

[verifier]
timeout_sec = 60.0

[environment]
"""
TEST = """#!/bin/sh
mkdir -p /logs/verifier
[ "$(cat made.txt)" = "tool hello world" ] && [ ! -e old.txt ] && echo 1 > /logs/verifier/reward.txt && exit
echo 0.25 > /logs/verifier/reward.txt
"""
SOLVE = '#!/bin/sh\necho "$(tool) $GREETING" > made.txt\nrm old.txt\necho here > /opt/elsewhere\n'
LOOK = "pwd; id -u; echo $HOME $GREETING $PATH; tool; ls -A / /app /srv/app; cat link; hostname; ls /home; python3 -V"
CHANGE = "echo new > new.txt; rm old.txt; chmod +x same.txt; ln -sfn same.txt link; rm -r bin; mkdir bin; > bin/1"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image is unpacked once for all tests: it takes some seconds."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def both(cache: Path) -> dict[str, Backend]:
    found: dict[str, Backend] = {"docker": DockerBackend(), "bubblewrap": BubblewrapBackend(cache=cache)}
    for backend in found.values():
        if problems := backend.missing():
            pytest.skip("; ".join(problems))
    return found


@pytest.fixture
def spec(layer: MakeLayer) -> SandboxSpec:
    return SandboxSpec(build_context=layer({"Dockerfile": RECIPE}))


@pytest.fixture
def task_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    for name, text in {
        "task.toml": TASK,
        "instruction.md": "Write what the tool says, and the greeting, into made.txt; remove old.txt.\n",
        "environment/Dockerfile": RECIPE,
        "tests/test.sh": TEST,
        "solution/solve.sh": SOLVE,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


async def test_commands_see_and_change_the_same(both: dict[str, Backend], spec: SandboxSpec) -> None:
    seen, changes = {}, {}
    for name, backend in both.items():
        async with running(backend, spec) as box:
            seen[name] = await box.run(["sh", "-c", LOOK], timeout_sec=30)
            await box.run(["sh", "-c", CHANGE], timeout_sec=30)
            changes[name] = await box.diff()
    lines = {name: set(done.stdout.splitlines()) - {".dockerenv"} for name, done in seen.items()}
    assert lines["bubblewrap"] == lines["docker"] and "hello world" in seen["docker"].stdout
    assert changes["bubblewrap"] == changes["docker"]
    assert changes["docker"].paths == ("bin/1", "bin/tool", "link", "new.txt", "old.txt", "same.txt")


async def test_the_same_verdicts(both: dict[str, Backend], task_folder: Path, tmp_path: Path) -> None:
    task = read_task(task_folder, cache=tmp_path / "cache")

    async def verdicts(backend: Backend) -> tuple[Verdict, Verdict, str]:
        key = RolloutKey(suite_hash="test", task_id=task.id, agent="oracle", backend=backend.name)
        rollout = await roll_out(task, get_agent("oracle"), backend, key=key, limits=AgentLimits(), model=None)
        nothing = await get_verifier(task.verifier).verify(task, Diff(), backend)
        return rollout.verdict, nothing, rollout.diff

    in_docker, on_bubblewrap = [await verdicts(backend) for backend in both.values()]
    assert (in_docker[0].reward, in_docker[1].reward) == (1.0, 0.25)
    assert on_bubblewrap[2] == in_docker[2]
    for one, other in zip(on_bubblewrap[:2], in_docker[:2], strict=True):
        assert (one.reward, one.checks, one.error) == (other.reward, other.checks, other.error)


async def test_many_ask_for_an_image_at_once(both: dict[str, Backend], spec: SandboxSpec) -> None:
    async def one() -> str:
        async with running(both["bubblewrap"], spec) as box:
            return (await box.run(["sh", "-c", "echo $HOME"], timeout_sec=30)).stdout

    assert await asyncio.gather(*(one() for _ in range(6))) == ["/root\n"] * 6


async def test_a_daemon_that_has_gone_is_not_needed(
    both: dict[str, Backend], spec: SandboxSpec, cache: Path, tmp_path: Path
) -> None:
    async with running(both["bubblewrap"], spec):
        pass
    without = BubblewrapBackend(url=f"unix://{tmp_path}/no.sock", cache=cache)
    async with running(without, spec) as box:
        assert (await box.run(["tool"], timeout_sec=30)).stdout == "tool\n"
    without.close()
