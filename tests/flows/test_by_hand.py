"""A run that a person starts, where no server holds limits. With one: tests/e2e/test_by_hand_limits.py."""

from pathlib import Path

import pytest

from flows.by_hand import model_limits_held
from flows.deployments.processes import State, write_state
from flows.deployments.up import folder_of
from flows.errors import ApiUnavailable
from flows.place import Place
from flows.requests import RolloutRequest

REQUEST = RolloutRequest.model_validate(
    {"suite": "suite", "agents": [{"agent": "react", "model": "quick"}, {"agent": "oracle"}]}
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(store=str(tmp_path / "store"), cache=tmp_path / "cache", jobs=8)


def test_without_a_server_only_what_the_command_says_is_a_limit(place: Place) -> None:
    with model_limits_held(REQUEST, place) as free:
        assert free.model_limits == {}
    with model_limits_held(REQUEST, place, at_most=2) as bounded:
        assert bounded.model_limits == {"quick": 2}


def test_a_server_that_was_taken_down_is_not_asked(place: Place) -> None:
    folder_of(place).mkdir(parents=True)
    write_state(folder_of(place), State(url="http://127.0.0.1:1/api", is_own=True))
    with model_limits_held(REQUEST, place) as free:
        assert free.model_limits == {}


def test_a_server_that_should_be_there_and_is_not_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    shared = place.model_copy(update={"batch_limit": "gristmill-batches"})
    said = r"127\.0\.0\.1:1/api, which holds the limits on models, does not answer"
    with pytest.raises(ApiUnavailable, match=said), model_limits_held(REQUEST, shared):
        pass
    without_models = REQUEST.model_copy(update={"agents": REQUEST.agents[1:]})
    with model_limits_held(without_models, shared) as free:
        assert free.model_limits == {}
