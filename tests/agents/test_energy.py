"""Energy is an estimate by a stated formula, and is absent where its inputs are."""

import json
import sys
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from agents import energy
from agents.energy import Meter, energy_of, estimated_wh, start_measuring
from agents.models import LOCAL, ModelConfig
from tests.agents.conftest import RollOut
from tests.agents.openai_server import says, serving
from tests.trajectories.conftest import make_rollout
from trajectories.atif import FinalMetrics
from trajectories.costs import cost_report
from trajectories.store import open_store


def test_the_formula_by_hand() -> None:
    # 2 x 1e9 x 1000 operations at 700 W over 0.3 x 989e12 a second
    assert estimated_wh(1.0, 1000, "h100") == pytest.approx(2e12 * 700 / (0.3 * 989e12) / 3600)


def test_what_is_not_known_is_not_guessed() -> None:
    assert energy_of(None, 1, 1) is None
    assert energy_of(LOCAL.model_copy(update={"billions": 0.0}), 1, 1) is None
    assert energy_of(LOCAL.model_copy(update={"hardware": "abacus"}), 1, 1) is None


async def test_it_stands_on_the_rollout_marked_as_an_estimate(rolling: RollOut) -> None:
    with serving(says("", ("submit", {}))) as (_, url):
        fields = {"name": "m", "model": "m", "base_url": url, "billions": 7.0, "hardware": "a100"}
        rollout = await rolling("react", model=ModelConfig.model_validate(fields))
    metrics = rollout.trajectory.final_metrics
    assert metrics is not None and metrics.extra is not None
    assert metrics.extra["energy_wh"] == pytest.approx(estimated_wh(7.0, 110, "a100"))
    assert metrics.extra["energy_source"].startswith("estimate: ")
    assert json.loads(rollout.model_dump_json())["trajectory"]["final_metrics"]["extra"]


def test_a_meter_shares_out_the_whole() -> None:
    readings = iter([1000.0, 4600.0, 4600.0, 8200.0])
    meter = Meter(lambda: next(readings))
    assert [meter.since_last() for _ in range(3)] == [1.0, 0.0, 1.0]


def test_counters_of_gpus_go_before_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's functions as two GPUs would answer them: there are none here."""
    looks = count(1)
    nvml = SimpleNamespace(
        NVMLError=RuntimeError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetTotalEnergyConsumption=lambda gpu: next(looks) * 1_800_000,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(energy, "_meters", [])
    model = LOCAL.model_copy(update={"hardware": "nvml"})
    assert start_measuring("nvml") is not None
    metrics = energy_of(model, 100, 10)
    assert metrics == {"energy_wh": pytest.approx(2.0), "energy_source": "measured: NVML, all GPUs of this machine"}


def test_without_a_gpu_nothing_is_measured_and_nothing_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # as if it were not installed
    monkeypatch.setattr(energy, "_meters", [])
    assert energy_of(LOCAL.model_copy(update={"hardware": "nvml"}), 100, 10) is None


def test_the_report_has_means_a_rollout_and_says_how_energy_was_got(tmp_path: Path) -> None:
    def costing(task: str, wh: float | None, **changes: float) -> None:
        rollout = make_rollout(task, cost_usd=0.5, **changes)
        extra = {"energy_wh": wh, "energy_source": "estimate: x"} if wh is not None else None
        final = FinalMetrics(extra=extra)
        trajectory = rollout.trajectory.model_copy(update={"final_metrics": final})
        store.record(rollout.model_copy(update={"trajectory": trajectory}))

    with open_store(tmp_path) as store:
        costing("a", 2.0, total_sec=4.0)
        costing("b", 4.0, reward=0.0)
        costing("c", None, reward=0.0)
        (row,) = cost_report(store)
    assert (row.n, row.prompt_tokens, row.completion_tokens) == (3, 20, 10)
    assert row.seconds == pytest.approx(8 / 3)
    assert (row.cost_usd, row.usd_a_success) == (0.5, 1.5)
    assert (row.energy_wh, row.energy_n, row.energy_source) == (3.0, 2, "estimate: x")
