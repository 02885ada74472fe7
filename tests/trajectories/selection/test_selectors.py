"""Each selector on rollouts that are there in the store."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trajectories.conftest import make_rollout, make_trajectory
from trajectories.atif import Observation, ObservationResult, Step, ToolCall
from trajectories.errors import BadSelection
from trajectories.selection import Item, Recipe, Selected, load_recipe, select
from trajectories.selection import Step as Chosen
from trajectories.selection.diversity import spread
from trajectories.selection.reduced import reduce_suite
from trajectories.store import Store, open_store

Choose = Callable[..., Selected]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


@pytest.fixture
def choose(store: Store) -> Choose:
    def by(name: str, **options: Any) -> Selected:
        return select(store, where="", recipe=Recipe(steps=(Chosen(name=name, options=options),)))

    return by


def calling(*commands: str, failing: int = 0) -> Any:
    """A trajectory that runs these commands; the first `failing` of them are answered by errors."""
    steps = [
        Step(
            step_id=at + 2,
            source="agent",
            message="",
            tool_calls=(ToolCall(tool_call_id=f"c{at}", function_name="bash", arguments={"command": command}),),
            observation=Observation(results=(ObservationResult(source_call_id=f"c{at}", content="x"),)),
            extra={"is_error": at < failing},
        )
        for at, command in enumerate(commands)
    ]
    start = make_trajectory()
    return start.model_copy(update={"steps": (start.steps[0], *steps)})


def tasks(selected: Selected) -> list[str]:
    return [item.task for item in selected.items]


def test_quality_leaves_out_give_ups_loops_and_storms_of_errors(store: Store, choose: Choose) -> None:
    store.record(make_rollout("good", trajectory=calling("ls", "cat a", "sed b")))
    store.record(make_rollout("gave-up", trajectory=calling("ls"), ending="step_limit"))
    store.record(make_rollout("loop", trajectory=calling(*["ls"] * 5, "cat a")))
    store.record(make_rollout("storm", trajectory=calling("a", "b", "c", "d", failing=3)))
    store.record(make_rollout("a-few-errors", trajectory=calling("a", "b", "c", "d", failing=2)))
    assert tasks(choose("quality")) == ["a-few-errors", "good"]


def test_dedupe_keeps_one_of_those_that_did_the_same(store: Store, choose: Choose) -> None:
    for attempt in range(3):
        store.record(make_rollout("t", attempt=attempt, trajectory=calling("ls", "cat a", "sed b")))
    store.record(make_rollout("t", attempt=3, trajectory=calling("grep x", "vi y", "make")))
    store.record(make_rollout("u", trajectory=calling("ls", "cat a", "sed b")))
    assert Counter(tasks(choose("dedupe"))) == {"t": 2, "u": 1}, "the same on another task is another thing"
    assert len(choose("dedupe", across_tasks=True).items) == 2


@pytest.fixture
def mixed(store: Store) -> Store:
    """40 rollouts of `big`, 8 of `small`, 2 of `tiny`."""
    for family, count in (("big", 40), ("small", 8), ("tiny", 2)):
        for number in range(count):
            store.record(make_rollout(f"{family}-{number}", family=family, provenance={"repository": family}))
    return store


def families(selected: Selected) -> Counter[str]:
    return Counter(item.family for item in selected.items)


def test_balance_caps_each_group(mixed: Store, choose: Choose) -> None:
    assert families(choose("balance", by="family", most=5)) == {"big": 5, "small": 5, "tiny": 2}


def test_mixture_by_temperature_gives_small_groups_more_than_their_size(mixed: Store, choose: Choose) -> None:
    assert families(choose("mixture", n=25, temperature=1)) == {"big": 20, "small": 4, "tiny": 1}
    assert families(choose("mixture", n=20, temperature=100)) == {"big": 10, "small": 8, "tiny": 2}
    assert families(choose("mixture", n=20, temperature=1, cap=4))["big"] < 12
    assert len(choose("mixture", n=500).items) == 50


def test_the_same_seed_chooses_the_same(mixed: Store, choose: Choose) -> None:
    assert choose("sample", n=7) == choose("sample", n=7)
    other = select(mixed, where="", recipe=Recipe(steps=(Chosen(name="sample", options={"n": 7}),)), seed=1)
    assert {item.id for item in other.items} != {item.id for item in choose("sample", n=7).items}


def test_a_curriculum_goes_from_easy_to_hard(store: Store, choose: Choose) -> None:
    for task, solved in (("hard", 1), ("easy", 4), ("never", 0), ("medium", 2)):
        for attempt in range(4):
            store.record(make_rollout(task, attempt=attempt, reward=1.0 if attempt < solved else 0.0))
    selected = choose("curriculum", bands=4, low=0.1)
    assert list(dict.fromkeys(tasks(selected))) == ["easy", "medium", "hard"]
    assert [item.round for item in selected.items] == [0] * 4 + [2] * 4 + [3] * 4


def test_facility_location_takes_one_of_each_kind_first(store: Store, choose: Choose) -> None:
    kinds = {"search": "grep alpha beta gamma", "build": "make compile link install", "fetch": "curl wget download"}
    for kind, command in kinds.items():
        for number in range(5):
            store.record(make_rollout(f"{kind}-{number}", trajectory=calling(f"{command} {number}", command)))
    chosen = choose("facility_location", n=3)
    assert {item.task.split("-")[0] for item in chosen.items} == set(kinds)
    clustered = choose("clusters", k=3, each=1)
    assert {item.task.split("-")[0] for item in clustered.items} == set(kinds)


def test_facility_location_is_greedy_and_best_first() -> None:
    import numpy as np

    similarity = np.array([[1, 0.9, 0.9, 0], [0.9, 1, 0.5, 0], [0.9, 0.5, 1, 0], [0, 0, 0, 1.0]])
    assert spread(similarity, 2) == [0, 3]


def test_influence_prefers_what_helps_on_the_target(store: Store, choose: Choose) -> None:
    for number in range(12):
        solved = number % 2 == 0
        command = "sed fix parser tokens" if solved else "rm everything reset"
        store.record(make_rollout(f"near-{number}", reward=float(solved), trajectory=calling(f"{command} {number}")))
        store.record(make_rollout(f"far-{number}", reward=float(solved), trajectory=calling(f"paint picture {number}")))
    store.record(make_rollout("goal", agent="other", trajectory=calling("sed fix parser tokens now")))
    chosen = choose("influence", target="agent = 'other'", n=6)
    near = [item for item in chosen.items if item.task.startswith(("near", "goal"))]
    assert len(near) >= 5
    with pytest.raises(BadSelection, match="no rollout is a target"):
        choose("influence", target="agent = 'nobody'", n=6)


def test_tasks_of_benchmarks_are_left_out(store: Store, choose: Choose) -> None:
    marked = {"repository": "r", "details": {"contamination": [{"kind": "repository"}]}}
    store.record(make_rollout("benchmark", provenance=marked))
    store.record(make_rollout("ours"))
    assert tasks(choose("decontaminate")) == ["ours"]


def test_a_recipe_is_applied_from_top_to_bottom(mixed: Store, tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("select:\n  - quality\n  - balance: {by: family, most: 5}\n  - sample: {n: 4}\n")
    selected = select(mixed, where="family != 'tiny'", recipe=load_recipe(file))
    assert selected.left == (("where", 48), ("quality", 48), ("balance", 10), ("sample", 4))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("select:\n  - sample: {n: 3}\n  - shuffle: {}\n", r":3: no selector is called 'shuffle'"),
        ("select:\n  - sample: {n: none}\n", r":2: sample\.n: "),
        ("select:\n  - balance: {by: weather, most: 3}\n", r":2: balance\.by: "),
        ("select:\n  - sample: 3\n", r":2: sample: expected a mapping"),
        ("select: all\n", r":1: expected `select:`"),
        ("select: [\n", "is not YAML"),
    ],
)
def test_a_wrong_recipe_is_told_by_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(text)
    with pytest.raises(BadSelection, match=told):
        load_recipe(file)


def test_a_reduced_suite_predicts_the_whole_better_than_chance(store: Store) -> None:
    """Agents of rising skill on tasks of rising difficulty, in two kinds that different agents are good at."""
    for agent in range(6):
        for number in range(40):
            skill = agent / 5 if number % 2 else (agent * 2 % 6) / 5
            solved = skill >= (number // 2) / 20
            store.record(make_rollout(f"t{number:02}", agent=f"a{agent}", reward=float(solved)))
    reduced = reduce_suite(store, "suite", share=0.1)
    assert (len(reduced.weights), reduced.tasks) == (4, 40)
    assert sum(reduced.weights.values()) == pytest.approx(1)
    assert reduced.mean_error < reduced.random_error
    with pytest.raises(BadSelection, match="0 agents"):
        reduce_suite(store, "other")


def test_items_carry_the_rate_of_their_task(store: Store) -> None:
    store.record(make_rollout("t", reward=1.0))
    store.record(make_rollout("t", attempt=1, reward=0.0))
    store.record(make_rollout("t", attempt=2, error="lost"))
    store.record(make_rollout("t", agent="oracle", is_privileged=True))
    items: tuple[Item, ...] = select(store, where="", recipe=Recipe()).items
    assert {item.pass_rate for item in items} == {0.5}
