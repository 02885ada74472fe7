"""workflows: Agent Workflow Memory. What worked before is told to later rollouts, as steps with variables.

Offline: what the store holds when a batch starts, or a file that `gristmill memory workflows` wrote. Online: each
verified success of the run adds to it at once.
"""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, PrivateAttr

from agents.memory.past import VERIFIED, is_verified, past_of, read_past
from agents.memory.piece import Piece
from agents.memory.reminder import reminded
from agents.memory.workflow import Workflow, choose, induce, load_workflows, merged
from agents.session import RolloutSession
from trajectories.rollout import Rollout
from trajectories.store import Store

TOLD = "Ways that worked in tasks like this one; {values} are yours to fill in:"


class Workflows(Piece):
    """See the module. `when`: offline, online, or both."""

    name: ClassVar[str] = "workflows"
    version: ClassVar[str] = "2"

    when: Literal["offline", "online", "both"] = "both"
    file: Path | None = Field(None, description="workflows that were written before, instead of the store")
    where: str = Field(VERIFIED, description="which rollouts of the store they come from")
    dataset: str = Field("", description="NAME or NAME@VERSION: the rollouts of a frozen dataset alone")
    newest: int = Field(1000, gt=0, description="rollouts that are looked at, at most")
    most: int = Field(3, gt=0, description="workflows that are told")
    tokens: int = Field(600, gt=0, description="of all that is told, at most")
    again: bool = Field(True, description="say the task once more below it, where it is short")
    _known: list[Workflow] = PrivateAttr(default_factory=list)

    def open(self, store: Store) -> None:
        if self.when == "online":
            return
        if self.file is not None:
            self._known = load_workflows(self.file)
        else:
            self._known = induce(read_past(store, where=self.where, dataset=self.dataset, most=self.newest))

    async def prepare(self, session: RolloutSession) -> str:
        task = session.place.task
        chosen = choose(self._known, task.instruction, task.family, task=task.id, most=self.most, tokens=self.tokens)
        told = "\n\n".join([TOLD, *chosen]) if chosen else ""
        return reminded(told, task.instruction) if self.again else told

    def hear(self, rollout: Rollout) -> None:
        if self.when != "offline" and is_verified(rollout):
            for new in induce([past_of(rollout)]):
                self._known = merged(self._known, new)
