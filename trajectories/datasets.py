"""Versioned datasets: a frozen selection of rollouts, by name. What was chosen once can be exported again as it was."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlmodel import col

from trajectories.errors import BadDataset, NotInStore
from trajectories.selection import Recipe
from trajectories.selection import select as choose
from trajectories.store import PAGE, Store
from trajectories.tables import DatasetItemRow, DatasetRow, RolloutRow, TaskRow

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class StageOf(BaseModel):
    """Which part of a stream a dataset is (trajectories/streams.py)."""

    model_config = ConfigDict(frozen=True)

    parent: str = Field(description="NAME@VERSION of what was cut")
    by: str
    number: int = Field(description="from 1, of `of`")
    of: int
    name: str
    is_held_out: bool

    def __str__(self) -> str:
        held_out = ", held out" if self.is_held_out else ""
        return f"stage {self.number} of {self.of} of {self.parent} by {self.by}: {self.name}{held_out}"


class Dataset(BaseModel):
    """One version of a dataset. `left`: what the filter and each step of the recipe left."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: int
    created_at: datetime
    where: str
    recipe: Recipe
    seed: int
    rows: int
    hash: str = Field(description="sha256 over the rollouts' ids and bodies, in order")
    left: dict[str, int]
    families: dict[str, int]
    repositories: dict[str, int]
    licenses: dict[str, int]
    stage: StageOf | None = None

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version}"


class Difference(BaseModel):
    """Between two versions: rollout ids that only one of them has."""

    model_config = ConfigDict(frozen=True)

    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    kept: int
    is_reordered: bool


class Lineage(BaseModel):
    """From a row of an export back to where it comes from."""

    model_config = ConfigDict(frozen=True)

    rollout_id: str
    suite_hash: str
    task_id: str
    source: str
    source_hash: str
    revision: str
    repository: str
    license: str
    generator: str
    agent: str
    agent_version: str
    model: str
    prompt: str = Field(description="sha256 of what was said before the agent acted: the prompt's version")
    seed: int
    backend: str
    started_at: str
    datasets: tuple[str, ...]


def create_dataset(store: Store, name: str, *, where: str, recipe: Recipe, seed: int = 0) -> Dataset:
    """Freeze a selection as the next version of `name`; an unchanged one gives the version that is there.

    Raises BadDataset for a wrong name or an empty selection, BadFilter, BadSelection.
    """
    if not re.fullmatch(NAME, name):
        raise BadDataset(f"dataset {name!r}: use letters, digits, '.', '_' and '-', the first a letter or digit")
    selected = choose(store, where=where, recipe=recipe, seed=seed)
    if not selected.items:
        left = ", ".join(f"{step} left {count}" for step, count in selected.left)
        raise BadDataset(f"dataset {name}: nothing is selected ({left})")
    rounds = {item.id: item.round for item in selected.items}
    rows = _in_order(store, [item.id for item in selected.items])
    items = [(row, rounds[row.id]) for row in rows]
    return freeze(store, name, items, where=where, recipe=recipe, seed=seed, left=dict(_numbered(selected.left)))


def freeze(
    store: Store,
    name: str,
    items: Sequence[tuple[RolloutRow, int]],
    *,
    where: str,
    recipe: Recipe,
    seed: int,
    left: dict[str, int],
    stage: StageOf | None = None,
) -> Dataset:
    """Rollouts with their rounds as the next version of `name`; unchanged ones give the version that is there."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in ("family", "repository", "license")}
    digest = sha256()
    for row, round_ in items:
        digest.update(f"{row.id} {row.body} {round_}\n".encode())
        for kind, counter in counts.items():
            counter[getattr(row, kind) or "unknown"] += 1
    versions = list_datasets(store, name)
    if versions and (versions[-1].hash, versions[-1].stage) == (digest.hexdigest(), stage):
        return versions[-1]
    dataset = Dataset(
        name=name,
        version=versions[-1].version + 1 if versions else 1,
        created_at=datetime.now(UTC),
        where=where,
        recipe=recipe,
        seed=seed,
        rows=len(items),
        hash=digest.hexdigest(),
        left=left,
        families=dict(sorted(counts["family"].items())),
        repositories=dict(sorted(counts["repository"].items())),
        licenses=dict(sorted(counts["license"].items())),
        stage=stage,
    )
    _write(store, dataset, [(row.id, round_) for row, round_ in items])
    return dataset


def _numbered(left: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """The same selector may stand in a recipe twice."""
    seen: Counter[str] = Counter()
    for name, count in left:
        seen[name] += 1
        yield (name if seen[name] == 1 else f"{name} {seen[name]}"), count


def _write(store: Store, dataset: Dataset, items: Sequence[tuple[str, int]]) -> None:
    with store.writing() as session:
        session.add(
            DatasetRow(
                name=dataset.name,
                version=dataset.version,
                created_at=dataset.created_at,
                rows=dataset.rows,
                hash=dataset.hash,
                manifest=dataset.model_dump(mode="json"),
            )
        )
        session.flush()
        session.add_all(
            DatasetItemRow(name=dataset.name, version=dataset.version, number=number, rollout_id=rollout, round=round_)
            for number, (rollout, round_) in enumerate(items)
        )
        session.commit()


def list_datasets(store: Store, name: str = "") -> list[Dataset]:
    """All versions of one dataset, or of all, by name and version."""
    query = select(DatasetRow).order_by(col(DatasetRow.name), col(DatasetRow.version))
    if name:
        query = query.where(col(DatasetRow.name) == name)
    with store.reading() as session:
        return [Dataset.model_validate(row.manifest) for row in session.scalars(query)]


def find_dataset(store: Store, reference: str) -> Dataset:
    """`NAME` (its newest version) or `NAME@VERSION`. Raises BadDataset listing what there is."""
    name, _, version = reference.partition("@")
    versions = list_datasets(store, name)
    found = [each for each in versions if not version or str(each.version) == version]
    if not found:
        there = ", ".join(each.reference for each in versions or list_datasets(store)) or "none yet"
        raise BadDataset(f"no dataset {reference!r} in the store; there are: {there}")
    return found[-1]


def dataset_rollouts(store: Store, dataset: Dataset) -> Iterator[RolloutRow]:
    """Its rollouts in their order, streamed."""
    last = -1
    while True:
        query = (
            select(col(DatasetItemRow.number), col(DatasetItemRow.rollout_id))
            .where(
                col(DatasetItemRow.name) == dataset.name,
                col(DatasetItemRow.version) == dataset.version,
                col(DatasetItemRow.number) > last,
            )
            .order_by(col(DatasetItemRow.number))
            .limit(PAGE)
        )
        with store.reading() as session:
            page = session.execute(query).all()
        yield from _in_order(store, [rollout for _, rollout in page])
        if len(page) < PAGE:
            return
        last = page[-1][0]


def diff_datasets(store: Store, before: str, after: str) -> Difference:
    """What the second has that the first has not, and the other way round. Raises BadDataset."""
    old, new = find_dataset(store, before), find_dataset(store, after)
    old_ids = [row.id for row in dataset_rollouts(store, old)]
    new_ids = [row.id for row in dataset_rollouts(store, new)]
    olds, news = set(old_ids), set(new_ids)
    return Difference(
        before=old.reference,
        after=new.reference,
        added=tuple(each for each in new_ids if each not in olds),
        removed=tuple(each for each in old_ids if each not in news),
        kept=len(olds & news),
        is_reordered=[each for each in old_ids if each in news] != [each for each in new_ids if each in olds],
    )


def lineage_of(store: Store, rollout_id: str) -> Lineage:
    """Raises NotInStore, CorruptBlob."""
    rollout = store.load(rollout_id)
    key, trajectory = rollout.key, rollout.trajectory
    opening = sha256()
    for step in trajectory.steps:
        if step.source == "agent":
            break
        if step.source == "system":  # the user's message is the task's instruction
            opening.update(f"{step.source}\0{step.message}\0".encode())
    with store.reading() as session:
        task = session.get(TaskRow, (key.suite_hash, key.task_id))
        used = session.execute(
            select(col(DatasetItemRow.name), col(DatasetItemRow.version))
            .where(col(DatasetItemRow.rollout_id) == rollout_id)
            .order_by(col(DatasetItemRow.name), col(DatasetItemRow.version))
        ).all()
    provenance: dict[str, Any] = {**rollout.provenance, **(task.provenance if task else {})}
    text = {name: str(provenance.get(name, "")) for name in ("source", "source_hash", "revision", "license")}
    return Lineage(
        rollout_id=rollout_id,
        suite_hash=key.suite_hash,
        task_id=key.task_id,
        **text,
        repository=str(provenance.get("repository", "")),
        generator=str(provenance.get("generator", "")),
        agent=key.agent,
        agent_version=trajectory.agent.version,
        model=key.model,
        prompt=opening.hexdigest(),
        seed=rollout.seed,
        backend=key.backend,
        started_at=rollout.started_at,
        datasets=tuple(f"{name}@{version}" for name, version in used),
    )


def count_rows(store: Store, dataset: Dataset) -> int:
    """Rollouts of the dataset that the store still has."""
    query = (
        select(func.count())
        .select_from(DatasetItemRow)
        .join(RolloutRow, col(RolloutRow.id) == col(DatasetItemRow.rollout_id))
        .where(col(DatasetItemRow.name) == dataset.name, col(DatasetItemRow.version) == dataset.version)
    )
    with store.reading() as session:
        return session.scalar(query) or 0


def _in_order(store: Store, ids: Sequence[str]) -> list[RolloutRow]:
    """Raises NotInStore where a rollout has gone."""
    found: dict[str, RolloutRow] = {}
    with store.reading() as session:
        for start in range(0, len(ids), PAGE):
            query = select(RolloutRow).where(col(RolloutRow.id).in_(ids[start : start + PAGE]))
            found |= {row.id: row for row in session.scalars(query)}
    if missing := [each for each in ids if each not in found]:
        raise NotInStore(f"{len(missing)} rollouts of the dataset are no longer in the store, e.g. {missing[0]}")
    return [found[each] for each in ids]
