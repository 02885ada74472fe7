"""What the ablations' tables rest on: paired differences, answers and results that are kept, arms that can be made."""

import json
import urllib.request
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from agents.registry import get_agent
from agents.strategies.scorer import Scorer, ScorerProvenance, save_scorer
from benchmarks.ablation.allocating import drawn_space, searched
from benchmarks.ablation.answers import keeping
from benchmarks.ablation.bench import Outcome, Results
from benchmarks.ablation.compared import compared, interval
from benchmarks.ablation.plan import SETS, comparisons
from tests.agents.openai_server import says, serving


def test_differences_are_those_of_tasks_that_both_arms_have() -> None:
    off = {"a": False, "b": False, "c": True, "d": True, "only off": True}
    on = {"a": True, "b": True, "c": True, "d": False, "only on": True}
    found = compared(off, on)
    assert (found.n, found.off, found.on, found.difference) == (4, 0.5, 0.75, 0.25)
    assert (found.gained, found.lost, found.p) == (2, 1, 1.0)
    assert found.low < 0 < found.high, "three tasks that differ tell nothing"


def test_the_interval_narrows_with_the_tasks_and_holds_the_truth() -> None:
    rng = Random(1)
    few = [float(rng.random() < 0.3) for _ in range(20)]
    many = [float(rng.random() < 0.3) for _ in range(400)]
    (low, high), (lower, higher) = interval(few), interval(many)
    assert high - low > 2 * (higher - lower) and lower < 0.3 < higher


def test_the_same_request_has_the_same_answer_and_another_seed_its_own(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"

    def ask(url: str, seed: int) -> str:
        body = json.dumps({"model": "m", "seed": seed, "messages": []}).encode()
        request = urllib.request.Request(f"{url}/chat/completions", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return str(json.load(answer)["choices"][0]["message"]["content"])

    with serving(says("first"), says("second"), says("third")) as (server, upstream):
        with keeping(upstream, file) as (url, _):
            assert [ask(url, 1), ask(url, 1), ask(url, 2)] == ["first", "first", "second"]
        with file.open("a") as torn:
            torn.write('{"key": "killed while it was wri')
        with keeping(upstream, file) as (url, kept):
            assert ask(url, 2) == "second" and len(server.requests) == 2
            assert (kept.asked, kept.found) == (1, 1)


def test_results_are_there_after_a_run_was_killed(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    outcome = Outcome("arm", "task", 0, True, False, "submitted", "", "hash", 10, 3, "now")
    Results(file).put(outcome)
    with file.open("a") as torn:
        torn.write('{"arm": "ar')
    Results(file).put(replace(outcome, attempt=1))
    found = Results(file)
    assert [found.get("arm", "task", attempt) is not None for attempt in range(3)] == [True, True, False]
    assert found.get("arm", "task", 0) == outcome


def test_every_arm_of_the_plan_can_be_made(tmp_path: Path) -> None:
    nobody = ScorerProvenance(
        where="", rollouts=0, solved=0, tasks=0, suites=(), agents=(), hash="", trained_at="", scikit_learn="", seed=0,
        auc=None, pairs=0, pairs_right=None,
    )  # fmt: skip
    scorer = tmp_path / "scorer.json"
    save_scorer(Scorer(features=(), mean=(), scale=(), weights=(), bias=0.0, provenance=nobody), scorer)
    found = comparisons(str(scorer))
    for arm in [each.on for each in found] + [each.off for each in found]:
        assert get_agent(arm.agent, **arm.options).name == arm.agent and arm.tasks in SETS
    labels = [(each.on.label, each.off.label) for each in found]
    assert len(set(labels)) == len(labels)
    pieces = " ".join(each.on.agent for each in found)
    for name in ("workflows", "demonstrations", "edit_state", "stream_memory", "subgoals", "best_of_n", "majority"):
        assert name in pieces


async def test_the_guided_search_is_judged_on_tasks_that_it_has_not_seen() -> None:
    space, outcomes = drawn_space(Random(3))
    found = await searched(outcomes, space, trials=4, draws=5)
    assert found.keys() == {"random", "grid"} and found["random"].n == 120
    for row in found.values():
        assert row.difference == pytest.approx(row.on - row.off) and row.low <= row.high
