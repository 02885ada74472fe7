"""The `constraints` grader: a text and what it must fulfil, each checked by itself (WildIFEval, Lior et al. 2025)."""

from dataclasses import dataclass, field
from typing import Any

from tasks.graders._constraint_kinds import CHECKS, BadConstraint
from tasks.graders._reading import Refused, read_text
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed, share


@dataclass(frozen=True)
class ConstraintsData:
    """`constraints`: [{kind, …}], the kinds and their fields as in docs/verifiers.md; `name` is optional in each.

    One of kind `judge` is for a reader or a model: it is named in the evidence and not scored. `least_words`: fewer
    words are no answer, so that an empty text cannot earn what it only avoids.
    """

    constraints: list[dict[str, Any]] = field(default_factory=list)
    output: str = "answer.txt"
    least_words: int = 1


class ConstraintsGrader:
    """Reward: the share of constraints fulfilled."""

    name = "constraints"
    Data = ConstraintsData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade for unknown kinds or fields, or where no program can check any."""
        scored = [each for each in data.constraints if each.get("kind") != "judge"]
        if not scored:
            raise CannotGrade("constraints: `constraints` needs at least one that a program can check")
        for number, each in enumerate(scored, start=1):
            if each.get("kind") not in CHECKS:
                raise CannotGrade(
                    f"constraints: {number}: kind {each.get('kind')!r} is none of {', '.join(CHECKS)}, judge"
                )
        try:
            text = await read_text(work, data.output, max_bytes=200_000)
        except Refused as reason:
            return failed(data.output, str(reason))
        if len(text.split()) < data.least_words:
            return failed(data.output, f"it has fewer than {data.least_words} words")
        parts = [_checked(text, each, number) for number, each in enumerate(scored, start=1)]
        unscored = [str(each.get("text") or each.get("name") or "") for each in data.constraints if each not in scored]
        return share(parts, "not scored, needs a judge: " + "; ".join(unscored) if unscored else "")


def _checked(text: str, constraint: dict[str, Any], number: int) -> Part:
    kind = constraint["kind"]
    options = {name: value for name, value in constraint.items() if name not in ("kind", "name", "text")}
    try:
        fault = CHECKS[kind](text, **options)
    except (TypeError, BadConstraint) as error:
        raise CannotGrade(f"constraints: {number} ({kind}): {error}") from error
    return Part(str(constraint.get("name") or constraint.get("text") or kind), not fault, fault)
