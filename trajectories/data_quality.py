"""How good the data is, from what the store has recorded: audits, contamination, marks, outcomes, lost rollouts."""

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, case, func, select
from sqlmodel import col

from tasks.contamination import DETAIL
from trajectories.store import Store
from trajectories.tables import FindingRow, RolloutRow, SuiteRow, TaskRow


class GeneratorQuality(BaseModel):
    """The tasks of one suite that one generator made."""

    model_config = ConfigDict(frozen=True)

    suite: str
    suite_hash: str
    generator: str
    tasks: int
    audited: int
    contaminated: int


class SuiteOutcomes(BaseModel):
    """Rollouts of one suite. Tasks count by their honest rollouts with a known outcome.

    `reference_failed` of `reference_known`: rollouts of agents that were given the reference and still failed; on a
    task that was validated that is a flaky or a broken verifier.
    """

    model_config = ConfigDict(frozen=True)

    suite_hash: str
    tasks_tried: int
    always_solved: int
    never_solved: int
    rollouts: int
    unknown: int
    with_attempts: int
    reference_known: int
    reference_failed: int


class DataQuality(BaseModel):
    """`findings`: suite hash -> kind -> number."""

    model_config = ConfigDict(frozen=True)

    generators: tuple[GeneratorQuality, ...]
    findings: dict[str, dict[str, int]]
    outcomes: dict[str, SuiteOutcomes]
    suites: dict[str, str] = Field(description="hash -> name")


def data_quality(store: Store) -> DataQuality:
    """Counted by the database; three queries."""
    return DataQuality(
        generators=_generators(store), findings=_findings(store), outcomes=_outcomes(store), suites=_names(store)
    )


def _names(store: Store) -> dict[str, str]:
    return {row.hash: row.name for row in store.suites()}


def _generators(store: Store) -> tuple[GeneratorQuality, ...]:
    provenance = TaskRow.__table__.c.provenance  # type: ignore[attr-defined]
    generator = func.coalesce(provenance["generator"].as_string(), "")
    mark = func.coalesce(provenance["details"][DETAIL].as_string(), "")
    query = (
        select(
            col(SuiteRow.name),
            col(TaskRow.suite_hash),
            generator.label("generator"),
            func.count(),
            func.count(col(TaskRow.audited_at)),
            func.sum(case((mark != "", 1), else_=0)),
        )
        .join(SuiteRow, col(SuiteRow.hash) == col(TaskRow.suite_hash))
        .group_by(col(SuiteRow.name), col(TaskRow.suite_hash), "generator")
        .order_by(col(SuiteRow.name), col(TaskRow.suite_hash), "generator")
    )
    with store.reading() as session:
        return tuple(
            GeneratorQuality(
                suite=suite, suite_hash=key, generator=name, tasks=tasks, audited=audited, contaminated=int(marked)
            )
            for suite, key, name, tasks, audited, marked in session.execute(query)
        )


def _findings(store: Store) -> dict[str, dict[str, int]]:
    query = select(col(FindingRow.suite_hash), col(FindingRow.kind), func.count()).group_by(
        col(FindingRow.suite_hash), col(FindingRow.kind)
    )
    found: dict[str, dict[str, int]] = {}
    with store.reading() as session:
        for suite, kind, count in session.execute(query.order_by(col(FindingRow.kind))):
            found.setdefault(suite, {})[kind] = count
    return found


def _outcomes(store: Store) -> dict[str, SuiteOutcomes]:
    """One pass over the rollouts, task by task."""
    is_solved = col(RolloutRow.reward) >= 1.0
    is_known = col(RolloutRow.is_unknown).is_(False)
    is_given = col(RolloutRow.is_privileged)
    is_honest = is_known & is_given.is_(False) & (col(RolloutRow.attempts) == 0)

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((condition, 1), else_=0))

    by_task = (
        select(
            col(RolloutRow.suite_hash).label("suite"),
            func.count().label("rollouts"),
            count(~is_known).label("unknown"),
            count(col(RolloutRow.attempts) > 0).label("with_attempts"),
            count(is_known & is_given).label("reference_known"),
            count(is_known & is_given & ~is_solved).label("reference_failed"),
            count(is_honest).label("honest"),
            count(is_honest & is_solved).label("solved"),
        )
        .group_by(col(RolloutRow.suite_hash), col(RolloutRow.task_id))
        .subquery()
    ).c
    sums = [
        func.sum(by_task[name])
        for name in ("rollouts", "unknown", "with_attempts", "reference_known", "reference_failed")
    ]
    query = select(
        by_task.suite,
        func.sum(case((by_task.honest > 0, 1), else_=0)),
        func.sum(case(((by_task.honest > 0) & (by_task.solved == by_task.honest), 1), else_=0)),
        func.sum(case(((by_task.honest > 0) & (by_task.solved == 0), 1), else_=0)),
        *sums,
    ).group_by(by_task.suite)
    names = (
        "tasks_tried", "always_solved", "never_solved", "rollouts", "unknown", "with_attempts", "reference_known",
        "reference_failed",
    )  # fmt: skip
    with store.reading() as session:
        return {
            suite: SuiteOutcomes(suite_hash=suite, **dict(zip(names, map(int, numbers), strict=True)))
            for suite, *numbers in session.execute(query)
        }
