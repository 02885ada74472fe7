"""A whole cluster, simulated: against closed forms, with its bottleneck named, and by the command."""

import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.scale.bounds import API, CORES, MEMORY, MODEL, SLOTS, STARTS, STORE, WORKERS, bounds_of
from flows.scale.cluster import ClusterSpec
from flows.scale.demand import Demand, Turn, demand_of
from flows.scale.prediction import BATCH_ENDS, Prediction, figure, predict, steady_rate
from flows.scale.recorded import Act, Call, Recording, Story
from flows.scale.simulation import Simulation
from flows.scale.sweep import sweep
from tasks.task import Provenance
from trajectories.store import open_store

from .test_simulate_recorded import rollout_of, step

NOTHING = Turn()


def cluster(hosts: int = 1, **fields: Any) -> ClusterSpec:
    host = {"cores": 4, "memory_gb": 64, "sandboxes": 8, "starts_at_once": 8, **fields.pop("host", {})}
    return ClusterSpec.model_validate({"hosts": hosts, "host": host, **fields})


def recording(*, calls: int = 4, tool_sec: float = 1.0, **fields: Any) -> Recording:
    """Ten rollouts, each with `calls` answers of a model of 3 s and as many tools; lengths spread by a tenth."""
    stories = []
    for number in range(10):
        spread = 0.9 + 0.2 * number / 9
        act = Act(
            pause_sec=0.0, call=Call(prompt=1000, earlier=900, answer=50, seconds=3.0), tool_sec=tool_sec * spread
        )
        values = {"start_sec": 0.1, "end_sec": 0.1, "verify_sec": 1.1, "other_sec": 0.0, "cpu_share": 1.0, **fields}
        stories.append(Story(id=str(number), acts=(act,) * calls, body_bytes=20_000, is_split=True, **values))
    return Recording(tuple(stories), 10, 1.0)


def mean_value_analysis(customers: int, think_sec: float, demand_sec: float) -> float:
    """Throughput of a closed network of one shared station and a delay, exactly (Reiser and Lavenberg, 1980)."""
    present = throughput = 0.0
    for n in range(1, customers + 1):
        stay = demand_sec * (1 + present)
        throughput = n / (think_sec + stay)
        present = throughput * stay
    return throughput


@pytest.mark.parametrize("customers", [2, 4, 12])
def test_sandboxes_that_share_a_core_are_as_mean_value_analysis_says(customers: int) -> None:
    chance = random.Random(1)
    demands = [
        Demand(
            start=NOTHING,
            turns=(Turn(pause_sec=chance.expovariate(1 / 3.0), cpu_sec=chance.expovariate(1.0)),),
            end=NOTHING,
            body_mb=0.0,
        )
        for _ in range(5000)
    ]
    spec = cluster(host={"cores": 1, "sandboxes": customers})
    played = Simulation(spec, demands, rollouts=20_000, seed=2).play()
    assert steady_rate(played, customers) == pytest.approx(mean_value_analysis(customers, 3.0, 1.0), rel=0.04)
    # Little's law over the whole run: sandboxes taken = throughput · time of a rollout.
    taken = sum(played.took_sec) / played.ended[-1]
    assert taken == pytest.approx(customers, rel=0.01)


def test_one_sandbox_takes_as_long_as_was_recorded() -> None:
    """Start, four calls of 3 s, four tools of 1 s, and the end; the verifier's start lies in its time."""
    found = predict(cluster(host={"sandboxes": 1}), recording(), seeds=2, rollouts=200)
    assert found.median_sec.mean == pytest.approx(0.1 + 4 * 4 + 0.1 + 1.1, rel=0.03)
    assert found.stretch.mean == pytest.approx(1.0, rel=0.02)
    assert (found.bottleneck, found.is_full) == (SLOTS, False)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        (CORES, {"host": {"cores": 1}}),
        (WORKERS, {"host": {"cpu_ms_a_step": 700, "cpu_ms_a_rollout": 500}}),
        (STARTS, {"host": {"starts_at_once": 1, "start_sec": 4.0}}),
        (MODEL, {"model": {"replicas": 1, "concurrent": 4, "decode": {1: 40, 4: 80}, "prefill": 2000}}),
        (STORE, {"store": {"writes_a_second": 0.2}}),
        (API, {"api": {"task_runs_a_second": 0.1, "rollouts_a_task_run": 2}}),
    ],
)
def test_the_part_that_is_too_small_is_named(name: str, fields: dict[str, Any]) -> None:
    found = predict(cluster(**fields), recording(), seeds=2, rollouts=200)
    assert (found.bottleneck, found.is_full, found.parts[0].name) == (name, True, name)
    most = found.parts[0].most_an_hour
    assert most is not None
    assert 0.88 * most < found.rollouts_an_hour.mean < 1.04 * most  # no schedule gets more out of it


def test_a_batch_that_must_end_before_the_next_leaves_sandboxes_idle() -> None:
    """Batches of 8 on 8 sandboxes, times exponential with a mean of 1 s: the slowest of 8 takes 1 + 1/2 + … + 1/8 s."""
    chance = random.Random(4)
    turns = [(Turn(pause_sec=chance.expovariate(1.0)),) for _ in range(4000)]
    demands = [Demand(start=NOTHING, turns=each, end=NOTHING, body_mb=0.0) for each in turns]
    rates = {}
    for next_batch in ("early", "after"):
        api = {"task_runs_a_second": 1e6, "rollouts_a_task_run": 8, "next_batch": next_batch}
        played = Simulation(cluster(api=api), demands, rollouts=8000, seed=1).play()
        rates[next_batch] = 8000 / played.ended[-1]
    assert rates["early"] == pytest.approx(8.0, rel=0.05)
    assert rates["after"] == pytest.approx(8.0 / sum(1 / n for n in range(1, 9)), rel=0.05)
    spread = [replace(story, end_sec=chance.expovariate(0.1)) for story in recording(tool_sec=0.1).stories * 20]
    spec = cluster(api={"task_runs_a_second": 1e6, "rollouts_a_task_run": 8, "next_batch": "after"}, host={"cores": 99})
    found = predict(spec, Recording(tuple(spread), 200, 1.0), seeds=1, rollouts=400)
    assert (found.bottleneck, found.is_full) == (BATCH_ENDS, False)
    assert found.parts[-1].utilisation.mean < 0.85


def test_what_slows_down_before_it_is_full_is_named() -> None:
    """A server with room for 64 calls that gets 8: half of what it could do, and answers of three times the length."""
    model = {"replicas": 1, "concurrent": 64, "decode": {1: 100, 8: 260, 64: 600}, "prefill": 1e6}
    found = predict(cluster(model=model, host={"cores": 16}), recording(tool_sec=0.1), seeds=1, rollouts=200)
    assert (found.bottleneck, found.is_full) == (MODEL, False)
    model_part = next(part for part in found.parts if part.name == MODEL)
    assert model_part.lost_sec is not None and model_part.lost_sec > 0.5


def test_memory_that_cuts_the_sandboxes_is_named() -> None:
    found = predict(cluster(host={"memory_gb": 2, "sandbox_mb": 1024}), recording(), seeds=1, rollouts=50)
    assert (found.sandboxes, found.bottleneck) == (2, MEMORY)


def test_what_breaks_first_is_told_before_it_does() -> None:
    found = predict(cluster(store={"writes_a_second": 5}), recording(cpu_share=0.5), seeds=1, rollouts=100)
    assert found.bottleneck == SLOTS and found.breaks_first == CORES
    cores = next(part for part in found.parts if part.name == CORES)
    assert cores.full_at_sandboxes == pytest.approx(4 * 17.3 / (4 * 0.5 + 0.1 + 0.1 + 1.1), rel=0.02)


def test_costs_are_hosts_and_servers_over_rollouts() -> None:
    spec = cluster(
        host={"sandboxes": 1, "price_an_hour": 2.0},
        model={"replicas": 3, "concurrent": 9, "decode": {1: 50}, "prefill": 1e6, "price_an_hour": 4.0},
    )
    found = predict(spec, recording(), seeds=1, rollouts=100)
    assert found.price_an_hour == 14.0
    assert found.cost_per_1000.mean == pytest.approx(1000 * 14.0 / found.rollouts_an_hour.mean)


def test_what_stands_in_the_servers_cache_is_not_worked_off_again() -> None:
    story = recording().stories[0]
    for share, tokens in ((0.0, 1000.0), (1.0, 100.0)):
        spec = cluster(
            model={"replicas": 1, "concurrent": 1, "decode": {1: 50}, "prefill": 1000, "prefix_cache": share}
        )
        assert demand_of(story, spec).turns[0].prompt == tokens


def test_faster_cores_shorten_what_computes_and_not_what_waits() -> None:
    story = recording(cpu_share=0.5).stories[0]
    turn = demand_of(story, cluster(host={"speed": 2.0})).turns[0]
    assert (turn.cpu_sec, turn.wait_sec) == pytest.approx((0.25 * 0.9, 0.5 * 0.9))


def test_what_the_worker_did_beside_other_work_is_counted_once() -> None:
    """Steps of 10 ms, of which the worker computed 15: the rollout takes no longer than was recorded."""
    story = recording(tool_sec=0.01, cpu_share=0.0).stories[9]
    spec = cluster(host={"cpu_ms_a_step": 15, "cpu_share": 0.0})
    alone = bounds_of(spec, [demand_of(story, spec)]).alone_sec
    assert alone == pytest.approx(0.1 + 4 * (3 + 0.011) + 0.1 + 1.1, abs=1e-6)


def test_a_command_on_several_cores_needs_them_all() -> None:
    story = recording(cpu_share=3.0).stories[0]
    turn = demand_of(story, cluster()).turns[0]
    assert (turn.parts, turn.cpu_sec) == (3, pytest.approx(2.7))
    alone = bounds_of(cluster(), [demand_of(story, cluster())]).alone_sec
    assert alone == pytest.approx(0.1 + 4 * (3 + 0.9) + 0.1 + 1.1)


def test_the_same_seed_gives_the_same_prediction_and_others_an_interval() -> None:
    first, again = (predict(cluster(), recording(), seeds=3, rollouts=100, seed=5) for _ in range(2))
    assert first == again
    assert first.rollouts_an_hour.low < first.rollouts_an_hour.mean < first.rollouts_an_hour.high
    assert figure([1.0]).low == 1.0 and figure([1.0, 1.0, 1.0]).high == 1.0


def test_runs_side_by_side_are_those_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = predict(cluster(), recording(), seeds=2, rollouts=60)
    monkeypatch.setattr("flows.scale.prediction.WORTH_A_PROCESS", 1)
    assert predict(cluster(), recording(), seeds=2, rollouts=60, jobs=2) == alone


def test_a_sweep_shows_where_it_bends() -> None:
    """8 sandboxes a host, each of which writes every 17 s: a store of 1.2 a second is full with three hosts."""
    sizes = sweep(
        cluster(store={"writes_a_second": 1.2}, host={"cores": 32}),
        recording(),
        ["hosts=1,2,4,8"],
        seeds=2,
        rollouts=400,
        seed=0,
        jobs=1,
    )
    assert [size.bends for size in sizes] == [False, False, True, False]
    assert [size.prediction.bottleneck for size in sizes] == [SLOTS, SLOTS, STORE, STORE]
    assert sizes[1].gain == pytest.approx(1.0, abs=0.1)


# ------------------------------------------------------------------- the command


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Six rollouts of a model's agent."""
    steps = [step(1, 1), step(2, 3, (100, 20), 0.5), step(3, 8, (200, 30), 2.0)]
    with open_store(tmp_path / "store") as opened:
        provenance = Provenance(source="x", source_hash="", license="", repository="r")
        opened.register_suite(hash="s", name="s", version="1", tasks=[(str(n), "f", provenance) for n in range(6)])
        for number in range(6):
            opened.record(rollout_of(steps, task_id=str(number)))
    return tmp_path / "store"


def documented_cluster(folder: Path) -> Path:
    """The cluster of docs/scale.md, as it stands there, on two hosts."""
    text = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()
    block = re.search(r"```yaml\n(hosts: 200\n.*?)```", text, re.DOTALL)
    assert block is not None
    (folder / "cluster.yaml").write_text(block.group(1).replace("hosts: 200", "hosts: 2"))
    return folder / "cluster.yaml"


def test_the_documented_cluster_is_simulated(store: Path, tmp_path: Path) -> None:
    arguments = ["simulate", str(documented_cluster(tmp_path)), "--store", str(store), "-n", "300", "--seeds", "2"]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["recorded"] == 6 and told["sandboxes"] == 100
    assert Prediction.model_validate(told).rollouts_an_hour.mean > 0
    shown = CliRunner().invoke(app, arguments).stdout
    assert "bottleneck: " in shown and "breaks first: " in shown and "record with -j 1" in shown


def test_a_sweep_by_the_command(store: Path, tmp_path: Path) -> None:
    arguments = ["simulate", str(documented_cluster(tmp_path)), "--store", str(store), "-n", "100", "--seeds", "1"]
    done = CliRunner().invoke(app, [*arguments, "--vary", "hosts=1,2", "--json"])
    assert done.exit_code == 0, done.output
    assert [size["fields"] for size in json.loads(done.stdout)["sizes"]] == [{"hosts": 1}, {"hosts": 2}]
    assert "rollouts an hour" in CliRunner().invoke(app, [*arguments, "--vary", "hosts=1,2"]).stdout
