"""From a decided candidate to the tasks that are written: instruction, verifier's data, provenance, difficulty."""

from random import Random
from typing import Any

from environments.diff import Diff
from tasks._journal import Decision
from tasks.candidate import Brief, Candidate, Rejection
from tasks.contamination import Contamination, marked
from tasks.decisions import clean_files, reference_of, rejected
from tasks.difficulty import measure_difficulty, repository_calls
from tasks.duplicates import DuplicateIndex
from tasks.folder import RepositoryTask
from tasks.instruction import LeakFound, write_instruction
from tasks.instruction_lm import write_issue
from tasks.lm import LmClient
from tasks.repository import Repository
from tasks.selection import is_known
from tasks.task import Provenance
from tasks.verifiers.data import Definition, PytestData

AFTER_OTHERS = (
    "The failing tests pass when each of them runs by itself. They fail when all tests run one after another, in the "
    "order of the files."
)


class Drafter:
    """Drafts the tasks of one repository, in the candidates' order: of duplicates the first is kept.

    `lm`: a model that writes the issue reports; `contamination`: what a task must not be part of, or it is marked.
    """

    def __init__(
        self, repository: Repository, seed: int, *, lm: LmClient | None, contamination: Contamination | None
    ) -> None:
        self._repository = repository
        self._seed = seed
        self._lm = lm
        self._contamination = contamination
        self._duplicates = DuplicateIndex()
        self._calls = repository_calls(repository)

    def draft(self, candidate: Candidate, decision: Decision) -> list[RepositoryTask | Rejection]:
        """A task for each brief, or why there is none. Raises LmFault."""
        if decision.rejection is not None:
            return [decision.rejection]
        reference = candidate.reference or reference_of(candidate, clean_files(candidate, self._repository))
        measured = measure_difficulty(
            self._repository,
            candidate.places,
            reference,
            decision.fail_to_pass,
            hidden=candidate.hidden,
            calls=self._calls,
        )
        more = {"difficulty": measured.model_dump(mode="json", exclude_none=True)}
        made = [self._task(candidate, brief, decision, reference, more) for brief in candidate.briefs]
        drafted = [each for each in made if isinstance(each, RepositoryTask)]
        if drafted and (known := self._duplicates.add_reference(drafted[0].id, reference)) is not None:
            return [rejected(candidate, known.kind, f"of {known.of}")]
        return made

    def _task(
        self, candidate: Candidate, brief: Brief, decision: Decision, reference: Diff, more: dict[str, Any]
    ) -> RepositoryTask | Rejection:
        """The task, or a rejection if no instruction can be written that does not give the answer away."""
        repository, source = self._repository, self._repository.source
        workdir = repository.agent_spec().workdir
        rng = Random(f"{self._seed} {candidate.id}")
        instruction, shown = "", tuple[str, ...]()
        if self._lm is not None and brief == Brief() and decision.failures:
            written = write_issue(self._lm, source.name, decision.failures, reference, workdir=workdir, rng=rng)
            instruction, shown = written.text, written.shown
            more = {**more, "issue": {**written.details, **({"refused": written.refused} if written.refused else {})}}
        if not instruction:
            try:
                instruction, shown = write_instruction(
                    source.name,
                    decision.failures,
                    reference,
                    workdir=workdir,
                    rng=rng,
                    template=brief.template,
                    context=brief.context,
                    shows_failures=brief.shows_failures,
                )
            except LeakFound as leak:
                return rejected(candidate, "instruction leaks", str(leak))
        if decision.run_first:
            instruction = f"{instruction.rstrip()}\n\n{AFTER_OTHERS}\n"
        if shown and not set(decision.fail_to_pass) - set(shown):
            detail = "its one failing test must be shown, and hard-coding what it wants would pass"
            return rejected(candidate, "no failing test is hidden", detail)
        task_id = "-".join(filter(None, (source.name, candidate.generator, candidate.id, brief.name))).replace("_", "-")
        provenance = Provenance(
            source=source.spec,
            source_hash=source.hash,
            revision=source.revision,
            license=source.license,
            repository=source.name,
            generator=candidate.generator,
            seed=self._seed,
            details={
                "kind": candidate.kind,
                "path": candidate.path,
                "symbol": candidate.symbol,
                "lines": list(candidate.places[0].changed_lines),
                **({"brief": brief.name} if brief.name else {}),
                **candidate.details,
                **more,
            },
        )
        if self._contamination is not None:
            provenance = marked(provenance, self._contamination.check(task_id, provenance, instruction, reference))
        return RepositoryTask(
            id=task_id,
            instruction=instruction,
            family=candidate.family,
            provenance=provenance,
            files=candidate.files,
            absent=candidate.absent,
            hidden=candidate.hidden,
            reference=reference,
            verifier_data=PytestData(
                fail_to_pass=decision.fail_to_pass,
                pass_to_pass=decision.pass_to_pass,
                stable_tests=repository.stable_tests if candidate.is_bug else decision.pass_to_pass,
                run_first=decision.run_first,
                shown=shown,
                is_withheld=not shown,
                allowed=candidate.allowed,
                definition=_definition_of(candidate, repository),
                import_paths=repository.recipe.import_paths,
                per_test_timeout_sec=per_test_limit(repository),
            ),
            limits=repository.agent_spec().limits,
        )


def _definition_of(candidate: Candidate, repository: Repository) -> Definition | None:
    """The definition whose tests decide while nothing else is changed; None: all stable tests decide."""
    place = candidate.places[0]
    if not candidate.is_bug or candidate.absent or len(candidate.places) > 1 or len(candidate.files) > 1:
        return None
    if not is_known(place, repository) or repository.runs_at_import(place.path, place.first_line, place.last_line):
        return None
    clean = (repository.source.code / place.path).read_bytes()
    grown = candidate.files[place.path].count(b"\n") - clean.count(b"\n")
    return Definition(path=place.path, first_line=place.first_line, last_line=place.last_line + grown)


def per_test_limit(repository: Repository) -> float:
    """Ten times the slowest clean test, in steps of 10 s: coarse, so that another machine writes the same bytes."""
    slowest = max(repository.clean_seconds.values(), default=0.0)
    return 10.0 * max(1, round(slowest))
