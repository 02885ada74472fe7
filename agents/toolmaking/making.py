"""Solved tasks to a toolset: abstract, validate by a re-run in a fresh sandbox, keep what does something new."""

from collections.abc import Iterable
from typing import cast

from agents.agent import Agent, AgentLimits
from agents.memory.past import Past
from agents.rollout import roll_out
from agents.toolmaking.abstraction import abstract
from agents.toolmaking.agent import Crafted
from agents.toolmaking.made_tool import MadeTool
from agents.toolmaking.naming import Complete, renamed
from agents.toolmaking.toolset import Manifest, Toolset
from environments.sandbox import Backend
from tasks.task import Task
from trajectories.rollout import RolloutKey


async def make_toolset(
    solved: Iterable[tuple[Past, Task]], backend: Backend, *, complete: Complete | None = None
) -> tuple[Toolset, Manifest]:
    """`solved`: verified successes (agents.memory.past.read_past) with their tasks.

    `complete`: a model that names them.
    Raises BackendUnavailable, UnsupportedSpec.
    """
    toolset, manifest = Toolset(), Manifest()
    for past, task in solved:
        manifest.tried += 1
        tool = abstract(past)
        if tool is None:
            manifest.not_abstracted += 1
            continue
        if complete is not None:
            tool = await renamed(tool, complete)
        if not await is_applicable(tool, task, backend):
            manifest.not_validated += 1
        elif toolset.add(tool) is not None:
            manifest.duplicates += 1
    manifest.tools = [each.name for each in toolset.made]
    return toolset, manifest


async def is_applicable(tool: MadeTool | Toolset, task: Task, backend: Backend) -> bool:
    """Whether the tool, with parameters found in the task's instruction, solves it: a rollout and its verdict."""
    agent = cast(Agent, Crafted(tool if isinstance(tool, Toolset) else Toolset([tool])))
    key = RolloutKey(suite_hash="toolmaking", task_id=task.id, agent=agent.name, backend=backend.name)
    limits = AgentLimits(steps=200, seconds=300)
    rollout = await roll_out(task, agent, backend, key=key, limits=limits, model=None, is_watched=False)
    return not rollout.is_unknown and rollout.verdict.is_solved
