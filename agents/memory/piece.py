"""A piece: something that is switched on beside an agent. Each of its methods does nothing unless it is overridden.

class Reminder(Piece):
    name = "reminder"
    version = "1"
    text: str = "Run the tests before you submit."

    async def prepare(self, session: RolloutSession) -> str:
        return self.text
"""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from agents.agent import ToolAnswer
from agents.session import RolloutSession
from trajectories.atif import ToolCall
from trajectories.rollout import Rollout
from trajectories.store import Store

Act = Callable[[RolloutSession], Awaitable[None]]


class Piece(BaseModel):
    """Its fields are its options. One instance serves many rollouts at once: what belongs to one of them is kept in
    the session's `place.kept`, what is learned across them in private attributes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: ClassVar[str]
    version: ClassVar[str]

    def open(self, store: Store) -> None:
        """Look at what is there before the rollouts. Called in a thread, once for each batch."""

    async def prepare(self, session: RolloutSession) -> str:
        """Text that follows the instruction; empty for none. Called once, before the agent acts."""
        return ""

    async def after_call(self, session: RolloutSession, call: ToolCall, answer: ToolAnswer) -> str:
        """A note below what a tool answered, for the model to read; empty for none."""
        return ""

    async def act(self, inner: Act, session: RolloutSession) -> None:
        """Let the agent act: once, or as often and on what the piece sees fit."""
        await inner(session)

    def hear(self, rollout: Rollout) -> None:
        """A rollout of the same agent has ended and was judged."""
