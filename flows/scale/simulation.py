"""One run: a backlog of rollouts on the hosts of a cluster, as discrete events.

A host takes batches from the API while it has free sandboxes, as `gristmill rollout` does; or each worker process takes
one when its own has ended, as on Ray and Dask. A rollout holds its sandbox slot from its start until it is written. Its
worker process computes one thing at a time (Python), on the same cores as the sandboxes. Model servers are chosen by
each worker process as agents/endpoint.py does: of the replicas the one that has the fewest requests of its own.
"""

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import partial

from flows.scale.bounds import API, BODIES, CORES, MODEL, STARTS, STORE, WORKERS, curve_of
from flows.scale.clock import Clock, Then
from flows.scale.cluster import ApiSpec, ClusterSpec
from flows.scale.cores import Cores
from flows.scale.demand import Demand, Turn
from flows.scale.gate import Gate
from flows.scale.model_server import ModelServer


@dataclass
class Played:
    """What came of a run. Moments in seconds from its start."""

    began: list[float] = field(default_factory=list)
    took_sec: list[float] = field(default_factory=list)  # by rollout, in the order in which they ended
    ended: list[float] = field(default_factory=list)
    waits: dict[str, float] = field(default_factory=dict)  # seconds that a visit waits on average, by part
    lost_sec: dict[str, float] = field(default_factory=dict)  # the same of all visits of a rollout
    events: int = 0


class _Worker:
    """A process that drives rollouts: what it computes waits in line; its requests to each replica, counted."""

    def __init__(self, clock: Clock, replicas: int) -> None:
        self.turn = Gate(clock, 1)
        self.asked = [0] * replicas


class _Host:
    def __init__(self, clock: Clock, cluster: ClusterSpec) -> None:
        spec = cluster.host
        self.cores = Cores(clock, spec.cores, spec.rivals)
        self.starts = Gate(clock, spec.starts_at_once)
        replicas = cluster.model.replicas if cluster.model else 0
        self.workers = [_Worker(clock, replicas) for _ in range(spec.workers)]


class _Crew:
    """Slots that take batches together: a host's, or those of one of its worker processes."""

    def __init__(self, host: _Host, workers: Sequence[_Worker], slots: int) -> None:
        self.host = host
        self.free = [workers[number % len(workers)] for number in range(slots)]  # a slot is driven by one worker
        self.in_hand = 0  # rollouts that it has and no slot for yet
        self.coming = 0  # that the API is about to give it
        self.running = 0
        self.has_begun = False


def _crews(host: _Host, cluster: ClusterSpec) -> list[_Crew]:
    slots, workers = cluster.host.slots, host.workers
    if cluster.api is None or cluster.api.next_batch == "early":
        return [_Crew(host, workers, slots)]
    return [
        _Crew(host, [worker], slots // len(workers) + (number < slots % len(workers)))
        for number, worker in enumerate(workers)
        if number < slots
    ]


class Simulation:
    """`play` once."""

    def __init__(
        self, cluster: ClusterSpec, demands: Sequence[Demand], *, rollouts: int, seed: int, is_under_way: bool = False
    ) -> None:  # fmt: skip
        """rollouts: how many, each a demand drawn at random with replacement.

        is_under_way: first batches have a part of their rollouts, so that they do not all end together.
        """
        self._is_under_way = is_under_way
        self._cluster = cluster
        self._demands = demands
        self._chance = random.Random(seed)
        self._left = rollouts
        self._clock = clock = Clock()
        self._hosts = [_Host(clock, cluster) for _ in range(cluster.hosts)]
        self._crews = [crew for host in self._hosts for crew in _crews(host, cluster)]
        self._api = Gate(clock, 1)
        self._rows = Gate(clock, 1)
        self._bodies = Gate(clock, 1)
        self._played = Played()
        self._servers: list[ModelServer] = []
        if cluster.model:
            model, curve = cluster.model, curve_of(cluster)
            self._servers = [
                ModelServer(clock, curve, places=model.concurrent, prefill=model.prefill, chunk=model.chunk)
                for _ in range(model.replicas)
            ]

    def play(self) -> Played:
        for crew in self._crews:
            self._clock.at(0.0, partial(self._fetch, crew))
        self._clock.run()
        self._played.events = self._clock.happened
        self._tell_losses()
        return self._played

    def _fetch(self, crew: _Crew) -> None:
        """Ask for as many batches as this crew is due."""
        api = self._cluster.api
        if api is None:
            size = min(len(crew.free) - crew.in_hand, self._left)
            self._left -= size
            crew.in_hand += size
        else:
            while self._left > 0 and self._is_due(crew, api):
                size = min(self._batch_size(api, crew), self._left)
                self._left -= size
                crew.coming += size
                self._api.serve(1 / api.task_runs_a_second, partial(self._arrive, crew, size))
        self._fill(crew)

    def _is_due(self, crew: _Crew, api: ApiSpec) -> bool:
        at_hand = crew.in_hand + crew.coming
        if api.next_batch == "early":  # while one batch ends, the next fills its slots (flows.batches)
            return at_hand < len(crew.free) + api.rollouts_a_task_run
        return at_hand + crew.running == 0

    def _batch_size(self, api: ApiSpec, crew: _Crew) -> int:
        if self._is_under_way and not crew.has_begun and api.next_batch == "after":
            crew.has_begun = True
            return self._chance.randint(1, api.rollouts_a_task_run)
        return api.rollouts_a_task_run

    def _arrive(self, crew: _Crew, size: int) -> None:
        crew.coming -= size
        crew.in_hand += size
        self._fill(crew)

    def _fill(self, crew: _Crew) -> None:
        while crew.free and crew.in_hand:
            crew.in_hand -= 1
            crew.running += 1
            demand = self._demands[int(self._chance.random() * len(self._demands))]
            self._begin(crew, crew.free.pop(), demand)

    def _begin(self, crew: _Crew, worker: _Worker, demand: Demand) -> None:
        life: Generator[None]

        def go_on() -> None:
            next(life)

        life = self._life(crew, worker, demand, go_on)
        next(life)

    def _life(self, crew: _Crew, worker: _Worker, demand: Demand, go_on: Then) -> Generator[None]:
        """A rollout; at each `yield` it waits for `go_on`."""
        clock, cluster, host = self._clock, self._cluster, crew.host
        began = clock.now
        self._played.began.append(began)
        if not host.starts.enter(go_on):
            yield
        yield from self._turn(host, worker, demand.start, go_on)
        host.starts.leave()
        for turn in demand.turns:
            yield from self._turn(host, worker, turn, go_on)
        if not host.starts.enter(go_on):
            yield
        yield from self._turn(host, worker, demand.start, go_on)
        host.starts.leave()
        yield from self._turn(host, worker, demand.end, go_on)
        if store := cluster.store:
            if store.body_mb_a_second and demand.body_mb:
                self._bodies.serve(demand.body_mb / store.body_mb_a_second, go_on)
                yield
            self._rows.serve(1 / store.writes_a_second, go_on)
            yield
        self._played.took_sec.append(clock.now - began)
        self._played.ended.append(clock.now)
        crew.free.append(worker)
        crew.running -= 1
        self._fetch(crew)
        yield

    def _turn(self, host: _Host, worker: _Worker, turn: Turn, go_on: Then) -> Generator[None]:
        if turn.worker_sec:
            if not worker.turn.enter(go_on):
                yield
            host.cores.work(turn.worker_sec, go_on)
            yield
            worker.turn.leave()
        if turn.pause_sec:
            self._clock.after(turn.pause_sec, go_on)
            yield
        if turn.answer:
            replica = self._least_asked(worker)
            worker.asked[replica] += 1
            self._servers[replica].ask(turn.prompt, turn.answer, go_on)
            yield
            worker.asked[replica] -= 1
        if turn.cpu_sec:
            host.cores.work_in_parts(turn.cpu_sec, turn.parts, go_on)
            yield
        if turn.wait_sec:
            self._clock.after(turn.wait_sec, go_on)
            yield

    def _least_asked(self, worker: _Worker) -> int:
        asked = worker.asked
        least = min(asked)
        if asked.count(least) == 1:
            return asked.index(least)
        at = int(self._chance.random() * len(asked))
        while asked[at] != least:
            at = at + 1 if at + 1 < len(asked) else 0
        return at

    def _tell_losses(self) -> None:
        hosts, played = self._hosts, self._played
        workers = [worker.turn for host in hosts for worker in host.workers]
        gates = {STARTS: [host.starts for host in hosts], WORKERS: workers, STORE: [self._rows], BODIES: [self._bodies],
                 API: [self._api]}  # fmt: skip
        lost = {name: sum(gate.waited_sec for gate in all_of) for name, all_of in gates.items()}
        visits = {name: sum(gate.visits for gate in all_of) for name, all_of in gates.items()}
        lost[CORES] = sum(host.cores.took_sec - host.cores.done_sec for host in hosts)
        visits[CORES] = sum(host.cores.pieces for host in hosts)
        lost[MODEL] = sum(server.lost_sec for server in self._servers)
        visits[MODEL] = sum(server.asked for server in self._servers)
        played.waits = {name: seconds / max(1, visits[name]) for name, seconds in lost.items()}
        played.lost_sec = {name: seconds / len(played.ended) for name, seconds in lost.items()}
