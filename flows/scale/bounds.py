"""What each part of a cluster could do if the others were never in its way.

A part's bound is its capacity over what a rollout asks of it on average (the utilisation law; Lazowska et al.,
"Quantitative System Performance", 1984, chapter 5): no schedule gets more rollouts out of the cluster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

from flows.scale.cluster import ClusterSpec
from flows.scale.demand import Demand
from flows.scale.model_server import DecodeCurve, most_calls_a_second

SLOTS, MEMORY = "sandbox slots", "host memory"
CORES, WORKERS, STARTS = "host cores", "worker processes", "sandbox starts"
MODEL, STORE, BODIES, API = "model servers", "store writes", "store bodies", "API task runs"
STARTS_A_ROLLOUT = 2  # the agent's and the verifier's


@dataclass(frozen=True)
class Bounds:
    """`a_second`: rollouts that each part allows, by its name. `alone_sec`: a rollout that meets no other."""

    a_second: dict[str, float]
    alone_sec: float

    def full_at(self, part: str) -> float:
        """Sandboxes at a time that fill this part, where nothing else slows them down (asymptotic bound)."""
        return self.a_second[part] * self.alone_sec


def bounds_of(cluster: ClusterSpec, demands: Sequence[Demand]) -> Bounds:
    host, hosts = cluster.host, cluster.hosts
    turns = [(each.start, *each.turns, each.end, each.start) for each in demands]
    start_sec = fmean(each.start.cpu_sec / each.start.parts + each.start.wait_sec for each in demands)
    cpu_sec = fmean(sum(turn.cpu_sec + turn.worker_sec for turn in all_of) for all_of in turns)
    worker_sec = fmean(sum(turn.worker_sec for turn in all_of) for all_of in turns)
    prefill, first_turn = (cluster.model.prefill, curve_of(cluster).turn_sec(1)) if cluster.model else (inf, 0.0)
    alone_sec = fmean(
        sum(
            turn.worker_sec + turn.pause_sec + turn.cpu_sec / turn.parts + turn.wait_sec
            + turn.prompt / prefill + turn.answer * first_turn
            for turn in all_of
        )
        for all_of in turns
    )  # fmt: skip
    if cluster.store:
        alone_sec += 1 / cluster.store.writes_a_second
    found = {
        MEMORY if host.is_cut_by_memory else SLOTS: _over(cluster.sandboxes, alone_sec),
        CORES: _over(hosts * host.cores, cpu_sec),
        WORKERS: _over(hosts * host.workers, worker_sec),
        STARTS: _over(hosts * host.starts_at_once, STARTS_A_ROLLOUT * start_sec),
    }
    if cluster.model:
        found[MODEL] = cluster.model.replicas * _model_bound(cluster, demands)
    if cluster.store:
        found[STORE] = cluster.store.writes_a_second
        if cluster.store.body_mb_a_second:
            found[BODIES] = _over(cluster.store.body_mb_a_second, fmean(each.body_mb for each in demands))
    if cluster.api:
        found[API] = cluster.api.task_runs_a_second * cluster.api.rollouts_a_task_run
    return Bounds(found, alone_sec)


def curve_of(cluster: ClusterSpec) -> DecodeCurve:
    assert cluster.model is not None
    return DecodeCurve(cluster.model.decode, cluster.model.concurrent)


def _model_bound(cluster: ClusterSpec, demands: Sequence[Demand]) -> float:
    """Rollouts a second of one replica."""
    assert cluster.model is not None
    calls = [turn for each in demands for turn in each.turns if turn.answer]
    if not calls:
        return inf
    a_second = most_calls_a_second(
        curve_of(cluster),
        places=cluster.model.concurrent,
        prefill=cluster.model.prefill,
        prompt=fmean(turn.prompt for turn in calls),
        answer=fmean(turn.answer for turn in calls),
    )
    return a_second * len(demands) / len(calls)


def _over(capacity: float, demand: float) -> float:
    return capacity / demand if demand > 0 else inf
