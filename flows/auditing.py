"""The audit of a suite: leaks, cheats, strength of verifiers; plain code that would run without Prefect.

Every check is one that a user could run alone: the leak scan and the strength are `tasks/audit/`, the cheats are
agents (`gristmill rollout SUITE --agent thief`). This file runs them side by side and gathers what they found.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field

from agents.agent import AgentLimits
from agents.cheats.guesser import GUESSES
from agents.cheats.tamperer import TRICKS
from agents.registry import get_agent
from agents.rollout import roll_out
from environments.diff import Diff
from environments.errors import EnvironmentFault
from environments.sandbox import Backend
from flows.requests import CHECKS, Check
from tasks.audit import Finding, scan_all_shared, scan_own
from tasks.audit.finding import CheatKind, ContaminationKind, DuplicateKind, Kind, LeakKind, StrengthKind
from tasks.audit.strength import Strength, measure_strength
from tasks.contamination import Contamination, contaminated, mark_findings
from tasks.duplicates import find_duplicates
from tasks.errors import BadTaskFolder, VerifierFault
from tasks.revalidate import reference_of_task
from tasks.suite import Suite, keep_beside
from tasks.task import Provenance, Task
from tasks.verdict import Verdict
from tasks.verifiers import get_verifier
from trajectories.interval import wilson
from trajectories.rollout import RolloutKey
from trajectories.store import Store

AUDIT = "audit.json"
KINDS: dict[Check, tuple[Kind, ...]] = {
    "leaks": get_args(LeakKind),
    "cheats": get_args(CheatKind),
    "strength": get_args(StrengthKind),
    "contamination": get_args(ContaminationKind),
    "duplicates": get_args(DuplicateKind),
}
LIMITS = AgentLimits.model_validate({"steps": 60, "seconds": 300})

# Name in the registry, options, and what a reward above nop's is called.
Cheat = tuple[str, dict[str, object], CheatKind]
THIEF: Cheat = ("thief", {}, "thief")
TAMPERERS: tuple[Cheat, ...] = tuple((f"tamperer-{trick}", {}, "tamperer") for trick in TRICKS)
MOST_ANSWERED = 10  # failing tests that one constant, or what three tests show, could still answer
IN_CODE: tuple[Cheat, ...] = (
    ("special-caser", {"runs": 4}, "special-caser"),
    ("guesser", {"guess": "constant"}, "guesser"),
)
_ALL_GUESSES: list[Cheat] = [("guesser", {"guess": guess}, "guesser") for guess in GUESSES if guess != "constant"]
IN_FILES: tuple[Cheat, ...] = (("special-caser", {}, "special-caser"), *_ALL_GUESSES)


class Rate(BaseModel):
    """`count` of `n`, with a 95 % Wilson interval."""

    model_config = ConfigDict(frozen=True)

    count: int
    n: int
    rate: float
    low: float
    high: float

    @classmethod
    def of(cls, count: int, n: int) -> "Rate":
        low, high = wilson(count, n)
        return cls(count=count, n=n, rate=count / n if n else 0.0, low=low, high=high)


class TaskAudit(BaseModel):
    """What the audit says of one task. `notes`: what could not be looked at, and why."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    family: str
    findings: tuple[Finding, ...] = ()
    strength: Strength | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


class FamilyAudit(BaseModel):
    """One family's tasks together. A variant that nothing tells from the reference is no wrong one."""

    model_config = ConfigDict(frozen=True)

    family: str
    tasks: int
    with_findings: int
    false_accept: Rate = Field(description="wrong variants that the verifier took for right")
    false_reject: Rate = Field(description="equivalent rewrites of the reference that it refused")


class AuditReport(BaseModel):
    """What an audit found; `SUITE/audit.json`, and in the store."""

    model_config = ConfigDict(frozen=True)

    suite_hash: str
    backend: str
    checks: tuple[Check, ...]
    audited_at: datetime
    tasks: tuple[TaskAudit, ...]
    families: tuple[FamilyAudit, ...]
    seconds: float

    @property
    def findings(self) -> list[Finding]:
        return [finding for task in self.tasks for finding in task.findings]


async def audit_suite(
    suite: Suite,
    backend: Backend,
    *,
    jobs: int,
    checks: Sequence[Check] = CHECKS,
    task_ids: Sequence[str] = (),
    contamination: Contamination | None = None,
    against: Sequence[Suite] = (),
    on_progress: Callable[[TaskAudit], None] = lambda audited: None,
) -> AuditReport:
    """Audit every task (or `task_ids`), `jobs` at a time. Its environments must be there (`prepare_suite`).

    contamination: the list that the check of this name compares with, besides what tasks were marked with.
    against: suites whose tasks are kept where one of this suite repeats them.
    """
    started = time.monotonic()
    slots = asyncio.Semaphore(jobs)
    tasks = [await asyncio.to_thread(suite.task, task_id) for task_id in task_ids or suite.task_ids()]

    references: dict[str, Diff | None] = {}

    async def one(number: int, task: Task) -> TaskAudit:
        tricks = TAMPERERS if task.verifier != "pytest" else TAMPERERS[number % len(TAMPERERS) :][:1]
        async with slots:
            try:
                reference = references[task.id] = await reference_of_task(task, backend)
            except EnvironmentFault as fault:
                note = f"not audited: its solution could not be run: {fault}"
                audited = TaskAudit(task_id=task.id, family=task.family, notes=(note,))
            else:
                audited = await audit_task(
                    task,
                    reference,
                    backend,
                    checks,
                    suite_hash=suite.manifest.hash,
                    tricks=tricks,
                    contamination=contamination,
                )
        on_progress(audited)
        return audited

    async def more_tricks(number: int, task: Task, audited: TaskAudit) -> TaskAudit:
        """The tricks that the task was spared."""
        if task.verifier != "pytest" or task.id not in references:
            return audited
        spared = [trick for at, trick in enumerate(TAMPERERS) if at != number % len(TAMPERERS)]
        async with slots:
            more = await audit_task(
                task, references[task.id], backend, ("cheats",), suite_hash=suite.manifest.hash, tricks=spared
            )
        found = [finding for finding in more.findings if finding.kind == "tamperer"]
        return audited.model_copy(update={"findings": (*audited.findings, *found)})

    audits = list(await asyncio.gather(*(one(number, task) for number, task in enumerate(tasks))))
    found: dict[str, list[Finding]] = {}
    notes: list[str] = []
    if "leaks" in checks:
        known = [(task, references[task.id]) for task in tasks if task.id in references]
        found, notes = await scan_all_shared(known, backend)
    if "duplicates" in checks:
        for finding in await asyncio.to_thread(_duplicates, suite, against):
            found.setdefault(finding.task_id, []).append(finding)
    paid = {finding.task_id for audited in audits for finding in audited.findings if finding.kind == "tamperer"}
    if any(task.id in paid and task.verifier == "pytest" for task in tasks):
        pairs = enumerate(zip(tasks, audits, strict=True))
        audits = list(await asyncio.gather(*(more_tricks(number, task, audited) for number, (task, audited) in pairs)))
    audits = [
        audited.model_copy(
            update={
                "findings": (*found.get(audited.task_id, ()), *audited.findings),
                "notes": (*notes, *audited.notes),
            }
        )
        for audited in audits
    ]
    return AuditReport(
        suite_hash=suite.manifest.hash,
        backend=backend.name,
        checks=tuple(checks),
        audited_at=datetime.now(UTC),
        tasks=tuple(audits),
        families=tuple(_family(name, audits) for name in sorted({audited.family for audited in audits})),
        seconds=time.monotonic() - started,
    )


async def audit_task(
    task: Task,
    reference: Diff | None,
    backend: Backend,
    checks: Sequence[Check],
    *,
    suite_hash: str,
    tricks: Sequence[Cheat] = TAMPERERS,
    contamination: Contamination | None = None,
) -> TaskAudit:
    """All checks of one task but those of what it shares with others: places, and the work itself.

    `reference`: what its solution changes (`reference_of_task`). `tricks`: of the tamperer.
    """
    started = time.monotonic()
    findings: list[Finding] = []
    notes: list[str] = []
    strength: Strength | None = None
    try:
        if reference is None:
            notes.append("it has no reference solution: neither leaks of it nor the verifier's strength can be told")
        if "contamination" in checks:
            findings += contaminated(task, reference, contamination)
        if "leaks" in checks:
            scan = await scan_own(task, reference, backend)
            findings += scan.findings
            notes += scan.notes
        if "cheats" in checks:
            findings += await _cheat(task, backend, suite_hash, tricks, notes)
        if "strength" in checks and reference is not None:
            strength = await measure_strength(task, reference, backend)
            findings += strength.findings
            notes += strength.notes
    except (EnvironmentFault, VerifierFault, BadTaskFolder) as fault:
        notes.append(f"not audited to the end: {type(fault).__name__}: {fault}")
    return TaskAudit(
        task_id=task.id,
        family=task.family,
        findings=tuple(findings),
        strength=strength,
        notes=tuple(notes),
        seconds=time.monotonic() - started,
    )


def _duplicates(suite: Suite, against: Sequence[Suite]) -> list[Finding]:
    """Tasks of the suite that repeat one of `against`, or one of its own that comes before."""
    report = find_duplicates([*against, suite])
    return [
        Finding(
            task_id=pair.task_id,
            kind="duplicate",
            place=f"{pair.suite_of}/{pair.of}",
            evidence=f"{pair.kind}: {pair.similarity:.0%} of the edit's shingles are the same",
        )
        for pair in report.duplicates
        if pair.suite_number == len(against)
    ]


async def _cheat(
    task: Task, backend: Backend, suite_hash: str, tricks: Sequence[Cheat], notes: list[str]
) -> list[Finding]:
    """Let the crew at it. The same change is judged once, and no change as nop is."""
    if task.verifier == "pytest":
        task = task.model_copy(update={"verifier_data": {**task.verifier_data, "stops_early": True}})
    nothing = await get_verifier(task.verifier).verify(task, Diff(), backend)
    if nothing.error:
        notes.append(f"the cheats were not tried: the verifier failed on doing nothing: {nothing.error}")
        return []
    verdicts = {"": nothing}
    found: list[Finding] = []
    for name, options, kind in (THIEF, *tricks, *_answerers(task)):
        key = RolloutKey(suite_hash=suite_hash, task_id=task.id, agent=name, backend=backend.name)
        agent = get_agent(name, **options)
        rollout = await roll_out(
            task, agent, backend, key=key, limits=LIMITS, model=None, verdicts=verdicts, is_watched=False
        )
        if rollout.is_unknown:
            notes.append(f"{name}: no verdict: {rollout.verdict.error or rollout.ending_detail}")
        elif rollout.verdict.reward >= nothing.reward + _least_pay(task):
            place = f"{name} {options['guess']}" if "guess" in options else name
            evidence = _evidence(rollout.diff, rollout.verdict, nothing)
            found.append(Finding(task_id=task.id, kind=kind, place=place, evidence=evidence))
    return found


def _least_pay(task: Task) -> float:
    """How far above doing nothing a reward is a finding.

    Where parts of an answer earn their share, a guess may meet a few of them, but not half.
    """
    return 0.5 if task.verifier == "graded" else 1e-9


def _answerers(task: Task) -> tuple[Cheat, ...]:
    """Those that answer without solving, where there is hope."""
    if task.verifier != "pytest":
        return IN_FILES
    return IN_CODE if len(task.verifier_data.get("fail_to_pass", ())) <= MOST_ANSWERED else ()


def _evidence(diff: str, verdict: Verdict, nothing: Verdict) -> str:
    added = [line for line in diff.splitlines() if line.startswith(("+", "-"))][:20]
    return f"reward {verdict.reward:g}, doing nothing {nothing.reward:g}:\n" + "\n".join(line[:200] for line in added)


def _family(name: str, audits: Sequence[TaskAudit]) -> FamilyAudit:
    chosen = [audited for audited in audits if audited.family == name]
    counts: Counter[str] = Counter()
    for audited in chosen:
        if audited.strength is not None:
            counts["wrong"] += audited.strength.wrong
            counts["accepted"] += audited.strength.accepted
            counts["rewrites"] += audited.strength.rewrites
            counts["rejected"] += audited.strength.rejected
    return FamilyAudit(
        family=name,
        tasks=len(chosen),
        with_findings=sum(bool(audited.findings) for audited in chosen),
        false_accept=Rate.of(counts["accepted"], counts["wrong"]),
        false_reject=Rate.of(counts["rejected"], counts["rewrites"]),
    )


def keep(report: AuditReport, suite: Suite, store: Store) -> None:
    """Findings into the store; the whole report into the suite's folder too, so that it goes where the suite goes.

    An audit by some of the checks leaves what others found before, in the store and in the folder's report.
    """
    looked_for = {kind for check in report.checks for kind in KINDS[check]}
    audited = {task.task_id for task in report.tasks}
    before: dict[str, list[Finding]] = {}
    for row in store.findings(report.suite_hash):
        if row.task_id in audited and row.kind not in looked_for:
            finding = Finding(task_id=row.task_id, kind=row.kind, place=row.place, evidence=row.evidence)
            before.setdefault(row.task_id, []).append(finding)
    tasks = tuple(
        task.model_copy(update={"findings": tuple(dict.fromkeys((*before.get(task.task_id, ()), *task.findings)))})
        for task in report.tasks
    )
    report = report.model_copy(update={"tasks": tasks})
    store.record_audit(report.suite_hash, audited, report.findings, report.audited_at)
    if audited == set(suite.task_ids()) and set(report.checks) >= set(CHECKS):
        keep_beside(suite, AUDIT, (report.model_dump_json(indent=1) + "\n").encode())


def keep_marks(suite: Suite, provenances: Mapping[str, Provenance], store: Store) -> None:
    """What tasks were marked with when they were made becomes a finding, besides what is found already."""
    marks = mark_findings(provenances)
    tasks = {finding.task_id for finding in marks}
    known = [
        Finding(task_id=row.task_id, kind=row.kind, place=row.place, evidence=row.evidence)
        for row in (store.findings(suite.manifest.hash) if tasks else ())
        if row.task_id in tasks
    ]
    told = {(finding.task_id, finding.evidence) for finding in known if finding.kind == "contaminated"}
    if fresh := [finding for finding in marks if (finding.task_id, finding.evidence) not in told]:
        store.record_audit(suite.manifest.hash, tasks, [*known, *fresh], datetime.now(UTC))


def kept_report(suite: Suite) -> AuditReport | None:
    """The report of a whole audit of just these tasks that came with the suite's folder. Raises BadTaskFolder."""
    file = suite.folder / AUDIT
    if not file.is_file():
        return None
    try:
        report = AuditReport.model_validate_json(file.read_bytes())
    except ValueError as error:
        raise BadTaskFolder(
            f"{file}: is no report of an audit ({error}); remove it, or audit the suite again"
        ) from error
    return report if report.suite_hash == suite.manifest.hash else None
