"""Two adapters that have learned a word each, beside the small model: asked by name, and chosen by rules for a task."""

from pathlib import Path

import pytest

from agents.routing import Route
from agents.serving import Fleet, ServeConfig
from tasks.task import Task
from tests.agents.conftest import RollOut

from .conftest import ask
from .teaching import says, teach

pytestmark = pytest.mark.slow
WORDS = ("apple", "river")


@pytest.fixture(scope="session")
def taught(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("adapters")
    adapters = {word: folder / word for word in WORDS}
    teach(base, adapters)
    return adapters


async def test_each_name_says_its_word_as_under_peft(weights: Path, base: Path, taught: dict[str, Path]) -> None:
    async with Fleet(ServeConfig(name="small", weights=str(weights), lora=taught, context_length=512)) as fleet:
        models = {model.name: model for model in fleet.models}
        for question in ("Say hello.", "Tell me of the sea."):
            answers = {name: await ask(model, question) for name, model in models.items()}
            assert [answers[word].strip() for word in WORDS] == list(WORDS)
            assert not set(WORDS) & set(answers["small"].lower().split())
    assert [says(base, taught[word], "Say hello.") for word in WORDS] == list(WORDS)


async def test_a_rule_sends_a_task_to_its_adapter(
    weights: Path, taught: dict[str, Path], rolling: RollOut, tiny_task: Task
) -> None:
    route = Route.model_validate(
        {"rules": [{"tag": "no-such-tag", "model": "river"}, {"tag": "tinylib", "model": "apple"}, {"model": "small"}]}
    )
    async with Fleet(ServeConfig(name="small", weights=str(weights), lora=taught)) as fleet:
        models = {model.name: model.model_copy(update={"max_tokens": 60}) for model in fleet.models}
        said = {}
        rule = route.rule_of(tiny_task)
        assert rule is not None and rule.model == "apple"
        for name in (rule.model, "small"):
            rollout = await rolling("react", model=models[name], steps=1, seconds=120)
            assert not rollout.is_unknown and rollout.key.model == name
            said[name] = " ".join(str(step.message) + str(step.tool_calls) for step in rollout.trajectory.steps[2:])
    assert "apple" in said["apple"] and "apple" not in said["small"]
