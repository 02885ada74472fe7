"""What is compared: arms, and pairs of them. A piece that cannot apply to an agent is in `WHY_NOT` with the reason."""

import re
from dataclasses import dataclass, replace

from benchmarks.easy import SYSTEM

N = 36


@dataclass(frozen=True)
class Setting:
    """Of a set of tasks: how many, the limit on steps of one attempt, and on tokens of one answer."""

    steps: int
    max_tokens: int
    n: int = N


SETS = {
    "first_steps": Setting(steps=3, max_tokens=80),
    "two_words": Setting(steps=8, max_tokens=160, n=30),
    "long_list": Setting(steps=8, max_tokens=120, n=30),
    "facts": Setting(steps=3, max_tokens=80, n=30),
    "bugs": Setting(steps=1000, max_tokens=0, n=30),
}


@dataclass(frozen=True)
class Arm:
    """`model`: base, student, or none. `attempts`: how often the agent acts in one rollout; its limits grow by it."""

    tasks: str
    agent: str
    model: str = ""
    temperature: float = 0.0
    attempts: int = 1
    is_in_order: bool = False
    """One task after the other, since it learns from each."""

    def having(self, piece: str, **changes: object) -> "Arm":
        return replace(self, agent=f"{self.agent}+{piece}", **changes)  # type: ignore[arg-type]

    @property
    def label(self) -> str:
        """In the results; without the folder that a scorer lies in."""
        agent = re.sub(r"scorer=\S*/", "scorer=", self.agent)
        return f"{self.tasks}/{agent}/{self.model}@{self.temperature:g}"

    @property
    def options(self) -> dict[str, object]:
        """Of the agent. The student learned without a system prompt; the base model needs worked examples in one."""
        if self.agent.startswith("repair"):
            return {"tries": 20}
        return {"system": SYSTEM if self.model == "base" else ""}


@dataclass(frozen=True)
class Comparison:
    """`on` against `off`: the same tasks and seeds."""

    name: str
    on: Arm
    off: Arm


BASE = Arm("first_steps", "react", "base")
STUDENT = Arm("first_steps", "react", "student", temperature=0.8)
TWO_WORDS = Arm("two_words", "react", "student", temperature=0.8)
FACTS = Arm("facts", "react", "student", temperature=0.8)
REPAIR = Arm("bugs", "repair")
STREAM = "stream_memory:above=0:edits=1"


def comparisons(scorer: str) -> list[Comparison]:
    """`scorer`: the file of a trained one."""
    return [
        Comparison("workflows, offline", STUDENT.having("workflows:when=offline"), STUDENT),
        Comparison("workflows, task not repeated", STUDENT.having("workflows:again=false:when=offline"), STUDENT),
        Comparison("workflows, online", STUDENT.having("workflows:when=online", is_in_order=True), STUDENT),
        *_demonstrations("demonstrations", STUDENT),
        Comparison("edit_state, one word", STUDENT.having("edit_state"), STUDENT),
        Comparison("edit_state, two words", TWO_WORDS.having("edit_state"), TWO_WORDS),
        Comparison("subgoals, two words", TWO_WORDS.having("subgoals:most=2:plan=model"), TWO_WORDS),
        Comparison("stream_memory, by the model", STUDENT.having(STREAM, attempts=2), STUDENT),
        Comparison("stream_memory, by rules", FACTS.having("stream_memory:above=0:by=rules"), FACTS),
        Comparison("best_of_n, by rule", STUDENT.having("best_of_n:n=3", attempts=3), STUDENT),
        Comparison("best_of_n, trained scorer", STUDENT.having(f"best_of_n:n=3:scorer={scorer}", attempts=3), STUDENT),
        Comparison("majority", STUDENT.having("majority:n=3", attempts=3), STUDENT),
        Comparison("subgoals, repair", REPAIR.having("subgoals"), REPAIR),
        *_demonstrations("untuned, demonstrations", BASE),
    ]


def _demonstrations(name: str, off: Arm) -> list[Comparison]:
    """Both ways of choosing, against none and against some that are drawn at random."""
    random = off.having("demonstrations:choose=random:n=2:tokens=500")
    covering = off.having("demonstrations:n=2:tokens=500")
    voted = off.having("demonstrations:choose=vote_k:n=2:tokens=500")
    return [
        Comparison(f"{name}, random", random, off),
        Comparison(f"{name}, Set-BSR", covering, off),
        Comparison(f"{name}, Set-BSR - random", covering, random),
        Comparison(f"{name}, vote-k", voted, off),
        Comparison(f"{name}, vote-k - random", voted, random),
    ]


WHY_NOT = {
    "repair": {
        "workflows, demonstrations, stream_memory": "repair reads of the instruction the names of tests, and no more",
        "edit_state": "repair reads no notes; it takes back each of its own edits",
        "best_of_n, majority": "repair uses no seed: n attempts are n times the same",
    }
}
