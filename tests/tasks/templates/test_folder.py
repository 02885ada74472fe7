"""Task folders of templates: read back as they were written, complete for those who have no Gristmill."""

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from environments import Backend, Diff, running
from environments.spec import Mount
from tasks.errors import BadTaskFolder
from tasks.folder import read_task, write_task
from tasks.task import Task
from tasks.templates import Instance
from tasks.templates.folder import folder_contents, reference_diff
from tasks.verifiers import get_verifier

from .making import SUM, written


def test_a_written_instance_is_read_back(shop_task: Task, shop_instance: Instance) -> None:
    assert shop_task.id == shop_instance.id and shop_task.status == "validated"
    assert shop_task.instruction == shop_instance.instruction
    assert (shop_task.family, shop_task.verifier, shop_task.tools) == ("shop", "graded", shop_instance.tools)
    assert shop_task.reference == reference_diff(shop_instance, shop_instance.reference or {})
    assert shop_task.verifier_data == {
        "grader": "table",
        "accepts": ["answer.csv"],
        "data": shop_instance.grading,
    }
    assert shop_task.agent_spec.limits.memory_mb == 512
    assert (shop_task.agent_timeout_sec, shop_task.verifier_timeout_sec) == (300.0, 60.0)
    details = shop_task.provenance.details
    assert shop_task.provenance.source == "template:shop_revenue" and shop_task.provenance.seed == 6
    assert details["parameters"]["city"] == shop_instance.parameters["city"]
    assert details["output"]["value"] == shop_instance.grading["rows"] and details["phrasing"] == "plain"


def test_the_same_instance_gives_the_same_bytes(shop_instance: Instance) -> None:
    reference = reference_diff(shop_instance, shop_instance.reference or {})
    assert folder_contents(shop_instance, reference) == folder_contents(shop_instance, reference)


def test_fields_that_are_not_ours_survive_writing(shop_task: Task, tmp_path: Path) -> None:
    write_task(shop_task, tmp_path / "again")
    assert (tmp_path / "again" / "task.toml").read_bytes() == (shop_task.folder / "task.toml").read_bytes()
    assert tomllib.loads((tmp_path / "again" / "task.toml").read_text())["environment"]["allow_internet"] is False


async def test_the_agent_has_the_given_files_and_no_other(shop_task: Task, bubblewrap: Backend) -> None:
    async with running(bubblewrap, shop_task.agent_spec) as sandbox:
        found = await sandbox.run(["find", ".", "-type", "f", "-printf", "%P\\n"], timeout_sec=10)
    given = shop_task.folder / "environment" / "files"
    expected = {path.relative_to(given).as_posix() for path in given.rglob("*") if path.is_file()}
    assert set(found.stdout.split()) == expected
    assert "kept/seed.txt" not in expected and "answer.csv" not in expected


def reward_elsewhere(folder: Path, workdir: Path) -> float:
    """What tests/test.sh says of a working directory, by a Python that knows nothing of this project."""
    logs = workdir.with_name(workdir.name + "-logs")
    (logs / "verifier").mkdir(parents=True)
    script = (folder / "tests" / "test.sh").read_text()
    for old, new in (("/logs", str(logs)), ("/workspace", str(workdir)), ("/tests/", f"{folder}/tests/")):
        script = script.replace(old, new)
    clean = {"PATH": os.environ["PATH"], "HOME": str(logs)}
    subprocess.run(["bash", "-c", script], check=True, env=clean, cwd=logs)
    return float((logs / "verifier" / "reward.txt").read_text())


def test_the_folder_grades_without_gristmill(shop_task: Task, shop_instance: Instance, tmp_path: Path) -> None:
    given = shop_task.folder / "environment" / "files"
    for name, answer, reward in (
        ("nothing", None, 0.0),
        ("right", (shop_instance.reference or {})["answer.csv"], 1.0),
        ("wrong", b"client,total\nNobody,1\n", 0.0),
    ):
        shutil.copytree(given, tmp_path / name)
        if answer is not None:
            (tmp_path / name / "answer.csv").write_bytes(answer)
        assert reward_elsewhere(shop_task.folder, tmp_path / name) == reward, name


async def test_the_folder_grades_in_the_sandbox_of_another_harness(shop_task: Task, bubblewrap: Backend) -> None:
    """Harbor's way: one container, /tests mounted afterwards; the graders' code lies in the folder."""
    assert shop_task.reference is not None
    script = shop_task.model_copy(update={"verifier": "script", "verifier_spec": shop_task.agent_spec})
    verifier = get_verifier("script")
    rewards = [(await verifier.verify(script, diff, bubblewrap)).reward for diff in (Diff(), shop_task.reference)]
    assert rewards == [0.0, 1.0]


def test_given_files_are_put_back_where_changes_of_them_do_not_count(tmp_path: Path, session_cache: Path) -> None:
    from tasks.templates import draw

    (instance,) = draw(written(tmp_path / "t", SUM.replace("accepts: [answer.txt]\n", "")), 1, 0)
    contents = folder_contents(instance, reference_diff(instance, instance.reference or {}))
    for path, content in contents.items():
        (tmp_path / "task" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "task" / path).write_bytes(content)
    workdir = tmp_path / "work"
    workdir.mkdir()
    (workdir / "numbers.txt").write_text("1 1")
    (workdir / "answer.txt").write_bytes((instance.reference or {})["answer.txt"])
    assert reward_elsewhere(tmp_path / "task", workdir) == 1.0
    assert (workdir / "numbers.txt").read_bytes() == instance.files["numbers.txt"]


async def test_the_solution_script_lays_the_reference(shop_task: Task, bubblewrap: Backend) -> None:
    solution = Mount(source=shop_task.folder / "solution", target="/solution")
    spec = shop_task.agent_spec.model_copy(update={"mounts": (solution,)})
    async with running(bubblewrap, spec) as sandbox:
        done = await sandbox.run(["bash", "/solution/solve.sh"], timeout_sec=10)
        assert done.exit_code == 0, done.stderr
        assert await sandbox.diff() == shop_task.reference


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("tests/grading.json", '{"accepts": []}', r"tests/grading\.json: grader: Field required"),
        ("tests/grading.json", "{", r"tests/grading\.json: is not valid JSON"),
        ("solution/reference.patch", "nonsense", r"reference\.patch: does not apply"),
        ("environment/services.json", '[{"name": "shop"}]', r"services/shop\.py: there is no such file"),
        ("environment/recipe.json", "{}", r"recipe\.json: python: Field required"),
    ],
)
def test_broken_folders_are_explained(shop_task: Task, tmp_path: Path, path: str, text: str, told: str) -> None:
    shutil.copytree(shop_task.folder, tmp_path / "broken")
    (tmp_path / "broken" / path).write_text(text)
    with pytest.raises(BadTaskFolder, match=told):
        read_task(tmp_path / "broken", cache=tmp_path / "cache")
