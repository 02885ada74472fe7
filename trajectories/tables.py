"""The store's tables. One row a rollout with its verdict's summary; bodies lie outside (segments.py).

Changing a table means adding a migration under `migrations/versions/`; a test holds the two together.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKeyConstraint, Index, Integer, UniqueConstraint
from sqlmodel import Field, SQLModel

from trajectories.segments import Place


class SuiteRow(SQLModel, table=True):
    """A suite that was rolled out or registered, by the hash of its contents."""

    __tablename__ = "suites"

    hash: str = Field(primary_key=True)
    name: str
    version: str
    tasks: int


class TaskRow(SQLModel, table=True):
    """A task of a suite, with what exports and splits need to know of it."""

    __tablename__ = "tasks"

    suite_hash: str = Field(primary_key=True, foreign_key="suites.hash")
    id: str = Field(primary_key=True)
    family: str = Field(index=True)
    repository: str = Field(index=True)
    license: str = ""
    provenance: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    audited_at: datetime | None = Field(None, description="None: no audit has looked at it yet")
    # tasks.difficulty.Difficulty; None: not measured, or (the distance) no way is seen
    difficulty_files: int | None = None
    difficulty_lines: int | None = None
    difficulty_tests: int | None = None
    difficulty_distance: int | None = None


class FindingRow(SQLModel, table=True):
    """One fault that the last audit found in a task; `number` counts from 0 within the task."""

    __tablename__ = "findings"
    __table_args__ = (ForeignKeyConstraint(["suite_hash", "task_id"], ["tasks.suite_hash", "tasks.id"]),)

    suite_hash: str = Field(primary_key=True)
    task_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    kind: str
    place: str
    evidence: str


OUTCOME = ("reward", "ending", "is_unknown", "is_privileged", "attempts")


class RolloutRow(SQLModel, table=True):
    """A finished rollout. `id` is RolloutKey.id, so that the same rollout cannot be there twice."""

    __tablename__ = "rollouts"
    __table_args__ = (
        UniqueConstraint("suite_hash", "task_id", "agent", "model", "backend", "attempt", name="one_rollout_a_key"),
        # By what a cell of the pass-rate matrix stands for, then as its rollouts are listed: the newest first. The rest
        # of it, and of the next but one, is what nearly every filter asks for: then counts read the index alone.
        Index("rollouts_by_cell", "agent", "model", "family", "started_at", "id", *OUTCOME),
        Index("rollouts_by_time", "started_at", "id"),
        Index("rollouts_by_outcome", *OUTCOME),
        Index("rollouts_by_place", "body_segment", "body_start"),
        # What an export takes: without attempts and solved. Not with the id: ids come in the order of chance, and each
        # would change another page; what is equal is appended.
        Index("rollouts_by_attempts", "attempts", *OUTCOME[:-1]),
    )

    id: str = Field(primary_key=True)
    suite_hash: str
    task_id: str
    family: str
    repository: str
    license: str
    agent: str
    model: str
    backend: str
    attempt: int
    seed: int = Field(sa_type=BigInteger().with_variant(Integer, "sqlite"))
    ending: str
    ending_detail: str
    is_unknown: bool = Field(description="infrastructure trouble: the outcome is not known")
    is_privileged: bool = Field(description="the agent was given the reference: not a policy to learn from")
    tries: int = Field(description="how often it was tried until this row was written")
    reward: float
    steps: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    invalid_tool_calls: int
    agent_sec: float
    verifier_sec: float
    total_sec: float
    started_at: datetime
    attempts: int = Field(0, description="tries to cheat", sa_column_kwargs={"server_default": "0"})
    body: str = Field(description="sha256 of the whole Rollout's JSON")
    # Where it lies (segments.py); no segment: in a blob of that name (blobs.py)
    body_segment: str = Field("", sa_column_kwargs={"server_default": ""})
    body_start: int = Field(0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    body_length: int = Field(0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})

    @property
    def place(self) -> Place:
        return Place(self.body_segment, self.body_start, self.body_length)


class StepsRow(SQLModel, table=True):
    """Summaries of all steps of a rollout, packed (rows.py); `gristmill query` shows them as the table `steps`."""

    __tablename__ = "step_summaries"

    rollout_id: str = Field(primary_key=True, foreign_key="rollouts.id", ondelete="CASCADE")
    packed: str


class VerdictRow(SQLModel, table=True):
    """The verdict's summary; every check is in the body."""

    __tablename__ = "verdicts"

    rollout_id: str = Field(primary_key=True, foreign_key="rollouts.id", ondelete="CASCADE")
    reward: float
    passed: int
    failed: int
    error: str | None
    dropped_paths: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))


class AttemptRow(SQLModel, table=True):
    """One try to cheat, with the step that shows it; `number` counts from 0 within the rollout."""

    __tablename__ = "attempts"

    rollout_id: str = Field(primary_key=True, foreign_key="rollouts.id", ondelete="CASCADE")
    number: int = Field(primary_key=True)
    step: int
    kind: str = Field(index=True)
    evidence: str


class ExportRow(SQLModel, table=True):
    """An export that was written, with its manifest."""

    __tablename__ = "exports"

    id: int | None = Field(default=None, primary_key=True)
    format: str
    out: str
    rows: int
    created_at: datetime
    manifest: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class DatasetRow(SQLModel, table=True):
    """One version of a dataset, with its manifest."""

    __tablename__ = "datasets"

    name: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    created_at: datetime
    rows: int
    hash: str
    manifest: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class DatasetItemRow(SQLModel, table=True):
    """One rollout of a dataset; `number` is its place, `round` the training round that it is meant for."""

    __tablename__ = "dataset_items"
    __table_args__ = (
        ForeignKeyConstraint(["name", "version"], ["datasets.name", "datasets.version"], ondelete="CASCADE"),
    )

    name: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    rollout_id: str = Field(index=True)
    round: int = 0


class MarkRow(SQLModel, table=True):
    """What a person says of a task or of one rollout (marks.py). Never changed but for being withdrawn."""

    __tablename__ = "marks"
    __table_args__ = (
        Index("marks_by_task", "suite_hash", "task_id"),
        Index("marks_by_rollout", "rollout_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    suite_hash: str
    task_id: str
    rollout_id: str | None = Field(None, foreign_key="rollouts.id", ondelete="CASCADE")
    kind: str = Field(description="task, label or note")
    value: str = Field(description="bad or fine for a task, the label for a rollout, empty for a note")
    note: str = ""
    who: str
    made_at: datetime
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
