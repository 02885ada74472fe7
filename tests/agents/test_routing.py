"""Tasks go to models by rules and by measured pass rates; a run that is started again makes the same choices."""

import random
import sys
from pathlib import Path

import pytest

from agents.routing import Measured, Rule, read_route, thompson
from environments.sandbox import Backend
from flows.batches import keys_of, run_batch
from flows.errors import UsageError
from flows.models import resolve
from flows.place import Place
from flows.requests import AgentRequest, RolloutRequest
from flows.routing import counts_of, load_route, routed
from tasks.suite import Suite, open_suite
from tasks.task import Task
from tests.agents.openai_server import says, serving
from tests.trajectories.conftest import make_rollout
from trajectories.rollout import Rollout

MODELS = "models:\n" + "".join(f"  {name}: {{model: m, base_url: URL}}\n" for name in ("big", "small", "sql"))
MEASURED = "rules:\n  - measured: {models: [big, small], explore: 0.1}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a registry of three models, as the current one."""
    (tmp_path / "gristmill.yaml").write_text(MODELS.replace("URL", "http://127.0.0.1:1/v1"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def suite(tiny_task: Task, session_cache: Path) -> Suite:
    return open_suite(tiny_task.folder, cache=session_cache)


def place_in(folder: Path) -> Place:
    return Place(store=str(folder / "store"), cache=folder / "cache")


def request_of(suite: Suite, attempts: int) -> RolloutRequest:
    return RolloutRequest(
        suite=suite.folder, agents=(AgentRequest(agent="react", model="route:route.yaml", attempts=attempts),)
    )


def choices(suite: Suite, place: Place, attempts: int = 30) -> list[str]:
    with place.open_store() as store:
        work = routed(keys_of(request_of(suite, attempts), suite, "bubblewrap"), suite, place, store)
    assert all(key.model == agent.model for key, agent in work)
    return [key.model for key, _ in work]


def test_a_rule_knows_the_tags_that_a_template_gives(tiny_task: Task) -> None:
    rule = Rule.model_validate({"tag": "calls-1", "model": "small"})
    made = tiny_task.provenance.model_copy(update={"details": {"tags": ["tools", "calls-1"]}})
    assert rule.holds(tiny_task.model_copy(update={"provenance": made}))
    assert not rule.holds(tiny_task)


def test_the_first_rule_that_holds_decides(tiny_task: Task, tmp_path: Path) -> None:
    (tmp_path / "route.yaml").write_text("""
rules:
  - {family: [sql_*, table_*], model: sql}
  - {family: repository, difficulty: {lines: [50, 1000]}, model: big}
  - {tag: easy, model: small}
  - {model: big}
""")
    route = read_route(tmp_path / "route.yaml")
    easy = tiny_task.model_copy(update={"config": {"metadata": {"difficulty": "easy"}}})
    hard = {"files": 3, "lines": 80, "tests": 1}
    provenance = easy.provenance.model_copy(update={"details": {"difficulty": hard}})
    tasks = [
        tiny_task.model_copy(update={"family": "table_joins", "config": easy.config}),
        easy.model_copy(update={"provenance": provenance}),
        easy.model_copy(update={"provenance": provenance.model_copy(update={"details": {}})}),
        tiny_task.model_copy(update={"config": {}, "family": "other"}),
    ]
    rules = [route.rule_of(task) for task in tasks]
    assert [rule.model for rule in rules if rule] == ["sql", "big", "small", "big"]


def test_the_better_model_is_found_in_a_store_of_rollouts(tmp_path: Path) -> None:
    """Solves one of five against four of five: by the last hundred rollouts the better one has nearly all."""
    measured, chance, taken = Measured(models=("poor", "good"), explore=0.1), random.Random(1), []
    with place_in(tmp_path).open_store() as store:
        for part in range(10):
            rates = counts_of(store)["react", "repository"]
            batch: list[Rollout] = []
            for number in range(20 * part, 20 * part + 20):
                name = thompson(measured, rates, number)
                is_solved = chance.random() < {"poor": 0.2, "good": 0.8}[name]
                batch.append(make_rollout(f"t{number}", model=name, reward=float(is_solved)))
            store.record_many(batch)
            taken += [rollout.key.model for rollout in batch]
    assert taken[:20].count("poor") >= 3  # nothing was known
    assert 1 <= taken[100:].count("poor") <= 15  # explored, no more


def test_what_failed_by_the_infrastructure_and_other_agents_say_nothing(tmp_path: Path) -> None:
    with place_in(tmp_path).open_store() as store:
        store.record(make_rollout("a", model="big", reward=1.0))
        store.record(make_rollout("b", model="big", reward=0.0, error="no disk"))
        store.record(make_rollout("c", model="big", reward=0.0, agent="repair"))
        assert counts_of(store)["react", "repository"] == {"big": (1, 1)}


def test_exploration_has_a_floor() -> None:
    known = {"big": (1000, 1000), "small": (1000, 0)}
    picked = [thompson(Measured(models=("big", "small"), explore=0.5), known, seed) for seed in range(400)]
    assert 60 <= picked.count("small") <= 140  # half of the half that is explored
    assert "small" not in {thompson(Measured(models=("big", "small"), explore=0), known, seed) for seed in range(400)}


def test_started_again_the_choices_are_the_same(here: Path, suite: Suite) -> None:
    (here / "route.yaml").write_text(MEASURED)
    place = place_in(here)
    first = choices(suite, place, attempts=20)
    assert set(first) == {"big", "small"}
    with place.open_store() as store:  # rollouts that turn the pass rates round
        store.record_many(make_rollout(f"t{number}", model="small") for number in range(200))
    again = choices(suite, place, attempts=60)
    assert again[:20] == first
    assert again[20:].count("small") > 30  # what is new is drawn by what is known by now
    fresh = choices(suite, place.model_copy(update={"cache": here / "other"}), attempts=20)
    assert fresh != first


async def test_the_chosen_model_is_called_and_on_the_rollout(
    here: Path, suite: Suite, bubblewrap: Backend, session_cache: Path
) -> None:
    (here / "route.yaml").write_text("rules:\n  - {family: sql_*, model: sql}\n  - {model: small}\n")
    place = place_in(here).model_copy(update={"cache": session_cache})  # where the environment of the task is
    request = request_of(suite, attempts=1)
    with serving(says("", ("submit", {}))) as (server, url), place.open_store() as store:
        (here / "gristmill.yaml").write_text(MODELS.replace("URL", url))
        work = routed(keys_of(request, suite, "bubblewrap"), suite, place, store)
        models = {agent.model: resolve(agent.model, {}) for _, agent in work}
        done: list[Rollout] = []
        await run_batch(work, suite=suite, place=place, models=models, jobs=1, on_done=done.append)
        assert [row.model for row in store.rollouts("", limit=5)] == ["small"]
    assert (done[0].key.model, done[0].ending, len(server.requests)) == ("small", "submitted", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules:\n  - model: big\n  - modle: big\n", r"route.yaml:3: rules\.1\.modle"),
        ("rules:\n  - {model: big}\n  - family: a\n    model: huge\n", r"route.yaml:4: no model 'huge'"),
        ("rules:\n  - model: big\n    difficulty: {depth: [1, 2]}\n", "route.yaml:2: .*no difficulty 'depth'"),
        ("rules:\n  - family: a\n", "route.yaml:2: .*give model, or measured"),
        ("rules: [", "route.yaml:1: not YAML"),
        ("rules:\n  - model: route:route.yaml\n", "not to another route"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(here: Path, text: str, said: str) -> None:
    (here / "route.yaml").write_text(text)
    with pytest.raises(UsageError, match=said):
        load_route("route:route.yaml")


def test_no_rule_for_a_task(here: Path, suite: Suite) -> None:
    (here / "route.yaml").write_text("rules:\n  - {family: sql_*, model: sql}\n")
    with pytest.raises(UsageError, match=r"no rule holds for task .* of family repository; add a last rule"):
        choices(suite, place_in(here))


def test_on_the_command_line_a_wrong_file_is_exit_2(
    here: Path, suite: Suite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.cli import main

    (here / "route.yaml").write_text("rules:\n  - family: a\n    model: huge\n")
    command = ["gristmill", "rollout", str(suite.folder), "--agent", "react", "--model", "route:route.yaml"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert "route.yaml:3: no model 'huge'" in " ".join(capsys.readouterr().err.split())


def test_a_route_is_no_model_elsewhere(here: Path) -> None:
    with pytest.raises(UsageError, match="for `gristmill rollout` alone"):
        resolve("route:route.yaml", {})


def test_a_rule_names_one_way() -> None:
    with pytest.raises(ValueError, match="not both"):
        Rule(model="big", measured=Measured(models=("big", "small"), explore=0.1))
