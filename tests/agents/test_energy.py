"""Energy is an estimate by a stated formula, and is absent where its inputs are."""

import json

import pytest

from agents.energy import energy_of, estimated_wh
from agents.models import LOCAL, ModelConfig
from tests.agents.conftest import RollOut
from tests.agents.openai_server import says, serving


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
