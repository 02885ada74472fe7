"""The newcomer's page is true: every command of it runs, in order, in one folder, and says what the page promises."""

import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import GRISTMILL

PAGE = Path(__file__).parents[2] / "docs" / "newcomer.md"
COMMAND = re.compile(r"(gristmill|make|git|cd|export|pip|python|apt-get|sudo)\b ")

NOT_RUN = {
    "git clone URL gristmill": "the tests run in a clone",
    "cd gristmill": "the tests run in a clone",
    "make install": "what runs the tests is installed",
    'export PATH="$PWD/.venv/bin:$PATH"': "the environment of the tests has it",
    "make model train": "a large installation; the slow test is skipped without it",
}
SLOW = {"gristmill flywheel wheel.yaml": "trains a real model"}
REPEATED = {"gristmill schedules list": "the page says: ask again"}


@dataclass(frozen=True)
class Step:
    """A command, and the lines that the page promises of it."""

    command: str
    promised: tuple[str, ...]


def steps_of(page: str) -> list[Step]:
    """The indented blocks: one begins with a command, or else it is what the last command says."""
    steps: list[Step] = []
    outside = re.sub(r"```.*?```", "", page, flags=re.S)
    for line in re.findall(r"^    (\S.*)$", outside, re.M):
        if COMMAND.match(line):
            steps.append(Step(line, ()))
        else:
            steps[-1] = Step(steps[-1].command, (*steps[-1].promised, line.strip()))
    return steps


def write_files(page: str, folder: Path) -> None:
    """Each YAML block under the file name that stands last before it."""
    for before, block in re.findall(r"`(\w+\.yaml)`:\n\n```yaml\n(.*?)```", page, re.S):
        (folder / before).write_text(block)


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """With `gristmill` on the PATH and the page's files; what is up is taken down."""
    write_files(PAGE.read_text(), tmp_path)
    path = f"{GRISTMILL.parent}:{environment['PATH']}"
    yield (changed := {**environment, "PATH": path})
    subprocess.run([GRISTMILL, "down"], cwd=tmp_path, env=changed, capture_output=True, timeout=120)


def run(step: Step, folder: Path, environment: dict[str, str], timeout: float = 240) -> None:
    """As a person's shell does it; asked again only where the page says so."""
    deadline = time.monotonic() + 120
    while True:
        done = subprocess.run(
            step.command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{step.command}: exit code {done.returncode}\n{said}"
        missing = [line for line in step.promised if line not in said]
        if not missing:
            return
        if step.command not in REPEATED or time.monotonic() > deadline:
            raise AssertionError(f"{step.command}: the page promises {missing}; it said\n{said}")
        time.sleep(1)


def test_the_page_names_the_whole_path_and_the_lists_name_only_what_it_has() -> None:
    commands = [step.command for step in steps_of(PAGE.read_text())]
    assert {*NOT_RUN, *SLOW, *REPEATED} <= set(commands)
    words = [command.split()[1] for command in commands if command not in NOT_RUN]
    path = ["doctor", "generate", "validate", "rollout", "up", "down", "export", "flywheel"]
    assert [word for word in words if word in path] == path


@pytest.mark.slow  # two minutes on a quiet machine
@pytest.mark.timeout(900)
def test_every_command_runs_and_says_what_the_page_promises(
    tmp_path: Path, environment: dict[str, str], bubblewrap: object
) -> None:
    for step in steps_of(PAGE.read_text()):
        if step.command not in NOT_RUN and step.command not in SLOW:
            run(step, tmp_path, environment)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_training_runs(tmp_path: Path, environment: dict[str, str], bubblewrap: object) -> None:
    pytest.importorskip("trl", reason="make train")
    pytest.importorskip("xllamacpp", reason="make model")
    for step in steps_of(PAGE.read_text()):
        if step.command in SLOW:
            run(step, tmp_path, environment, timeout=1700)
    assert (tmp_path / "wheel" / "report.md").exists()
