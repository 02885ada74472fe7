"""How strong a verifier is: does it refuse what is wrong, does it take what is right but written otherwise?

Mutation testing (DeMillo, Lipton, Sayward 1978) turned on the judge: a wrong variant of the reference that gets
the reference's reward is a false accept, a rewrite that gets less a false reject.
"""

from collections.abc import Sequence
from difflib import unified_diff

from pydantic import BaseModel, ConfigDict, Field

from environments.diff import Diff
from environments.errors import EnvironmentFault
from environments.sandbox import Backend
from tasks.audit._screening import Screened, screen
from tasks.audit.finding import Finding, StrengthKind
from tasks.audit.variants import Variant, equivalent_variants, wrong_variants
from tasks.errors import VerifierFault
from tasks.task import Task
from tasks.verifiers import get_verifier

MOST_LINES = 40  # of evidence
MOST_PARTS = 6


class Strength(BaseModel):
    """What a task's verifier did with variants of the reference. Without `equivalent` ones, `wrong` are all wrong."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    wrong: int = Field(0, description="wrong variants that were judged")
    accepted: int = Field(0, description="of these, those that got the reference's reward")
    equivalent: int = Field(0, description="mutants that no test of the whole suite tells from the reference")
    rewrites: int = Field(0, description="equivalent rewrites that were judged")
    rejected: int = Field(0, description="of these, those that got less than the reference")
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


async def measure_strength(task: Task, reference: Diff, backend: Backend, *, most: int = 3, seed: int = 0) -> Strength:
    """Run at most `most` wrong variants and one rewrite through the task's own verifier.

    For the `pytest` verifier they are screened together, and only what speaks against it is run through it again.
    Infrastructure trouble becomes a note, never a finding.
    """
    wrong = wrong_variants(task, reference, most=most, seed=seed)
    rewrites = equivalent_variants(task, reference)
    judge = _Judge(task, reference, backend)
    if not wrong and not rewrites:
        return judge.strength(notes=("no variant of its reference can be made",))
    if task.verifier == "pytest":
        await _of_suite(judge, wrong, rewrites)
    elif await judge.knows_reference():
        for variant in wrong:
            await judge.refuses(variant)
        for variant in rewrites:
            await judge.takes(variant)
    return judge.strength()


async def _of_suite(judge: "_Judge", wrong: Sequence[Variant], rewrites: Sequence[Variant]) -> None:
    """Screened together; what the screen cannot tell, the verifier is asked."""
    reference = judge.reference
    surely = [variant for variant in wrong if variant.is_surely_wrong]
    mutants = [variant for variant in wrong if not variant.is_surely_wrong]
    for variant in surely:
        await judge.refuses(variant)
    found = await _screened(judge, mutants, rewrites[0].diff if rewrites else reference)
    if found.is_sound:
        judge.rewrites += len(rewrites)
    else:
        took = [await judge.takes(variant) for variant in rewrites]
        if not all(took):  # the rewrite is to blame, and not the sandbox: the reference is the control then
            found = await _screened(judge, mutants, reference)
    if not found.is_sound:
        judge.notes.append(f"{len(mutants)} mutants not judged: even the reference fails beside them")
        return
    judge.wrong += len(found.refused)
    judge.equivalent += len(found.equivalent)
    for variant in mutants:
        if variant.name in found.apart:
            await judge.refuses(
                variant, f"{found.apart[variant.name]} of the suite fails, and is no test of the task\n"
            )
        elif variant.name in found.unsure:
            judge.notes.append(
                f"{variant.name}: not judged: the whole suite did not end with it, or a test failed beside others only"
            )


async def _screened(judge: "_Judge", mutants: Sequence[Variant], control: Diff) -> Screened:
    try:
        return await screen(judge.task, mutants, judge.reference, control, judge.backend)
    except (EnvironmentFault, VerifierFault) as fault:
        judge.notes.append(f"not screened: {fault}")
        return Screened()


class _Judge:
    """The task's own verifier, and the score of what it said."""

    def __init__(self, task: Task, reference: Diff, backend: Backend) -> None:
        self.task, self.reference, self.backend = task, reference, backend
        self.full = 1.0
        self.wrong = self.accepted = self.equivalent = self.rewrites = self.rejected = 0
        self.findings: list[Finding] = []
        self.notes: list[str] = []

    async def knows_reference(self) -> bool:
        """The reference's reward, by which others are judged, is known, and more than that of doing nothing."""
        full = await self._reward(self.reference, "the reference")
        if full is None:
            return False
        if full < 1.0:
            nothing = await self._reward(Diff(), "doing nothing")
            if nothing is None or nothing >= full:
                self.notes.append("the reference gets no more than doing nothing: variants of it tell nothing")
                return False
        self.full = full
        return True

    async def is_accepted(self, variant: Variant) -> bool:
        reward = await self._reward(variant.diff, variant.name)
        return reward is not None and reward >= self.full

    async def refuses(self, variant: Variant, why: str = "") -> None:
        """Judge a wrong variant."""
        reward = await self._reward(variant.diff, variant.name)
        if reward is None:
            return
        self.wrong += 1
        if reward >= self.full:
            self.accepted += 1
            self._found("false-accept", variant, why)

    async def takes(self, variant: Variant) -> bool:
        """Judge a rewrite; one that is refused twice is looked at in parts. True where it is taken, or unknown."""
        for _ in range(2):
            reward = await self._reward(variant.diff, variant.name)
            if reward is None:
                return True
            if reward >= self.full:
                self.rewrites += 1
                return True
        self.rewrites += 1
        self.rejected += 1
        parts = variant.parts[:MOST_PARTS]
        culprits = [part for part in parts if not await self.is_accepted(part)] if len(parts) > 1 else []
        for culprit in culprits or [variant]:
            self._found("false-reject", culprit)
        return False

    def strength(self, notes: tuple[str, ...] = ()) -> Strength:
        return Strength(
            task_id=self.task.id,
            wrong=self.wrong,
            accepted=self.accepted,
            equivalent=self.equivalent,
            rewrites=self.rewrites,
            rejected=self.rejected,
            findings=tuple(self.findings),
            notes=(*self.notes, *notes),
        )

    async def _reward(self, diff: Diff, name: str) -> float | None:
        verdict = await get_verifier(self.task.verifier).verify(self.task, diff, self.backend)
        if verdict.error is not None:
            self.notes.append(f"{name}: the verifier failed: {verdict.error}")
            return None
        return verdict.reward

    def _found(self, kind: StrengthKind, variant: Variant, why: str = "") -> None:
        evidence = why + changes_between(self.reference, variant.diff)
        self.findings.append(Finding(task_id=self.task.id, kind=kind, place=variant.name, evidence=evidence))


def changes_between(reference: Diff, variant: Diff) -> str:
    """A short unified diff of what a variant changes in the reference's files."""
    lines: list[str] = []
    wanted = {change.path: change.after or b"" for change in reference.changes}
    for change in variant.changes:
        old, new = (
            text.decode(errors="replace").splitlines() for text in (wanted.get(change.path, b""), change.after or b"")
        )
        lines += unified_diff(old, new, f"reference/{change.path}", f"variant/{change.path}", n=1, lineterm="")
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"[... {len(lines) - MOST_LINES} more lines]"]
    return "\n".join(lines)
