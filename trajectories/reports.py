"""Reports over the store: how pass rates change with the phrasing of a task, and with its level."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from statistics import mean
from typing import Any

from pydantic import BaseModel, ConfigDict

from trajectories.interval import wilson
from trajectories.store import Store


class PhrasingRow(BaseModel):
    """One agent and model on one family's instances that are there in several phrasings.

    After "What did I do wrong?" (Errica et al., 2024), for outcomes instead of labels. `sensitivity`: by how much the
    pass rate of one instance differs between two of its phrasings, the mean over all pairs. `consistency`: how often an
    attempt at one phrasing and an attempt at another, of the same instance, end alike.
    """

    model_config = ConfigDict(frozen=True)

    agent: str
    model: str
    family: str
    instances: int
    phrasings: dict[str, float]
    sensitivity: float
    consistency: float


class LevelRow(BaseModel):
    """One agent and model on the tasks of one level: `details.level` of tasks that were extended, else 1."""

    model_config = ConfigDict(frozen=True)

    agent: str
    model: str
    family: str
    kind: str
    level: int
    n: int
    solved: int
    pass_rate: float
    low: float
    high: float


def phrasing_report(store: Store, where: str = "") -> list[PhrasingRow]:
    """Raises BadFilter."""
    # (agent, model, family) -> instance -> phrasing -> outcomes
    seen: dict[tuple[str, str, str], dict[str, dict[str, list[bool]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for key, details, is_solved in _outcomes(store, where):
        if details.get("instance") and details.get("phrasing"):
            seen[key][str(details["instance"])][str(details["phrasing"])].append(is_solved)
    rows = []
    for (agent, model, family), instances in sorted(seen.items()):
        several = [phrasings for phrasings in instances.values() if len(phrasings) > 1]
        if not several:
            continue
        pairs = [pair for phrasings in several for pair in combinations(phrasings.values(), 2)]
        by_name: dict[str, list[bool]] = defaultdict(list)
        for phrasings in several:
            for name, outcomes in phrasings.items():
                by_name[name] += outcomes
        rows.append(
            PhrasingRow(
                agent=agent,
                model=model,
                family=family,
                instances=len(several),
                phrasings={name: mean(outcomes) for name, outcomes in sorted(by_name.items())},
                sensitivity=mean(abs(mean(one) - mean(other)) for one, other in pairs),
                consistency=mean(mean(a == b for a in one for b in other) for one, other in pairs),
            )
        )
    return rows


def level_report(store: Store, where: str = "") -> list[LevelRow]:
    """Raises BadFilter."""
    counts: dict[tuple[str, str, str, str, int], list[bool]] = defaultdict(list)
    for key, details, is_solved in _outcomes(store, where):
        counts[(*key, str(details.get("by", "atomic")), int(details.get("level", 1)))].append(is_solved)
    rows = []
    for (agent, model, family, kind, level), outcomes in sorted(counts.items()):
        low, high = wilson(sum(outcomes), len(outcomes))
        rows.append(
            LevelRow(
                agent=agent,
                model=model,
                family=family,
                kind=kind,
                level=level,
                n=len(outcomes),
                solved=sum(outcomes),
                pass_rate=mean(outcomes),
                low=low,
                high=high,
            )
        )
    return rows


def _outcomes(store: Store, where: str) -> Iterator[tuple[tuple[str, str, str], dict[str, Any], bool]]:
    """(agent, model, family), the details of the task's provenance, and whether it was solved; known outcomes alone."""
    accepted = f"({where}) and unknown = false" if where.strip() else "unknown = false"
    details: dict[tuple[str, str], dict[str, Any]] = {
        (row.suite_hash, row.id): row.provenance.get("details", {}) for row in store.tasks()
    }
    for row in store.rollouts(accepted):
        found = details.get((row.suite_hash, row.task_id), {})
        yield (row.agent, row.model, row.family), found, row.reward >= 1
