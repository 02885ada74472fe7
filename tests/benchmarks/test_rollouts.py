"""What the throughput table rests on: the floor does the whole task, so do we, and ratios are of the right rows."""

import asyncio
from pathlib import Path
from types import ModuleType

import pytest

from environments import Backend


@pytest.fixture
def rollouts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import rollouts

    return rollouts


@pytest.mark.parametrize("agent", ["oracle", "scripted"])
def test_the_floor_and_we_solve_the_same_tasks(
    rollouts: ModuleType, bubblewrap: Backend, tmp_path: Path, agent: str
) -> None:
    suite = rollouts.write_suite(tmp_path / "suite", 2, "")
    commands = rollouts.COMMANDS[agent]
    rollouts.for_all(rollouts.by_bwrap, rollouts.tasks_in(suite), commands, 2)
    with pytest.raises(RuntimeError, match="did not solve"):  # it would tell
        rollouts.for_all(rollouts.by_bwrap, rollouts.tasks_in(suite), ["echo wrong > hello.txt"], 1)
    made = rollouts.get_agent("oracle") if agent == "oracle" else rollouts.Scripted()
    figures = asyncio.run(rollouts.roll_out_all(suite, made, bubblewrap, 2, tmp_path / "store"))
    assert figures["seconds"] > 0 and figures["cpu_seconds"] >= 0


def test_ratios_are_over_the_floor_of_the_same_kind(rollouts: ModuleType) -> None:
    rows = {
        "gristmill docker, oracle": {"seconds": 2.0, "cpu_seconds": 3.0, "rollouts_per_minute": 240.0},
        "docker run --rm, twice, oracle": {"seconds": 1.6, "cpu_seconds": 4.0, "rollouts_per_minute": 300.0},
        "harbor docker, oracle": {"seconds": 40.0, "cpu_seconds": 70.0, "rollouts_per_minute": 12.0, "ratio": 20.0},
        "gristmill docker, scripted": {"seconds": 9.0, "cpu_seconds": 9.0, "rollouts_per_minute": 53.0},
    }
    figures = rollouts.figures_of(rows)
    assert (figures["docker_8x4_seconds"], figures["rollouts_per_minute"]) == (2.0, 240.0)
    assert (figures["overhead_ratio"], figures["overhead_cpu_ratio"]) == (1.25, 0.75)
    assert figures["bubblewrap_overhead_ratio"] is None and figures["peers"] == {"harbor docker, oracle": 20.0}
