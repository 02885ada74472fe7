"""A question about an agent, answered within a number of rollouts: which tasks to roll out next, and what is known.

Task-Me-Anything (Zhang et al., 2024) answers such questions within a budget by choosing instances actively. Here the
tasks fall into groups (tags, families, nodes of a taxonomy), each with a Beta posterior of its pass rate, and the next
rollouts go where the answer is decided: to the groups next to the border between in and out. For the weakest or
strongest k that is LUCB (Kalyanakrishnan et al., 2012); for a threshold, the groups whose interval holds it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict

from trajectories.errors import BadQuestion

Kind = Literal["weakest", "strongest", "above", "below"]

_EXAMPLES = "weakest 3 tags, strongest 2 families, above 0.6 tags, below 50 % topics"


class Question(BaseModel):
    """`number`: how many groups, or the threshold as a pass rate in 0…1; `by`: what makes the groups."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    number: float
    by: Literal["tags", "families", "topics"]


class Known(BaseModel):
    """What is known of one group: a posterior mean and an interval of 90 %."""

    model_config = ConfigDict(frozen=True)

    group: str
    tasks: int
    n: int
    solved: int
    mean: float
    low: float
    high: float
    is_in: bool
    """In the answer, by what is known now."""


class Answer(BaseModel):
    """`is_sure`: no group's interval crosses the border of the answer any more."""

    model_config = ConfigDict(frozen=True)

    question: Question
    asked: int
    is_sure: bool
    groups: tuple[Known, ...]


def parse_question(text: str) -> Question:
    """Raises BadQuestion with examples."""
    match = re.fullmatch(
        r"\s*(weakest|strongest|above|below)\s+(\d+(?:\.\d+)?)\s*(%?)\s*(tags?|famil(?:y|ies)|topics?)\s*", text
    )
    if match is None:
        raise BadQuestion(f"question {text!r}: cannot be read; ask like: {_EXAMPLES}")
    kind, number, percent, by = match.groups()
    value = float(number) / (100 if percent else 1)
    if kind in ("above", "below") and not 0 <= value <= 1:
        raise BadQuestion(f"question {text!r}: a pass rate is between 0 and 1 (or has a % sign)")
    if kind in ("weakest", "strongest") and (percent or value < 1 or value != int(value)):
        raise BadQuestion(f"question {text!r}: how many groups? Give a whole number from 1")
    plural = {"t": "tags", "f": "families"}[by[0]] if by[:2] != "to" else "topics"
    return Question.model_validate({"kind": kind, "number": value, "by": plural})


@dataclass
class _Group:
    tasks: list[str]
    n: int = 0
    solved: int = 0
    left: list[str] = field(default_factory=list)


class Asker:
    """Says which tasks come next, hears how they ended, and answers. The same seed and outcomes give the same."""

    def __init__(self, question: Question, groups: Mapping[str, Iterable[str]], *, seed: int = 0) -> None:
        """`groups`: name -> ids of its tasks; a task may be in several. Raises BadQuestion where there are too few."""
        self.question = question
        rng = Random(seed)
        self._groups = {name: _Group(sorted(tasks)) for name, tasks in sorted(groups.items())}
        for group in self._groups.values():
            group.left = rng.sample(group.tasks, len(group.tasks))
        if len(self._groups) < 2:
            raise BadQuestion(f"the suite has {len(self._groups)} {question.by}: nothing to compare")
        if question.kind in ("weakest", "strongest") and question.number >= len(self._groups):
            raise BadQuestion(f"the suite has only {len(self._groups)} {question.by}; ask for fewer")
        self._of_task = {task: [] for group in self._groups.values() for task in group.tasks}  # type: dict[str, list[str]]
        for name, group in self._groups.items():
            for task in group.tasks:
                self._of_task[task].append(name)
        self.asked = 0

    def next(self, n: int) -> list[str]:
        """At most n ids of tasks that were not asked yet; none where nothing more can be learned."""
        chosen: list[str] = []
        waiting = dict.fromkeys(self._groups, 0)
        while len(chosen) < n:
            open_ones = [name for name, group in self._groups.items() if group.left]
            if not open_ones:
                break
            name = min(open_ones, key=lambda name: self._urgency(name, waiting[name]))
            task = self._groups[name].left[0]
            chosen.append(task)
            for each in self._of_task[task]:
                self._groups[each].left.remove(task)
                waiting[each] += 1
        return chosen

    def tell(self, task: str, is_solved: bool) -> None:
        self.asked += 1
        for name in self._of_task[task]:
            self._groups[name].n += 1
            self._groups[name].solved += is_solved

    def answer(self) -> Answer:
        border = self._border()
        inside = self._inside()
        known = []
        for name, group in self._groups.items():
            low, high = self._interval(name)
            known.append(
                Known(
                    group=name,
                    tasks=len(group.tasks),
                    n=group.n,
                    solved=group.solved,
                    mean=self._mean(name),
                    low=low,
                    high=high,
                    is_in=name in inside,
                )
            )
        known.sort(key=lambda each: (not each.is_in, each.mean if self._is_low else -each.mean, each.group))
        is_sure = not any(each.low < border < each.high for each in known)
        return Answer(question=self.question, asked=self.asked, is_sure=is_sure, groups=tuple(known))

    # -- what is known

    @property
    def _is_low(self) -> bool:
        return self.question.kind in ("weakest", "below")

    def _mean(self, name: str) -> float:
        """Beta(1, 1) shrunk towards the mean of all groups, with the weight of two rollouts."""
        total = sum(group.n for group in self._groups.values())
        overall = sum(group.solved for group in self._groups.values()) / total if total else 0.5
        group = self._groups[name]
        return (group.solved + 1 + 2 * overall) / (group.n + 4)

    def _interval(self, name: str, *, more: int = 0) -> tuple[float, float]:
        """90 % by the normal approximation of the posterior; `more`: rollouts that are on their way."""
        mean, n = self._mean(name), self._groups[name].n + more + 4
        half = 1.645 * sqrt(mean * (1 - mean) / (n + 1))
        return max(0.0, mean - half), min(1.0, mean + half)

    def _ranked(self) -> list[str]:
        sign = 1 if self._is_low else -1
        return sorted(self._groups, key=lambda name: (sign * self._mean(name), name))

    def _border(self) -> float:
        """The pass rate between what is in the answer and what is not."""
        if self.question.kind in ("above", "below"):
            return self.question.number
        ranked = self._ranked()
        k = int(self.question.number)
        return (self._mean(ranked[k - 1]) + self._mean(ranked[k])) / 2

    def _inside(self) -> set[str]:
        if self.question.kind in ("weakest", "strongest"):
            return set(self._ranked()[: int(self.question.number)])
        border = self.question.number
        return {name for name in self._groups if (self._mean(name) < border) == self._is_low}

    def _urgency(self, name: str, on_the_way: int) -> tuple[float, int, str]:
        """The smaller, the sooner: how far the border is, in half widths of the group's interval."""
        low, high = self._interval(name, more=on_the_way)
        half = max((high - low) / 2, 1e-9)
        seen = self._groups[name].n + on_the_way
        if seen < 2:  # each group is looked at twice first
            return (-1.0, seen, name)
        return (abs(self._mean(name) - self._border()) / half, seen, name)
