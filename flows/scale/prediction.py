"""What a cluster would do, with intervals: the run is played once a seed, each on a resample of what was recorded."""

import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from math import inf, sqrt
from multiprocessing import get_context
from statistics import fmean, stdev

from pydantic import BaseModel, ConfigDict, Field

from flows.scale.bounds import Bounds, bounds_of
from flows.scale.cluster import ClusterSpec
from flows.scale.demand import demand_of
from flows.scale.recorded import Recording, Story
from flows.scale.simulation import Played, Simulation

ROLLOUTS_A_SLOT = 3  # of a run, unless told otherwise: the first fills the cluster, the rest is looked at
BATCHES_A_WORKER = 2
LEAST_ROLLOUTS, MOST_ROLLOUTS = 400, 60_000
FULL = 0.9
SLOWS_DOWN = 0.25  # of an undisturbed rollout's time, lost in one part
BATCH_ENDS = "ends of batches"  # slots that stand idle until the slowest rollout of their batch has ended
WORTH_A_PROCESS = 200_000  # steps of a run, about a second; below, it costs more to start one
# Student's t, two-sided 95 %, by degrees of freedom.
T_95 = (inf, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13)


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True)


class Figure(_Data):
    """Mean over the seeds, and where one more run on another such recording is expected to lie in 19 of 20 cases."""

    mean: float
    low: float
    high: float


class Part(_Data):
    """A part of the cluster."""

    name: str
    utilisation: Figure = Field(description="of what it could do: 0…1")
    wait_sec: float | None = Field(description="of a visit: how much longer it takes than alone; None: not known")
    lost_sec: float | None = Field(description="the same of all visits of a rollout")
    most_an_hour: float | None = Field(description="rollouts that it allows if it were alone; None: no limit")
    full_at_sandboxes: float | None = Field(description="at a time, where nothing else slows them down; None: never")


class Prediction(_Data):
    """Prices in US dollars. `parts`: the fullest first."""

    sandboxes: int
    rollouts_an_hour: Figure
    cost_per_1000: Figure
    stretch: Figure = Field(description="mean time of a rollout over that of one that meets no other")
    median_sec: Figure = Field(description="of a rollout, from its start to its row in the store")
    p95_sec: Figure
    makespan_sec: Figure = Field(description="of the run that was played, its slow end included")
    bottleneck: str = Field(description="what is full; else what slows rollouts down by a quarter or more")
    is_full: bool = Field(description=f"whether the bottleneck is used by {FULL:.0%} or more")
    breaks_first: str = Field(description="with more sandboxes at a time: the part that is full before the others")
    parts: tuple[Part, ...]
    price_an_hour: float
    rollouts: int = Field(description="played, a seed")
    seeds: int
    events: int


def predict(
    cluster: ClusterSpec, recording: Recording, *, seeds: int = 5, rollouts: int | None = None, seed: int = 0,
    jobs: int = 1,
) -> Prediction:  # fmt: skip
    """Play the run `seeds` times. `rollouts`: of a run; `jobs`: runs played side by side, each in a process."""
    steps = fmean(len(story.acts) for story in recording.stories) + 4
    count = rollouts or min(
        MOST_ROLLOUTS, max(LEAST_ROLLOUTS, ROLLOUTS_A_SLOT * cluster.sandboxes, _in_batches(cluster))
    )
    asks = [(cluster, recording.stories, count, seed + number) for number in range(seeds)]
    if jobs > 1 and seeds > 1 and count * steps > WORTH_A_PROCESS:
        with ProcessPoolExecutor(min(jobs, seeds), mp_context=get_context("spawn")) as pool:
            runs = list(pool.map(_run, asks))
    else:
        runs = [_run(ask) for ask in asks]
    demands = [demand_of(story, cluster) for story in recording.stories]
    return _summed_up(cluster, runs, bounds_of(cluster, demands), count)


def _in_batches(cluster: ClusterSpec) -> int:
    """Rollouts of a run in which each worker process takes several batches, where it takes them one by one."""
    if cluster.api is None or cluster.api.next_batch == "early":
        return 0
    return BATCHES_A_WORKER * cluster.api.rollouts_a_task_run * cluster.hosts * cluster.host.workers


class _Run(_Data):
    a_second: float
    slots_taken: float
    stretch: float
    median_sec: float
    p95_sec: float
    makespan_sec: float
    alone_sec: float
    waits: dict[str, float]
    lost_sec: dict[str, float]
    bounds: dict[str, float]
    events: int


def _run(ask: tuple[ClusterSpec, Sequence[Story], int, int]) -> _Run:
    """On a resample of the stories (bootstrap), so that the seeds differ by what may have been recorded, too."""
    cluster, stories, rollouts, seed = ask
    chance = random.Random(seed)
    demands = [demand_of(story, cluster) for story in chance.choices(stories, k=len(stories))]
    played = Simulation(cluster, demands, rollouts=rollouts, seed=seed, is_under_way=True).play()
    took, bounds = sorted(played.took_sec), bounds_of(cluster, demands)
    a_second = steady_rate(played, cluster.sandboxes)
    return _Run(
        a_second=a_second,
        slots_taken=min(1.0, a_second * fmean(took) / cluster.sandboxes),  # Little's law
        stretch=fmean(took) / bounds.alone_sec,
        median_sec=took[len(took) // 2],
        p95_sec=took[min(len(took) - 1, int(0.95 * len(took)))],
        makespan_sec=played.ended[-1],
        alone_sec=bounds.alone_sec,
        waits=played.waits,
        lost_sec=played.lost_sec,
        bounds=bounds.a_second,
        events=played.events,
    )


def steady_rate(played: Played, slots: int) -> float:
    """Rollouts a second while all slots are taken: without the first of each slot, and without the end of the run.

    Of a run too short for that, all of it.
    """
    ended, last_began = played.ended, played.began[-1]
    first = min(slots, len(ended) // 2)
    within = [moment for moment in ended[first:] if moment <= last_began]
    if len(within) < max(20, slots):
        return len(ended) / ended[-1]
    return (len(within) - 1) / (within[-1] - within[0])


def _summed_up(cluster: ClusterSpec, runs: Sequence[_Run], bounds: Bounds, rollouts: int) -> Prediction:
    an_hour = [3600 * run.a_second for run in runs]
    slots_name, *names = bounds.a_second
    others = [_part(name, runs, bounds) for name in names]
    taken = figure([run.slots_taken for run in runs], most=1.0)
    slots = _part(slots_name, runs, bounds).model_copy(update={"utilisation": taken})
    parts = [*sorted(others, key=lambda part: -part.utilisation.mean), slots]
    is_full = parts[0].utilisation.mean >= FULL
    slowest = max(others, key=lambda part: part.lost_sec or 0.0)
    waits_for_batches = cluster.api is not None and cluster.api.next_batch == "after" and taken.mean < FULL
    if is_full:
        bottleneck = parts[0].name
    elif (slowest.lost_sec or 0.0) > SLOWS_DOWN * fmean(run.alone_sec for run in runs):
        bottleneck = slowest.name
    else:  # a backlog keeps the slots taken: they are what limits where nothing else does
        bottleneck = BATCH_ENDS if waits_for_batches else slots.name
    return Prediction(
        sandboxes=cluster.sandboxes,
        rollouts_an_hour=figure(an_hour),
        cost_per_1000=figure([1000 * cluster.price_an_hour / each for each in an_hour]),
        stretch=figure([run.stretch for run in runs]),
        median_sec=figure([run.median_sec for run in runs]),
        p95_sec=figure([run.p95_sec for run in runs]),
        makespan_sec=figure([run.makespan_sec for run in runs]),
        bottleneck=bottleneck,
        is_full=is_full,
        breaks_first=min(others, key=lambda part: part.full_at_sandboxes or inf).name,
        parts=tuple(parts),
        price_an_hour=cluster.price_an_hour,
        rollouts=rollouts,
        seeds=len(runs),
        events=sum(run.events for run in runs),
    )


def _part(name: str, runs: Sequence[_Run], bounds: Bounds) -> Part:
    most = bounds.a_second[name]
    return Part(
        name=name,
        utilisation=figure([min(1.0, run.a_second / run.bounds[name]) for run in runs], most=1.0),
        wait_sec=fmean(run.waits[name] for run in runs) if name in runs[0].waits else None,
        lost_sec=fmean(run.lost_sec[name] for run in runs) if name in runs[0].lost_sec else None,
        most_an_hour=3600 * most if most < inf else None,
        full_at_sandboxes=bounds.full_at(name) if most < inf else None,
    )


def figure(values: Sequence[float], *, least: float = 0.0, most: float = inf) -> Figure:
    """Prediction interval by Student's t; of one value, that value."""
    mean = fmean(values)
    if len(values) < 2:
        return Figure(mean=mean, low=mean, high=mean)
    reach = T_95[min(len(values) - 1, len(T_95) - 1)] * stdev(values) * sqrt(1 + 1 / len(values))
    return Figure(mean=mean, low=max(least, mean - reach), high=min(most, mean + reach))
