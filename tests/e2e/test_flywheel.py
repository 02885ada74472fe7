"""The flywheel: its file is checked before anything runs, its rounds follow the pass rate, and it really teaches."""

import random
import re
import signal
import subprocess
from pathlib import Path

import pytest

from agents.training.options import TrainingResult
from agents.training.significance import compare
from flows.errors import UsageError
from flows.flywheel.layout import Report, Round
from flows.flywheel.request import FlywheelRequest, load_flywheel
from tests.e2e.conftest import GRISTMILL, Run

ROOT = Path(__file__).parents[2]
EXAMPLE, DOCS = ROOT / "examples" / "flywheel.yaml", ROOT / "docs" / "training.md"


def a_round(number: int, stage: str, rate: float) -> Round:
    training = TrainingResult(
        rows=1, rows_too_long=0, tokens=1, tokens_learned=1, steps=1, losses=(0.1,), seconds=1.0, precision="float32",
        threads=1, model="model", adapter="adapter", gguf="model.gguf",
    )  # fmt: skip
    return Round(
        number=number, stage=stage, model="m", tasks=1, returned=0, solved_by_student=0, solved_by_teacher=1, rows=1,
        training=training, before={stage: 0.0}, after={stage: rate}, n={stage: 10}, comparison=compare({}, {}),
        prompts=None, unsolved={},
    )  # fmt: skip


def test_the_example_is_right() -> None:
    request = load_flywheel(EXAMPLE)
    assert [stage.name for stage in request.stages] == ["write", "copy", "field"]
    wanted = request.stages[1].generate(Path("out"), n=3, seed=1)
    assert wanted.template is not None and wanted.template.name == "first_steps_copy.yaml"


def test_the_file_of_the_docs_is_right(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.S)
    (tmp_path / "flywheel.yaml").write_text(block)
    request = load_flywheel(tmp_path / "flywheel.yaml")
    assert request.stages[2].template == str(tmp_path / "mine.yaml"), "beside the file"
    assert request.recipe.steps[0].name == "quality"


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("epochs: 1,", "epocs: 1,", "18: training.epocs: Extra inputs are not permitted"),
        ("teacher: {agent: clerk}", "", "warm_up needs a teacher"),
        ("{quality: {}}", "{qualty: {}}", "no selector is called 'qualty'"),
        ("name: copy", "name: write", "a name stands twice in write, write, field"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(tmp_path: Path, was: str, becomes: str, told: str) -> None:
    file = tmp_path / "flywheel.yaml"
    assert was in EXAMPLE.read_text()
    file.write_text(EXAMPLE.read_text().replace(was, becomes))
    with pytest.raises(UsageError) as caught:
        load_flywheel(file)
    assert told in str(caught.value)


def test_an_unknown_template_is_told_with_those_there_are() -> None:
    (stage,) = FlywheelRequest.model_validate(
        {"folder": "f", "warm_up": 0, "stages": [{"name": "a", "family": "first_steps", "template": "first_step"}]}
    ).stages
    with pytest.raises(UsageError, match="it has: first_steps_copy, first_steps_field, first_steps_write"):
        stage.generate(Path("out"), n=1, seed=0)


def test_rounds_become_harder_or_easier_by_the_pass_rate() -> None:
    from flows.flywheel.flow import next_stage

    request = load_flywheel(EXAMPLE)
    assert next_stage(request, None) == "write"
    assert next_stage(request, a_round(1, "write", 0.9)) == "copy"
    assert next_stage(request, a_round(2, "copy", 0.5)) == "copy"
    assert next_stage(request, a_round(3, "copy", 0.1)) == "write"
    assert next_stage(request, a_round(4, "write", 0.1)) == "write", "there is nothing easier"
    assert next_stage(request, a_round(5, "field", 1.0)) == "field", "nor harder"
    fixed = request.model_copy(update={"adapt": False})
    assert next_stage(fixed, a_round(1, "write", 0.0)) == "copy"


def test_a_folder_goes_on_with_the_same_settings_only(tmp_path: Path) -> None:
    from flows.flywheel.flow import settle

    request = load_flywheel(EXAMPLE).model_copy(update={"folder": tmp_path / "wheel"})
    settle(request)
    settle(request.model_copy(update={"rounds": 9, "jobs": 4}))
    with pytest.raises(UsageError, match="was begun with another replay"):
        settle(request.model_copy(update={"replay": 1.0}))


SMALL = """
name: small
folder: wheel
stages:
  - {name: write, family: first_steps, template: first_steps_write}
  - {name: copy, family: first_steps, template: first_steps_copy}
adapt: false
n: 32
held_out: 10
student: {options: {system: ""}, limits: {steps: 3}, max_tokens: 80}
teacher: {agent: clerk}
replay: 0.25
training: {epochs: 1.5, learning_rate: 0.002, layers: 8}
"""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_rounds_teach_though_they_are_killed(gristmill: Run, tmp_path: Path, environment: dict[str, str]) -> None:
    """SIGKILL at three moments, then to the end: each step once, the pass rate up, forgetting and transfer reported."""
    pytest.importorskip("trl", reason="make train")
    pytest.importorskip("xllamacpp", reason="make model")
    (tmp_path / "wheel.yaml").write_text(SMALL)
    chance = random.Random(4)
    for _ in range(3):
        process = subprocess.Popen(
            [GRISTMILL, "flywheel", "wheel.yaml"], cwd=tmp_path, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            process.wait(timeout=chance.uniform(20, 120))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    done = gristmill("flywheel", "wheel.yaml", "--json", timeout=3000)
    assert done.code == 0, done.stderr
    report = Report.model_validate(done.json)
    assert [each.stage for each in report.rounds] == ["write", "copy"]
    first = report.rounds[0].comparison
    assert first.pass_after > first.pass_before and first.p_value < 0.05
    assert all(each.prompts and each.prompts.compared and not each.prompts.differing for each in report.rounds)
    assert report.continual.forgetting is not None and report.continual.forward_transfer is not None
    assert "| untrained |" in (tmp_path / "wheel" / "report.md").read_text()
    assert not list((tmp_path / "wheel").rglob("*.partial"))

    trained_at = (tmp_path / "wheel" / "round-1" / "training" / "model.gguf").stat().st_mtime_ns
    again = gristmill("flywheel", "wheel.yaml", "--json")
    assert Report.model_validate(again.json) == report
    assert (tmp_path / "wheel" / "round-1" / "training" / "model.gguf").stat().st_mtime_ns == trained_at
