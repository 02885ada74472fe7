"""Rollouts in batches: plain code that would run without Prefect.

A batch is what one Prefect task run carries: seconds to minutes of work. Its state is Prefect's, a
rollout's state is the store's: each rollout is written the moment it is finished, so a killed batch
repeats only what had not ended.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from agents.agent import Agent
from agents.models import ModelConfig
from agents.registry import get_agent
from agents.rollout import roll_out
from agents.tools import label, read_tools_config
from flows.errors import UsageError
from flows.place import Place
from flows.requests import AgentRequest, RolloutRequest
from flows.slots import Slots
from tasks.suite import Suite, open_suite
from trajectories.rollout import Rollout, RolloutKey
from trajectories.store import Store

MOST_IN_A_BATCH = 32
BATCHES_AT_ONCE = 2  # while one batch ends, the other keeps the slots filled


def keys_of(request: RolloutRequest, suite: Suite, backend: str) -> list[tuple[RolloutKey, AgentRequest]]:
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


def split(count: int, jobs: int) -> Iterator[slice]:
    """Batches of even size: several for each slot, so that the last ones end together; none too large.

    None smaller either than the slots that it may fill while another one runs, or sandboxes would stand idle.
    """
    slots = -(-jobs // BATCHES_AT_ONCE)
    size = max(1, min(MOST_IN_A_BATCH, -(-count // (jobs * 3))), min(slots, -(-count // BATCHES_AT_ONCE)))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


async def run_batch(
    work: Sequence[tuple[RolloutKey, AgentRequest]],
    *,
    suite_folder: Path,
    place: Place,
    models: Mapping[str, ModelConfig],
    jobs: int,
    on_done: Callable[[Rollout], None],
    slots: Slots | None = None,
    rank: int = 0,
    tools_file: Path | None = None,
) -> list[str]:
    """Roll out each key, `jobs` at a time, and write it; returns the ids written.

    `slots`: shared with batches that run beside this one, the one of lower `rank` first.

    Raises what is not a rollout's own fault: the suite cannot be read, the store cannot be written, the file of tools
    is not what it was when the keys were made.
    """
    tools = read_tools_config(tools_file) if tools_file else None
    if any(key.agent != label(request.agent, tools) for key, request in work):
        raise UsageError(
            f"{tools_file}: the tools changed while rollouts ran; the same command goes on with the new ones"
        )
    backend = place.open_backend()
    suite = open_suite(suite_folder, cache=place.cache)
    own = asyncio.Semaphore(jobs)
    agents: dict[tuple[str, str], Agent] = {}

    async def one(key: RolloutKey, request: AgentRequest, store: Store) -> str:
        async with own, slots.taken(rank) if slots else nullcontext():
            rollout = await roll_out(
                await asyncio.to_thread(suite.task, key.task_id),
                agents[key.agent, request.model],
                backend,
                key=key,
                limits=request.limits,
                model=models.get(request.model),
                tools=tools,
            )
            await asyncio.to_thread(store.record, rollout)
        on_done(rollout)
        return key.id

    with place.open_store() as store:
        for key, request in work:
            if (key.agent, request.model) not in agents:
                agent = agents[key.agent, request.model] = get_agent(request.agent, **request.options)
                if look := getattr(agent, "open", None):  # pieces that learn from what the store holds
                    await asyncio.to_thread(look, store)
        return list(await asyncio.gather(*(one(key, request, store) for key, request in work)))
