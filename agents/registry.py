"""Agents by name; users add theirs by the entry point group `gristmill.agents`."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from agents.agent import Agent
from agents.errors import UnknownAgent

GROUP = "gristmill.agents"
_OURS = {
    "oracle": "agents.oracle:Oracle",
    "nop": "agents.nop:Nop",
    "repair": "agents.repair:Repair",
    "react": "agents.react:React",
    "lookup": "agents.lookup:Lookup",
    "thief": "agents.cheats.thief:Thief",
    "tamperer": "agents.cheats.tamperer:Tamperer",
    "tamperer-plant-exit": "agents.cheats.tamperer:TampererPlantExit",
    "tamperer-plant-pass": "agents.cheats.tamperer:TampererPlantPass",
    "tamperer-source-exit": "agents.cheats.tamperer:TampererSourceExit",
    "tamperer-source-patch": "agents.cheats.tamperer:TampererSourcePatch",
    "tamperer-source-reward": "agents.cheats.tamperer:TampererSourceReward",
    "special-caser": "agents.cheats.special_caser:SpecialCaser",
    "guesser": "agents.cheats.guesser:Guesser",
}


def agent_names() -> list[str]:
    return sorted({*_OURS, *(entry.name for entry in entry_points(group=GROUP))})


def agent_class(name: str) -> Any:
    """The class of that name. Raises UnknownAgent listing the names there are."""
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
        return getattr(import_module(module), attribute)
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return entry.load()
    raise UnknownAgent(f"no agent is called {name!r}; there are: {', '.join(agent_names())}")


def get_agent(name: str, **options: object) -> Agent:
    """An agent, made with `options` (its constructor's). Raises UnknownAgent, or AgentFault for wrong options."""
    made = agent_class(name)
    try:
        agent: Agent = made(**options)
    except TypeError as error:
        raise UnknownAgent(f"agent {name}: wrong options: {error}") from error
    return agent
