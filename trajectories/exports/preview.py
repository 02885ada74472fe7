"""The first rows of an export as it would write them, and what it would leave out; nothing is written."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from trajectories.datasets import find_dataset
from trajectories.exports import WithAttempts, made_rows, origin
from trajectories.exports.choice import chosen_by, groups, left_out, split_rows, without
from trajectories.exports.exporter import Calls, Skipped
from trajectories.exports.formats import get_exporter
from trajectories.exports.writer import line_of
from trajectories.store import Store

MOST_SKIPPED = 200  # bodies that are read without finding a row


class PreviewRow(BaseModel):
    """`text`: the line of JSONL, byte for byte."""

    model_config = ConfigDict(frozen=True)

    file: Literal["train", "test"]
    rollout_id: str
    text: str


class Preview(BaseModel):
    """`chosen`: rollouts that the filters accept and that are read; `is_whole`: there are no more rows than these."""

    model_config = ConfigDict(frozen=True)

    rows: tuple[PreviewRow, ...]
    chosen: int
    left_out: dict[str, int]
    skipped: dict[str, int] = Field(description="reason -> rollouts met on the way that cannot be rendered")
    split: str
    is_whole: bool


def preview(
    store: Store,
    *,
    to: str,
    where: str = "",
    dataset: str = "",
    include_failures: bool = False,
    include_privileged: bool = False,
    include_findings: bool = False,
    include_marked: bool = False,
    attempts: WithAttempts = "exclude",
    calls: Calls = "native",
    split_by: str = "repository",
    test_share: float = 0.1,
    seed: int = 0,
    limit: int = 5,
) -> Preview:
    """The same options as `export`. Raises BadExport, BadFilter, BadDataset, CorruptBlob."""
    exporter = get_exporter(to)
    frozen = find_dataset(store, dataset) if dataset else None
    chosen = chosen_by(where, include_failures or exporter.wants_failures, include_privileged)
    wanted = chosen + without(attempts, include_findings, include_marked)
    is_test, split = split_rows(store.repositories(chosen), split_by, test_share, seed)
    rows: list[PreviewRow] = []
    skipped: dict[str, int] = {}
    is_whole = True
    for made in made_rows(groups(store, wanted, exporter, frozen), store, exporter, calls, None):
        if len(rows) >= limit or sum(skipped.values()) >= MOST_SKIPPED:
            is_whole = False
            break
        if isinstance(made, Skipped):
            skipped[made.reason] = skipped.get(made.reason, 0) + 1
            continue
        row = made.of[0]
        text = line_of({**made.row, **origin(store, row, with_attempts=attempts == "only")}).decode().rstrip("\n")
        rows.append(PreviewRow(file="test" if is_test(row) else "train", rollout_id=row.id, text=text))
    return Preview(
        rows=tuple(rows),
        chosen=store.count(wanted),
        left_out=left_out(store, chosen, attempts, include_findings, include_marked),
        skipped=skipped,
        split=split,
        is_whole=is_whole,
    )
