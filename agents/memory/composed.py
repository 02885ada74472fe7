"""An agent with pieces: the pieces' text, then the agent, inside of what each piece makes of acting."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from agents.agent import Agent, Session
from agents.errors import AgentFault
from agents.memory.piece import Act, Piece
from agents.session import RolloutSession
from trajectories.rollout import Rollout
from trajectories.store import Store


class Composed:
    """`name`: as it stands in keys and tables, options included, so that it is told apart from the agent alone.

    The first piece is the innermost: in `react+subgoals+best_of_n` each of the n attempts has its sub-goals.
    """

    def __init__(self, agent: Agent, pieces: Sequence[Piece], name: str) -> None:
        self.agent = agent
        self.pieces = tuple(pieces)
        self.name = name
        self.version = "+".join([agent.version, *(piece.version for piece in pieces)])

    def __getattr__(self, attribute: str) -> Any:
        """What else an agent says of itself (`needs_model`, `needs_reference`, `sandbox_spec`) is the agent's own."""
        if attribute == "agent":  # asked for before there is one, by copy and pickle
            raise AttributeError(attribute)
        return getattr(self.agent, attribute)

    def open(self, store: Store) -> None:
        """Let the pieces look at what the store holds."""
        for piece in self.pieces:
            piece.open(store)

    def hear(self, rollout: Rollout) -> None:
        """Tell the pieces how a rollout ended."""
        for piece in self.pieces:
            piece.hear(rollout)

    async def act(self, session: Session) -> None:
        """Raises AgentFault where the session is not the engine's own."""
        if not isinstance(session, RolloutSession):
            raise AgentFault(f"agent {self.name}: pieces work in rollouts only")
        session.pieces = self.pieces
        for piece in self.pieces:
            session.add(piece.name, await piece.prepare(session))
        act: Act = self.agent.act
        for piece in self.pieces:
            act = partial(piece.act, act)
        await act(session)
