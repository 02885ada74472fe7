"""As TRL 1.16 uses an environment: one from the factory, its public methods as tools, `get_reward` at the end."""

import inspect
import pickle
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from agents.environment import TrlEnvironment, TrlShellEnvironment, training_rows
from agents.tools import get_tools
from agents.tools.tool import definition_of
from environments import Backend
from tasks.suite import Suite

from .conftest import FIX

Factory = partial[TrlEnvironment]


@pytest.fixture
def factory(tiny_suite: Suite, bubblewrap: Backend) -> Factory:
    return partial(TrlEnvironment, tiny_suite.folder, cache=tiny_suite.cache, limits={"steps": 20, "seconds": 300})


@pytest.fixture
def environment(factory: Factory) -> Iterator[TrlEnvironment]:
    environment = factory()
    yield environment
    if environment._environment is not None:
        environment._environment.close()


def tools_of(environment: object) -> dict[str, Any]:
    """How the trainer finds them."""
    names = [name for name, _ in inspect.getmembers(type(environment), predicate=inspect.isfunction)]
    tools = [name for name in names if name not in ("reset", "get_reward") and not name.startswith("_")]
    return {name: getattr(environment, name) for name in tools}


def test_the_tools_are_ours(environment: TrlEnvironment) -> None:
    assert set(tools_of(environment)) == set(get_tools())
    assert set(tools_of(TrlShellEnvironment("suite"))) == {"bash", "jobs", "read", "write", "submit"}


def test_their_schemas_say_what_ours_say(environment: TrlEnvironment) -> None:
    get_json_schema = pytest.importorskip("transformers.utils.chat_template_utils").get_json_schema
    for name, method in tools_of(environment).items():
        found = get_json_schema(method)["function"]
        ours = definition_of(get_tools()[name])["function"]
        assert found["description"] == ours["description"]
        properties, known = (each["parameters"].get("properties", {}) for each in (found, ours))
        assert set(properties) <= set(known)
        assert set(found["parameters"].get("required", ())) == set(ours["parameters"].get("required", ()))


def test_rollouts_with_their_rewards(environment: TrlEnvironment, tiny_suite: Suite) -> None:
    (row,) = training_rows(tiny_suite)
    assert environment.get_reward() is None
    assert environment.reset(**row).startswith("Numbers above the upper limit")
    tools = tools_of(environment)
    assert "tinylib" in tools["bash"]("ls")
    assert "clamp" in tools["read"]("tinylib/numbers.py")
    assert "tinylib/numbers.py" in tools["search"]("def clamp")
    assert "failed" in tools["run_tests"]()
    assert "wrong arguments" in tools["bash"]("ls", timeout_sec=-1)
    assert "edited" in tools["edit"](**FIX)
    assert tools["submit"]() == "submitted"
    assert "over" in tools["bash"]("ls")
    assert environment.get_reward() == 1.0
    environment.reset(**row)
    assert environment.get_reward() == 0.0


def test_a_model_that_stops_without_submit_is_judged(environment: TrlEnvironment) -> None:
    environment.reset(task_id="tinylib-clamp", other_column=1)
    environment.edit(**FIX)
    assert environment.get_reward() == environment.get_reward() == 1.0


def test_a_lost_sandbox_has_no_reward(environment: TrlEnvironment) -> None:
    environment.reset()
    inner = environment._environment
    assert inner is not None and inner._environment._sandbox is not None
    inner._thread.run(inner._environment._sandbox.stop())
    assert "lost" in environment.bash("ls")
    assert environment.get_reward() is None


def test_it_goes_to_another_process(environment: TrlEnvironment, factory: Factory) -> None:
    environment.reset()
    copy = pickle.loads(pickle.dumps(environment))
    assert copy._environment is None and copy._arguments == environment._arguments
    assert isinstance(pickle.loads(pickle.dumps(factory))(), TrlEnvironment)
