"""Agents by name; users add theirs by the entry point group `gristmill.agents`."""

from typing import Any

from agents.agent import Agent
from agents.errors import UnknownAgent
from agents.memory.composed import Composed
from agents.memory.pieces import make_piece, split_name
from environments.named import Named

AGENTS = Named(
    "agent",
    "gristmill.agents",
    {
        "oracle": "agents.oracle:Oracle",
        "nop": "agents.nop:Nop",
        "repair": "agents.repair:Repair",
        "react": "agents.react:React",
        "lookup": "agents.lookup:Lookup",
        "clerk": "agents.training.clerk:Clerk",
        "crafted": "agents.toolmaking.agent:Crafted",
        "thief": "agents.cheats.thief:Thief",
        "tamperer": "agents.cheats.tamperer:Tamperer",
        "tamperer-plant-exit": "agents.cheats.tamperer:TampererPlantExit",
        "tamperer-plant-pass": "agents.cheats.tamperer:TampererPlantPass",
        "tamperer-source-exit": "agents.cheats.tamperer:TampererSourceExit",
        "tamperer-source-patch": "agents.cheats.tamperer:TampererSourcePatch",
        "tamperer-source-reward": "agents.cheats.tamperer:TampererSourceReward",
        "special-caser": "agents.cheats.special_caser:SpecialCaser",
        "guesser": "agents.cheats.guesser:Guesser",
        "mini-swe-agent": "agents.foreign.known:MINI_SWE_AGENT",
        "openhands": "agents.foreign.known:OPENHANDS",
        "claude-code": "agents.foreign.known:CLAUDE_CODE",
        "codex": "agents.foreign.known:CODEX",
        "swe-agent": "agents.foreign.known:SWE_AGENT",
    },
    UnknownAgent,
)


def agent_names() -> list[str]:
    return AGENTS.names()


def agent_class(name: str) -> Any:
    """The class of that name; of an agent with pieces the agent's. Raises UnknownAgent listing the names there are."""
    return AGENTS[split_name(name)[0]]


def get_agent(name: str, **options: object) -> Agent:
    """An agent, made with `options` (its constructor's). Raises UnknownAgent, or AgentFault for wrong options.

    `AGENT+PIECE:OPTION=VALUE+…`: with pieces of agents/memory and agents/strategies.
    """
    plain, pieces = split_name(name)
    if pieces:
        made_pieces = [make_piece(each) for each in pieces]
        return Composed(get_agent(plain, **options), made_pieces, name)
    if "adapter" in options:  # a user's own foreign agent, as plain data
        from agents.foreign.agent import by_data

        return by_data(name, **options)
    made = agent_class(name)
    try:
        agent: Agent = made(**options)
    except TypeError as error:
        raise UnknownAgent(f"agent {name}: wrong options: {error}") from error
    return agent
