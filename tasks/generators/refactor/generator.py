"""The generator of refactors: every kind in turn, and after a few of them one that is composed of several."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from environments.diff import Diff, FileChange
from tasks.candidate import Brief, Candidate, Rejection
from tasks.generators.refactor import extract, inline, modernise, move, rename, replace, signature
from tasks.generators.refactor._checks import CHECK_FILE, check_file
from tasks.generators.refactor._compose import compositions
from tasks.generators.refactor._plan import NotSure, Plan, applied
from tasks.generators.refactor._project import Project
from tasks.repository import Repository

BRIEFS = ("lazy", "base", "descriptive")
SINGLES_PER_COMPOSED = 3


@dataclass(frozen=True)
class Kind:
    """`targets` gives what it may be tried on (each with a `dotted` name), `plan` one refactor of such a target.

    `plan` raises NotSure where the analysis is not.
    """

    targets: Callable[[Project], Iterator[Any]]
    plan: Callable[[Project, Any, Random], Plan]


KINDS: dict[str, Kind] = {
    "rename": Kind(rename.targets, rename.plan),
    "move": Kind(move.targets, move.plan),
    "extract": Kind(extract.targets, extract.plan),
    "inline": Kind(inline.targets, inline.plan),
    "modernise": Kind(modernise.targets, modernise.plan),
    "signature": Kind(signature.targets, signature.plan),
    "replace": Kind(replace.targets, replace.plan),
}


class Refactor:
    """Refactors of which the analysis is sure; what it leaves alone is in `skipped`, with the reason."""

    name = "refactor"

    def __init__(self) -> None:
        self.skipped: list[Rejection] = []

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate]:
        """Kinds in turn, targets in random order; each refactor by itself, and some together."""
        self.skipped = []
        project = Project(repository)
        plans = self.plans(project, rng)
        composed = compositions(project, [plan for of_kind in plans.values() for plan in of_kind], rng)
        for at, plan in enumerate(_in_turn(list(plans.values())), 1):
            yield candidate_of(project, [plan])
            if at % SINGLES_PER_COMPOSED == 0 and (several := next(composed, None)) is not None:
                yield candidate_of(project, several)

    def plans(self, project: Project, rng: Random) -> dict[str, list[Plan]]:
        """Kind -> its refactors, in random order."""
        found: dict[str, list[Plan]] = {}
        for name, kind in KINDS.items():
            targets = list(kind.targets(project))
            rng.shuffle(targets)
            found[name] = []
            for target in targets:
                where = target.dotted
                try:
                    plan = kind.plan(project, target, Random(f"{rng.random()} {where}"))
                    applied(project, plan.splices)
                except NotSure as left:
                    detail = ": ".join(filter(None, (name, where, left.detail)))
                    self.skipped.append(
                        Rejection(candidate_id="", generator=self.name, reason=left.reason, detail=detail)
                    )
                else:
                    found[name].append(plan)
        return found


def candidate_of(project: Project, plans: Sequence[Plan]) -> Candidate:
    """One refactor, or several that do not touch one another. Raises NotSure where their edits overlap."""
    after = applied(project, [each for plan in plans for each in plan.splices])
    created = {path: data for plan in plans for path, data in plan.created.items()}
    code = {path: data for path, data in {**after, **created}.items() if path in created or path in project.code}
    tests = {path: data for path, data in after.items() if path not in project.code}
    checks = [check for plan in plans for check in plan.checks]
    reference = Diff(
        changes=tuple(
            FileChange(path=path, before=project.code[path].data if path in project.code else None, after=data)
            for path, data in sorted(code.items())
        )
    )
    context = {"refactors": [{**plan.says, "kind": plan.kind} for plan in plans]}
    return Candidate(
        generator=Refactor.name,
        kind=plans[0].kind if len(plans) == 1 else "composed",
        family="refactor",
        places=tuple(plan.place for plan in plans),
        hidden={**tests, CHECK_FILE: check_file(checks, project.not_code)},
        reference=reference,
        briefs=tuple(
            Brief(name=name, template=f"refactor_{name}.md.j2", context=context, shows_failures=False)
            for name in BRIEFS
        ),
        details={
            "refactors": [
                {"kind": plan.kind, "symbol": plan.symbol, "new_name": plan.new_name, "files": list(plan.paths)}
                for plan in plans
            ],
            "files_touched": len(reference.paths),
            "tests_adapted": sorted(tests),
        },
    )


def _in_turn(lists: Sequence[Sequence[Plan]]) -> Iterator[Plan]:
    for at in range(max(map(len, lists), default=0)):
        for each in lists:
            if at < len(each):
                yield each[at]
