"""An instance of somebody else as a candidate on its repository, and what its tests did as a task.

The repository is taken at `base_commit`; the source part of `patch` is the reference, `test_patch` gives the hidden
files. As with all candidates, both sides are run, twice; what the row says of its tests must come out again.
"""

import json
import re
from collections.abc import Sequence

from environments.diff import Diff
from environments.errors import BadDiff
from environments.sandbox import Backend
from tasks._batches import given_state, run_each, run_of, solved_state
from tasks._drafting import per_test_limit
from tasks._patch import apply_patch
from tasks.candidate import Candidate, Place, Rejection
from tasks.decisions import Validated
from tasks.difficulty import measure_difficulty
from tasks.folder import RepositoryTask
from tasks.generators._touched import touched, whole_file
from tasks.instruction import leaks
from tasks.paths import hidden_paths, is_protected, is_test_file
from tasks.repository import Repository
from tasks.source import Source
from tasks.swebench import Instance
from tasks.task import Provenance
from tasks.verifiers.data import PytestData

GENERATOR = "swebench"
_UNITTEST = re.compile(r"^(?P<name>\w+) \((?P<place>[\w.]+)\)")


def candidate_of(instance: Instance, source: Source) -> Candidate | Rejection:
    """What the row proposes on its repository at its base commit."""
    try:
        patch = apply_patch(instance.patch, lambda path: _file(source, path))
    except BadDiff as fault:
        return refused(instance, "patch does not apply", str(fault))
    try:
        test_patch = apply_patch(instance.test_patch, lambda path: _file(source, path))
    except BadDiff as fault:
        return refused(instance, "test_patch does not apply", str(fault))
    hidden_here = hidden_paths([*_paths(source), *patch.paths, *test_patch.paths])
    reference = patch.filtered(lambda path: path not in hidden_here)
    if not reference.changes:
        return refused(instance, "patch changes no source", ", ".join(patch.paths))
    both = sorted(set(reference.paths) & set(test_patch.paths))
    if both:
        return refused(instance, "patch and test_patch change one file", ", ".join(both))
    changes = (*patch.filtered(lambda path: path in hidden_here).changes, *test_patch.changes)
    # A test file that is removed becomes an empty one: the verifier lays files over others and takes none away.
    hidden = {change.path: change.after or b"" for change in changes}
    return Candidate(
        generator=GENERATOR,
        kind="an instance in SWE-bench's form",
        family="history",
        places=_places(reference),
        hidden=hidden,
        reference=reference,
        allowed=tuple(path for path in reference.paths if is_protected(path)),
    )


async def both_sides(candidate: Candidate, repository: Repository, backend: Backend) -> Validated | Rejection:
    """All tests before and after, each twice in fresh processes, the second time in another order.

    Other than for candidates of ours, tests that fail on both sides or only afterwards are no fault: the data set
    leaves them out of its lists, and so do we. Raises VerifierFault and EnvironmentFault.
    """
    assert candidate.reference is not None
    tests = [*repository.stable_tests, *(path for path in candidate.hidden if is_test_file(path))]
    given, solved = given_state(candidate), solved_state(candidate)
    runs = [run_of(given, tests, repository), run_of(solved, tests, repository)]
    reports = await run_each(runs, repository, backend, has_tracebacks=True)
    if len(reports) == len(runs):
        again = [run_of(state, tests, repository, random_order_seed=1) for state in (solved, given)]
        reports += await run_each(again, repository, backend)
    if len(reports) < 4 or not all(report.is_complete for report in reports):
        return Rejection(candidate_id=candidate.id, generator=GENERATOR, reason="ends the process",
                         detail=reports[-1].output[-500:] if reports else "")  # fmt: skip
    before, after, after_again, before_again = reports
    passing = [each.node_id for each in after.results
               if each.outcome == "passed" == after_again.outcome(each.node_id)]  # fmt: skip
    outcomes = {test: {before.outcome(test), before_again.outcome(test)} for test in passing}
    return Validated(
        candidate,
        fail_to_pass=tuple(test for test in passing if "passed" not in outcomes[test]),
        pass_to_pass=tuple(test for test in passing if outcomes[test] == {"passed"}),
        failures=(),
        reference=candidate.reference,
    )


def task_of(
    instance: Instance, result: Validated, repository: Repository, *, allow_leaks: bool
) -> RepositoryTask | Rejection:
    """The task, or why what was found is not what the row says."""
    candidate, source = result.candidate, repository.source
    named = [(test, [found for found in result.fail_to_pass if matches(test, found)]) for test in instance.FAIL_TO_PASS]
    missing = [test for test, found in named if not found]
    if missing:
        return refused(instance, "FAIL_TO_PASS not confirmed", json.dumps(missing[:20]))
    wanted = {found for _, all_found in named for found in all_found}
    fail_to_pass = tuple(test for test in result.fail_to_pass if test in wanted)
    leaking = leaks(instance.problem_statement, result.reference)
    if leaking and not allow_leaks:
        return refused(instance, "instruction leaks", leaking[0].strip())
    unconfirmed = [
        test for test in instance.PASS_TO_PASS if not any(matches(test, each) for each in result.pass_to_pass)
    ]
    measured = measure_difficulty(repository, candidate.places, result.reference, fail_to_pass, hidden=candidate.hidden)
    place = candidate.places[0]
    return RepositoryTask(
        id=task_id(instance),
        instruction=instance.problem_statement.strip(),
        family=candidate.family,
        provenance=Provenance(
            source=source.spec,
            source_hash=source.hash,
            revision=source.revision,
            license=source.license,
            repository=source.name,
            generator=GENERATOR,
            details={
                "kind": candidate.kind,
                "path": place.path,
                "symbol": place.symbol,
                "lines": list(place.changed_lines),
                "instance_id": instance.instance_id,
                "repo": instance.repo,
                "base_commit": instance.base_commit,
                **({"leaks": leaking[:20]} if leaking else {}),
                **({"pass_to_pass_not_confirmed": unconfirmed} if unconfirmed else {}),
                "difficulty": measured.model_dump(mode="json", exclude_none=True),
            },
        ),
        files={},
        hidden=candidate.hidden,
        reference=result.reference,
        verifier_data=PytestData(
            fail_to_pass=fail_to_pass,
            pass_to_pass=result.pass_to_pass,
            stable_tests=result.pass_to_pass,
            is_withheld=True,
            allowed=candidate.allowed,
            import_paths=repository.recipe.import_paths,
            per_test_timeout_sec=per_test_limit(repository),
        ),
        limits=repository.agent_spec().limits,
    )


def matches(named: str, found: str) -> bool:
    """A test as a row names it, and a node id of pytest.

    Rows cut an id at its first blank, since their logs are read by words; unittest's runner writes
    `name (module.Class)`, others the name alone.
    """
    if named == found or ("::" in named and found.split(" ")[0] == named):
        return True
    if match := _UNITTEST.match(named):
        return found.endswith(f"{match['place'].split('.')[-1]}::{match['name']}")
    return "::" not in named and found.rpartition("::")[2] == named


def task_id(instance: Instance) -> str:
    """The instance's id, as far as it can name a folder."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", instance.instance_id).lstrip("._-") or "instance"


def refused(instance: Instance, reason: str, detail: str = "") -> Rejection:
    return Rejection(candidate_id=instance.instance_id, generator=GENERATOR, reason=reason, detail=detail)


def _places(reference: Diff) -> tuple[Place, ...]:
    places: list[Place] = []
    for change in reference.changes:
        if change.before is None or not change.path.endswith(".py"):
            continue
        try:
            places += touched(change.path, change.before, change.after or b"").places
        except (SyntaxError, ValueError, RecursionError):
            places.append(whole_file(change.path, change.before))
    first = reference.changes[0]
    return tuple(places) or (whole_file(first.path, first.before or b""),)


def _file(source: Source, path: str) -> bytes | None:
    for folder in (source.protected, source.code):
        if (folder / path).is_file():
            return (folder / path).read_bytes()
    return None


def _paths(source: Source) -> Sequence[str]:
    """Of the hidden files: they tell which folders are test folders."""
    return [path.relative_to(source.protected).as_posix() for path in source.protected.rglob("*") if path.is_file()]
