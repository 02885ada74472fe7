"""Rollouts in batches: plain code that would run without Prefect.

A batch is what one Prefect task run carries: seconds to minutes of work. Its state is Prefect's, a
rollout's state is the store's: each rollout is written the moment it is finished, so a killed batch
repeats only what had not ended.
"""

import asyncio
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path

from agents.agent import Agent
from agents.models import ModelConfig
from agents.registry import get_agent
from agents.rollout import roll_out
from agents.tools import label, read_tools_config
from flows.drain import Drain
from flows.errors import UsageError
from flows.place import Place
from flows.requests import AgentRequest, RolloutRequest
from flows.slots import Slots
from tasks.suite import Suite
from trajectories.rollout import Rollout, RolloutKey
from trajectories.store import Store

Work = list[tuple[RolloutKey, AgentRequest]]

MOST_IN_A_BATCH = 32
BACKEND_AWAY_SEC = 60.0  # a daemon that is restarted, which was there when the flow began
ASKED_AT_ONCE = 400  # rollouts in one question to the store
BATCHES_AT_ONCE = 2  # while one batch ends, the other keeps the slots filled


def keys_of(request: RolloutRequest, suite: Suite, backend: str) -> Work:
    """Every rollout that the request names, attempts outermost so that each agent has seen each task early.

    With a file of tools, agents are named `AGENT+tools:HASH`. Raises AgentFault where that cannot be read.
    """
    tools = read_tools_config(request.tools) if request.tools else None
    called = {agent.agent: label(agent.agent, tools) for agent in request.agents}
    task_ids = request.tasks or suite.task_ids()
    attempts = max(agent.attempts for agent in request.agents)
    return [
        (
            RolloutKey(
                suite_hash=suite.manifest.hash,
                task_id=task_id,
                agent=called[agent.agent],
                model=agent.model,
                backend=backend,
                attempt=attempt,
            ),
            agent,
        )
        for attempt in range(attempts)
        for agent in request.agents
        if attempt < agent.attempts
        for task_id in task_ids
    ]


def split(count: int, jobs: int, *, slots: tuple[int, int] | None = None) -> Iterator[slice]:
    """Batches of even size: several for each slot, so that the last ones end together; none too large.

    None smaller either than the sandboxes that it may fill while others run, or those would stand idle.
    `slots`: of a cluster, batches at a time and sandboxes of each; else `jobs` sandboxes in this process.
    """
    at_once, own = slots or (BATCHES_AT_ONCE, -(-jobs // BATCHES_AT_ONCE))
    total = at_once * own if slots else jobs
    size = max(1, min(MOST_IN_A_BATCH, -(-count // (total * 3))), min(own, -(-count // at_once)))
    yield from _slices(count, size)


def evenly(count: int, most: int) -> Iterator[slice]:
    """At most so many batches."""
    yield from _slices(count, max(1, -(-count // most)))


def _slices(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def outcome_of(rollout: Rollout) -> str:
    """solved, failed, or unknown (the infrastructure's fault, never the agent's)."""
    if rollout.is_unknown:
        return "unknown"
    return "solved" if rollout.verdict.is_solved else "failed"


def outcomes_in(store: Store, rollout_ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Id and outcome of those rollouts that the store has, whoever wrote them."""
    ids = sorted(rollout_ids)
    for start in range(0, len(ids), ASKED_AT_ONCE):
        part = ", ".join(f"'{each}'" for each in ids[start : start + ASKED_AT_ONCE])
        for row in store.rollouts(f"id in ({part})"):
            yield row.id, "unknown" if row.is_unknown else "solved" if row.reward >= 1 else "failed"


@cache
def _settle() -> None:
    """What is imported stays: to look through it for garbage, again and again, is a tenth of a short rollout."""
    gc.collect()
    gc.freeze()


async def run_batch(
    work: Sequence[tuple[RolloutKey, AgentRequest]],
    *,
    suite: Suite,
    place: Place,
    models: Mapping[str, ModelConfig],
    jobs: int,
    on_done: Callable[[Rollout], None],
    slots: Slots | None = None,
    rank: int = 0,
    tools_file: Path | None = None,
    drain: Drain | None = None,
) -> list[str]:
    """Roll out each key, `jobs` at a time, and write it; returns the ids written.

    `slots`: shared with batches that run beside this one, the one of lower `rank` first.

    `drain`: once it is begun no rollout begins; what it stops is not written.

    Raises what is not a rollout's own fault: a task cannot be read, the store cannot be written, the file of tools
    is not what it was when the keys were made; Drained where rollouts were left undone.
    """
    drain = drain or Drain()
    tools = read_tools_config(tools_file) if tools_file else None
    if any(key.agent != label(request.agent, tools) for key, request in work):
        raise UsageError(
            f"{tools_file}: the tools changed while rollouts ran; the same command goes on with the new ones"
        )
    backend = await asyncio.to_thread(place.open_backend, patience_sec=BACKEND_AWAY_SEC)
    own = asyncio.Semaphore(jobs)
    agents: dict[tuple[str, str], Agent] = {}
    under_way: set[asyncio.Task[Rollout]] = set()

    async def rolled_out(key: RolloutKey, request: AgentRequest) -> Rollout:
        return await roll_out(
            await asyncio.to_thread(suite.task, key.task_id),
            agents[key.agent, request.model],
            backend,
            key=key,
            limits=request.limits,
            model=models.get(request.model),
            tools=tools,
        )

    async def one(key: RolloutKey, request: AgentRequest, store: Store) -> str:
        async with own, slots.taken(rank) if slots else nullcontext():
            if drain.is_begun:
                return ""
            acting = asyncio.create_task(rolled_out(key, request))
            under_way.add(acting)
            acting.add_done_callback(under_way.discard)
            try:
                rollout = await acting
            except asyncio.CancelledError:
                if drain.is_over:
                    return ""
                raise
            await asyncio.to_thread(store.record, rollout)  # the drain does not stop this: it has ended
        on_done(rollout)
        return key.id

    with place.open_store() as store:
        keys = {f"key of {name}": each.api_key.get_secret_value() for name, each in models.items() if each.api_key}
        store.secrets = {**store.secrets, **keys}  # they may come from another process, not from the environment
        for key, request in work:
            if (key.agent, request.model) not in agents:
                agent = agents[key.agent, request.model] = get_agent(request.agent, **request.options)
                if look := getattr(agent, "open", None):  # pieces that learn from what the store holds
                    await asyncio.to_thread(look, store)
        watch = asyncio.create_task(drain.stop_when_over(under_way))
        _settle()
        try:
            written = await asyncio.gather(*(one(key, request, store) for key, request in work))
        finally:
            watch.cancel()
    if not all(written):
        drain.check()
    return list(written)
