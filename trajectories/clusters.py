"""Failing rollouts in groups by what went wrong: how they ended, which checks failed with what, the last error.

Messages are compared without what differs from run to run (numbers, addresses, paths, quoted values). Rollouts with the
same signature are together at once; signatures are joined where the words of their messages are alike (Jaccard of
shingles of two words, by MinHash: Broder, 1997).
"""

import re
from collections import Counter
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pydantic import BaseModel, ConfigDict, Field

from tasks._minhash import Bands, hash_of, jaccard
from trajectories.rollout import Rollout
from trajectories.store import Store
from trajectories.tables import RolloutRow

ALIKE = 0.6  # Jaccard of two signatures of one cluster
MOST = 2_000  # rollouts that are read
MOST_CHECKS = 40  # failing checks that are looked at
EXAMPLES = 5
FAILING = "unknown = false and reward < 1"

_PLAIN = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"0x[0-9a-fA-F]+"), "ADDRESS"),
    (re.compile(r"(?:/[\w.+-]+){2,}"), "PATH"),
    (re.compile(r"'[^'\n]{0,200}'|\"[^\"\n]{0,200}\""), "VALUE"),
    (re.compile(r"\b[0-9a-f]{12,}\b"), "HASH"),
    (re.compile(r"-?\d+(?:\.\d+)?"), "N"),
    (re.compile(r"\s+"), " "),
)
_TOLD = re.compile(r"^(?:E\s+)?((?:[\w.]+\.)?\w*(?:Error|Exception|Failed|Exit|Interrupt|Timeout)\b.*)$", re.MULTILINE)
_WORD = re.compile(r"\w+")


class Example(BaseModel):
    """One rollout of a cluster, with what it failed with as it was said."""

    model_config = ConfigDict(frozen=True)

    id: str
    task: str
    agent: str
    model: str
    said: str


class Cluster(BaseModel):
    """Rollouts that went wrong alike. `title`: the commonest message, normalised, or how they ended."""

    model_config = ConfigDict(frozen=True)

    title: str
    size: int
    endings: dict[str, int]
    agents: dict[str, int]
    families: dict[str, int]
    tasks: int = Field(description="different tasks")
    messages: tuple[tuple[str, int], ...] = Field(description="the commonest normalised messages -> rollouts")
    examples: tuple[Example, ...]
    rollouts: tuple[str, ...] = Field(description="ids of all")


class Clusters(BaseModel):
    """The clusters, the largest first. `read` of `failing` rollouts: ids are hashes, so the first are a fair sample."""

    model_config = ConfigDict(frozen=True)

    clusters: tuple[Cluster, ...]
    read: int
    failing: int


@dataclass(frozen=True)
class Signature:
    """What went wrong in one rollout: `messages` normalised, `said` the first one as it was."""

    ending: str
    messages: tuple[str, ...]
    said: str

    @property
    def shingles(self) -> frozenset[int]:
        """Of pairs of words; how it ended counts where nothing else was said."""
        found: set[int] = set()
        for message in self.messages:
            words = ["", *_WORD.findall(message.lower())]
            found.update(hash_of(f"{one} {other}") for one, other in pairwise(words))
        return frozenset(found) or frozenset({hash_of(f"ending {self.ending}")})


def failure_clusters(
    store: Store, where: str = "", *, most: int = MOST, known: MutableMapping[str, Signature] | None = None
) -> Clusters:
    """`known`: signatures by the body's hash, which are taken from it and kept in it. Raises BadFilter, CorruptBlob."""
    known = {} if known is None else known
    expression = f"({where}) and {FAILING}" if where.strip() else FAILING
    rows, signatures = [], []
    for row in store.rollouts(expression, limit=most):
        rows.append(row)
        if row.body not in known:
            known[row.body] = signature(store.body(row))
        signatures.append(known[row.body])
    groups = _grouped(signatures)
    found = [_cluster([rows[at] for at in group], [signatures[at] for at in group]) for group in groups]
    found.sort(key=lambda cluster: (-cluster.size, cluster.title))
    return Clusters(clusters=tuple(found), read=len(rows), failing=store.count(expression))


def normalised(message: str) -> str:
    """A message without what differs from run to run."""
    for pattern, name in _PLAIN:
        message = pattern.sub(name, message)
    return message.strip()[:300]


def signature(rollout: Rollout) -> Signature:
    """From the failing checks' messages; without any, from the last error that the agent met."""
    failed = [check for check in rollout.verdict.checks if not check.passed][:MOST_CHECKS]
    said = [_told(check.detail) or _name_of(check.name) for check in failed]
    if rollout.ending not in ("submitted", "finished") and rollout.ending_detail:
        said.append(rollout.ending_detail.splitlines()[0])
    if not said:
        said = [text for text in (_told(rollout.verdict.evidence), _last_error(rollout)) if text][:1]
    messages = tuple(sorted({normalised(text) for text in said}))
    return Signature(rollout.ending, messages, (said[0] if said else rollout.ending.replace("_", " "))[:500])


def _told(detail: str) -> str:
    """The last line that names an error, or else the last line that says anything."""
    if found := _TOLD.findall(detail):
        return str(found[-1]).strip()
    lines = [line.strip() for line in detail.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _name_of(check: str) -> str:
    """A check that says nothing is known by its name without parameters."""
    return "failed: " + check.split("[")[0]


def _last_error(rollout: Rollout) -> str:
    for step in reversed(rollout.trajectory.steps):
        if (step.extra or {}).get("is_error"):
            for result in step.observation.results if step.observation else ():
                if text := _told(str(result.content or "")):
                    return text
    return ""


def _grouped(signatures: Sequence[Signature]) -> list[list[int]]:
    """Numbers of the signatures that belong together; single links, so that order does not matter."""
    same: dict[tuple[str, ...], list[int]] = {}
    for at, each in enumerate(signatures):
        same.setdefault(each.messages or ("", each.ending), []).append(at)
    kinds = list(same.values())
    parent = list(range(len(kinds)))

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    bands, shingles = Bands(), list[frozenset[int]]()
    for number, members in enumerate(kinds):
        own = signatures[members[0]].shingles
        keys = bands.keys(own)
        for other in bands.meeting(keys):
            if jaccard(own, shingles[other]) >= ALIKE:
                parent[root(number)] = root(other)
        bands.put(keys, number)
        shingles.append(own)
    groups: dict[int, list[int]] = {}
    for number, members in enumerate(kinds):
        groups.setdefault(root(number), []).extend(members)
    return list(groups.values())


def _cluster(rows: Sequence[RolloutRow], signatures: Sequence[Signature]) -> Cluster:
    messages = Counter(message for each in signatures for message in each.messages)
    common = sorted(messages.items(), key=lambda item: (-item[1], item[0]))[:EXAMPLES]
    return Cluster(
        title=common[0][0] if common else signatures[0].ending.replace("_", " ") + ", no check said anything",
        size=len(rows),
        endings=_counted(row.ending for row in rows),
        agents=_counted(f"{row.agent} {row.model}".strip() for row in rows),
        families=_counted(row.family for row in rows),
        tasks=len({(row.suite_hash, row.task_id) for row in rows}),
        messages=tuple(common),
        examples=tuple(
            Example(id=row.id, task=row.task_id, agent=row.agent, model=row.model, said=each.said)
            for row, each in list(zip(rows, signatures, strict=True))[:EXAMPLES]
        ),
        rollouts=tuple(row.id for row in rows),
    )


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())
