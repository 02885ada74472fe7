"""What is true of every family below tasks/families, whoever wrote it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from environments import Backend
from tasks.graders._inside.browse.engine import CannotBrowse, find_executable
from tasks.templates import Instance, Template, draw, families, family_templates, load_template
from tasks.templates.folder import reference_diff
from tasks.templates.validation import Refused, told, validate_instance

ROOT = Path(__file__).parents[3]
TEMPLATES = {file.stem: file for files in family_templates("all").values() for file in files}
BROWSED = {"web_shop"}
QUICKLY = 4
BYTES_OF_DRAWS = """
import hashlib, json, sys
from pathlib import Path
from tasks.templates import draw, load_template
from tasks.templates.folder import folder_contents, reference_diff

def lines(file, count):
    template = load_template(Path(file))
    for index in range(count):
        (instance,) = draw(template, 11, index)
        reference = reference_diff(instance, instance.reference) if instance.reference is not None else None
        files = folder_contents(instance, reference)
        all_bytes = repr(sorted(files.items())) + repr([sorted(decoy.items()) for decoy in instance.decoys])
        yield instance.id, hashlib.sha256(all_bytes.encode()).hexdigest()

for file in sys.argv[2:]:
    try:
        print(json.dumps([file, list(lines(file, int(sys.argv[1])))]))
    except Exception as error:
        print(json.dumps([file, [["failed", str(error)]]]))
"""
Drawn = dict[str, list[tuple[str, str]]]
"""Template file -> (id, hash of all bytes) of each draw."""


@pytest.fixture(params=sorted(TEMPLATES))
def template(request: pytest.FixtureRequest) -> Template:
    return load_template(TEMPLATES[request.param])


def draws_in_two_processes(files: list[Path], count: int) -> tuple[Drawn, Drawn]:
    """The processes order their sets differently."""
    command = [sys.executable, "-c", BYTES_OF_DRAWS, str(count), *map(str, files)]
    running = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE)
        for seed in ("1", "2")
    ]
    first, second = (
        {name: [(task, digest) for task, digest in lines] for name, lines in map(json.loads, said.splitlines())}
        for said, _ in [process.communicate(timeout=280) for process in running]
    )
    return first, second


@pytest.fixture(scope="session")
def drawn_twice() -> tuple[Drawn, Drawn]:
    return draws_in_two_processes(sorted(TEMPLATES.values()), QUICKLY)


def test_every_folder_with_a_world_is_a_family() -> None:
    folders = {file.parent.name for file in (ROOT / "tasks" / "families").glob("*/*.yaml")}
    assert folders <= set(families())


def test_the_same_seed_gives_the_same_bytes_in_another_process(
    template: Template, drawn_twice: tuple[Drawn, Drawn]
) -> None:
    first, second = (each[str(template.located.file)] for each in drawn_twice)
    assert len({task for task, _ in first}) == QUICKLY, first
    assert first == second


@pytest.mark.slow
def test_thirty_draws_give_the_same_bytes_in_another_process(template: Template) -> None:
    first, second = draws_in_two_processes([template.located.file], 30)
    assert len(first[str(template.located.file)]) == 30
    assert first == second


@pytest.mark.slow
def test_a_family_has_two_hundred_distinct_instances(template: Template) -> None:
    """At most one draw in four has been there before."""
    ids: set[str] = set()
    for index in range(270):
        ids.add(draw(template, 4, index)[0].id)
        if len(ids) == 200:
            return
    pytest.fail(f"{len(ids)} distinct instances in 270 draws")


def test_every_phrasing_says_what_is_wanted_and_not_the_answer(template: Template) -> None:
    instances = draw(template, 5, 0, phrasing="all")
    assert len(instances) == len(template.phrasings) >= 2
    assert len({instance.instruction for instance in instances}) == len(instances)
    for instance in instances:
        assert "{{" not in instance.instruction and "{%" not in instance.instruction
        wanted = [path for path in instance.accepts if "*" not in path]
        assert not wanted or any(path in instance.instruction for path in wanted)
        if instance.reference is not None:
            assert not told(instance, reference_diff(instance, instance.reference))


def test_decoys_are_there_and_are_not_the_reference(template: Template) -> None:
    (instance,) = draw(template, 6, 0)
    assert instance.decoys, "there is no wrong answer that looks right"
    assert all(decoy != instance.reference for decoy in instance.decoys)


@pytest.mark.parametrize("index", [0, pytest.param(1, marks=pytest.mark.slow)])
async def test_the_reference_passes_nothing_and_every_decoy_fail(
    template: Template, index: int, bubblewrap: Backend, session_cache: Path, tmp_path: Path
) -> None:
    if template.source.family in BROWSED:
        try:
            find_executable()
        except CannotBrowse as error:
            pytest.skip(str(error))
    instance: Instance = draw(template, 2, index)[0]
    decided = await validate_instance(instance, bubblewrap, cache=session_cache, scratch=tmp_path)
    assert not isinstance(decided, Refused), f"{decided.reason}: {decided.detail}"
    assert "solution/solve.sh" in decided
