"""The leak scan finds and names what is planted in an agent's sandbox, and nothing in clean ones."""

from pathlib import Path
from typing import get_args

import pytest

from environments import Backend
from environments.spec import Mount
from tasks.audit import scan_all_shared, scan_own
from tasks.audit._inside.search import Needle
from tasks.audit.finding import LeakKind
from tasks.audit.needles import needles_of
from tasks.folder import read_task
from tasks.revalidate import reference_of_task, validate_suite
from tasks.suite import open_suite, prepare_suite
from tasks.task import Task
from tests.planted import FAULTS

LEAKS = [task_id for task_id, fault in FAULTS.items() if fault.kind in get_args(LeakKind)]


@pytest.mark.parametrize("task_id", LEAKS)
async def test_a_planted_leak_is_found_and_named(
    planted_suites: dict[str, Path], task_id: str, session_cache: Path, bubblewrap: Backend
) -> None:
    task = read_task(planted_suites["planted"] / "tasks" / task_id, cache=session_cache)
    scan = await scan_own(task, await reference_of_task(task, bubblewrap), bubblewrap)
    found = [(finding.kind, finding.place) for finding in scan.findings]
    wanted = FAULTS[task_id]
    assert [place for kind, place in found if kind == wanted.kind and wanted.place in place], found
    assert all(finding.task_id == task_id for finding in scan.findings)


async def test_clean_twins_have_none(planted_suites: dict[str, Path], session_cache: Path, bubblewrap: Backend) -> None:
    for task_id in FAULTS:
        task = read_task(planted_suites["clean"] / "tasks" / task_id, cache=session_cache)
        scan = await scan_own(task, await reference_of_task(task, bubblewrap), bubblewrap)
        assert scan.findings == ()
        assert scan.notes == ()
        assert scan.files > 0


async def test_a_copy_among_installed_packages_is_found_once_for_all(
    tiny_task: Task, tmp_path: Path, bubblewrap: Backend
) -> None:
    assert tiny_task.reference is not None
    clean = tiny_task.reference.changes[0].after
    assert clean is not None
    copy = tmp_path / "lib/site-packages/tinylib/numbers.py"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(clean)
    spec = tiny_task.agent_spec
    mounted = spec.model_copy(update={"mounts": (*spec.mounts, Mount(source=tmp_path, target="/opt/vendor"))})
    task = tiny_task.model_copy(update={"agent_spec": mounted})
    other = task.model_copy(update={"id": "another"})
    found, notes = await scan_all_shared([(task, task.reference), (other, other.reference)], bubblewrap)
    assert notes == []
    assert {finding.kind for findings in found.values() for finding in findings} == {"installed-copy"}
    assert sorted(found) == sorted(["another", tiny_task.id])
    assert found["another"][0].place == "/opt/vendor/lib/site-packages/tinylib/numbers.py"


async def test_the_agents_sandbox_of_this_machine_shares_no_copy(tiny_task: Task, bubblewrap: Backend) -> None:
    found, _ = await scan_all_shared([(tiny_task, tiny_task.reference)], bubblewrap)
    assert found == {}


async def test_validate_refuses_a_task_with_a_leak(
    planted_suites: dict[str, Path], tmp_path: Path, session_cache: Path, bubblewrap: Backend
) -> None:
    for name, suite in (("patch-file", "planted"), ("open-network", "planted"), ("notes", "clean")):
        (tmp_path / name).symlink_to(planted_suites[suite] / "tasks" / name)
    suite = open_suite(tmp_path, cache=session_cache)
    await prepare_suite(suite, bubblewrap, cache=session_cache)
    checks = {check.task_id: check for check in await validate_suite(suite, bubblewrap, jobs=2)}
    assert not checks["patch-file"].is_valid
    assert checks["patch-file"].reason == "patch-file at /workspace/fix.diff"
    assert checks["open-network"].is_valid  # marked, not refused
    assert [finding.kind for finding in checks["open-network"].findings] == ["open-network"]
    assert checks["notes"].is_valid and checks["notes"].findings == ()


def test_a_file_of_the_source_may_hold_lines_like_those_of_the_reference() -> None:
    """Reading a sibling is work; a definition of some length that stands there twice is a leak all the same."""
    fields = {"whole": ["deftwin():return1"], "strong": ["ifa:returnhigh"], "weak": ["returnhigh"], "anchors": []}
    needle = Needle(0, {**fields, "shortest_twin": 400})
    for text in (b"xifa:returnhighy", b"xreturnhighy", b"xdeftwin():return1y"):
        assert needle.is_in(text, is_natural=False)
        assert not needle.is_in(text, is_natural=True)
    long = Needle(0, {**fields, "whole": ["x" * 400], "shortest_twin": 400})
    assert long.is_in(b"x" * 500, is_natural=True) == "whole"


def test_needles_hold_the_changed_lines_with_neighbours_that_the_given_file_lacks(tiny_task: Task) -> None:
    needles, codes = needles_of(tiny_task, tiny_task.reference)
    of_reference = next(needle for needle in needles if needle.what == "reference")
    assert of_reference.weak == ("returnhigh",)
    assert "returnhigh" in of_reference.strong[0] and len(of_reference.strong[0]) >= 40
    assert of_reference.whole[0].startswith("defclamp(value,low,high):")
    assert any(needle.what == "tests" and "deftest_clamp" in needle.whole[0] for needle in needles)
    assert [code.path for code in codes] == ["tinylib/numbers.py"]
