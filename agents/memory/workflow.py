"""A workflow: what is done in tasks of a kind, with variables for values; induced from successes by rule.

Agent Workflow Memory (Wang et al., 2024): a description and steps, from verified trajectories, without calls that
failed; sequences that are the same with their values abstracted are one workflow.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.memory.abstraction import abstract_calls, without_loops
from agents.memory.errors import PieceFault
from agents.memory.past import Past
from agents.memory.similarity import Weights, cosine
from agents.memory.tokens import count_tokens, fitting

MOST_STEPS = 12
MOST_EXAMPLES = 5  # instructions kept of one workflow, to find it by


class Workflow(BaseModel):
    """`instructions`: of some tasks that it solved; `tasks`: ids of all of them; `support`: successes that did so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    steps: tuple[str, ...] = Field(min_length=1)
    family: str = ""
    instructions: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    support: int = Field(1, ge=1)

    def text(self) -> str:
        numbered = "\n".join(f"{number}. {step}" for number, step in enumerate(self.steps, start=1))
        return f"## {self.description}\n{numbered}"


def induce(past: Iterable[Past]) -> list[Workflow]:
    """One workflow for each distinct sequence of a family, the best supported first."""
    groups: dict[tuple[str, tuple[str, ...]], list[Past]] = {}
    for each in past:
        steps = without_loops(abstract_calls(each.did, each.instruction))
        if steps and len(steps) <= MOST_STEPS:
            groups.setdefault((each.family, tuple(steps)), []).append(each)
    found = [
        Workflow(
            description=described(family, alike),
            steps=steps,
            family=family,
            instructions=tuple(dict.fromkeys(each.instruction for each in alike))[:MOST_EXAMPLES],
            tasks=tuple(sorted({each.task for each in alike})),
            support=len(alike),
        )
        for (family, steps), alike in groups.items()
    ]
    return sorted(found, key=lambda each: (-each.support, each.family, each.steps))


def described(family: str, alike: Sequence[Past]) -> str:
    """What these tasks ask, with the words in which they differ as variables."""
    first, *others = [" ".join(each.instruction.split())[:300].split(" ") for each in alike]
    same = [
        word if all(at < len(other) and other[at] == word for other in others) else "{…}"
        for at, word in enumerate(first)
    ]
    told = [word for at, word in enumerate(same) if word != "{…}" or not at or same[at - 1] != "{…}"]
    text = " ".join(told)
    return f"{family}: {text if len(text) <= 160 else text[:157] + '…'}"


def merged(workflows: Sequence[Workflow], new: Workflow) -> list[Workflow]:
    """With one more; where its steps are known in its family, the known one gains support and tasks."""
    kept = []
    is_known = False
    for each in workflows:
        if not is_known and (each.family, each.steps) == (new.family, new.steps):
            is_known = True
            instructions = tuple(dict.fromkeys([*each.instructions, *new.instructions]))[:MOST_EXAMPLES]
            tasks = tuple(sorted({*each.tasks, *new.tasks}))
            changes = {"support": each.support + new.support, "instructions": instructions, "tasks": tasks}
            each = each.model_copy(update=changes)
        kept.append(each)
    return kept if is_known else [*kept, new]


def choose(
    workflows: Sequence[Workflow], instruction: str, family: str, *, task: str, most: int, tokens: int
) -> list[str]:
    """Texts of at most `most` workflows within `tokens`: of the most similar tasks, those of the same family first.

    What was learned from the task itself alone is left out: it would be its solution.
    """
    foreign = [each for each in workflows if set(each.tasks) != {task}]
    weigh = Weights([instruction, *(text for each in foreign for text in each.instructions)])

    def rank(workflow: Workflow) -> tuple[bool, float, int]:
        alike = [cosine(instruction, text, weigh) for text in (*workflow.instructions, workflow.description)]
        return (workflow.family != family, -round(max(alike), 3), -workflow.support)

    ordered = sorted(foreign, key=rank)
    return fitting([each.text() for each in ordered if count_tokens(each.text()) <= tokens][:most], tokens)


def save_workflows(workflows: Sequence[Workflow], file: Path) -> None:
    """As YAML that a person can read and mend."""
    rows = [each.model_dump(mode="json") for each in workflows]
    file.write_text(yaml.safe_dump(rows, sort_keys=False, allow_unicode=True, width=110))


def load_workflows(file: Path) -> list[Workflow]:
    """Raises PieceFault naming file and what is wrong."""
    try:
        rows = yaml.safe_load(file.read_text())
        return [Workflow.model_validate(row) for row in rows]
    except OSError as error:
        raise PieceFault(
            f"{file}: cannot be read: {error.strerror}; `gristmill memory workflows` writes one"
        ) from error
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise PieceFault(f"{file}: no list of workflows: {error}") from error
