"""Many variants of one task of ours before its tests, with one sandbox and one start of pytest.

A screen, not a verdict: what it holds against a task is looked at again in fresh sandboxes. What it may get wrong
unseen is that a variant fails since an earlier one left something behind; a control at the end tells.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from environments.diff import SYMLINK, Diff
from environments.sandbox import Backend, running
from tasks._spans import changed_span
from tasks.audit.variants import Variant
from tasks.task import Task
from tasks.testrun import TestReport, TestRun, run_tests, run_tests_on_each
from tasks.verifiers._apply import apply_diff, guarded_files, sort_out
from tasks.verifiers.data import PytestData, pytest_data

# A task's own limit is ten times its slowest test or more. A mutant over a fifth of it is taken for one that loops.
SHARE_OF_LIMIT = 0.2
LEAST_LIMIT_SEC = 2.0
COLLECTION_SEC = 20.0
TRIES_SEC = 60.0
ENOUGH_TESTS = 5


def tests_for(task: Task, diff: Diff) -> tuple[str, ...]:
    """The tests that the `pytest` verifier runs for a diff, in its order."""
    data = pytest_data(task.verifier_data)
    others = data.pass_to_pass
    if data.definition is None or not data.definition.holds(sort_out(task, diff).diff):
        others = tuple(test for test in data.stable_tests or data.pass_to_pass if test not in data.fail_to_pass)
    return tuple(dict.fromkeys((*data.first, *others)))


def other_tests(task: Task, diff: Diff) -> tuple[str, ...]:
    """The rest of the whole suite.

    None where the diff stays in a definition of which every test that runs it is known, and these are not so few
    that one may have been overlooked (of a definition that runs at import, coverage shows none).
    """
    data = pytest_data(task.verifier_data)
    chosen = set(tests_for(task, diff))
    is_known = data.definition is not None and data.definition.holds(sort_out(task, diff).diff)
    if is_known and len(chosen) >= ENOUGH_TESTS:
        return ()
    return tuple(test for test in data.stable_tests if test not in chosen)


@dataclass
class Screened:
    """Names of variants by what the suite says of them. `is_sound`: the control passes, in a sandbox that had seen
    all the others; without it, nothing else here is worth anything."""

    is_sound: bool = False
    refused: set[str] = field(default_factory=set)
    equivalent: set[str] = field(default_factory=set)
    apart: dict[str, str] = field(default_factory=dict)  # by a test that is none of the task's
    unsure: set[str] = field(default_factory=set)


async def screen(task: Task, variants: Sequence[Variant], reference: Diff, control: Diff, backend: Backend) -> Screened:
    """Ask first the tests that must come to pass, where most mutants fail; of the survivors, the whole suite.

    Raises EnvironmentFault and VerifierFault.
    """
    data = pytest_data(task.verifier_data)
    found = Screened()
    runs = [_run(task, data, variant.diff, data.first) for variant in variants]
    last = _run(task, data, control, tests_for(task, control))
    runs.append(last.model_copy(update={"per_test_timeout_sec": data.per_test_timeout_sec}))
    reports = await _reports(task, reference, runs, backend)
    found.is_sound = len(reports) == len(runs) and passes(last, reports[-1])
    if not found.is_sound:
        return found
    survivors: list[Variant] = []
    for variant, run, report in zip(variants, runs, reports, strict=False):
        if passes(run, report):
            survivors.append(variant)
        else:
            found.refused.add(variant.name)
    groups = _groups(reference, survivors)
    alone = [group[0] for group in groups if len(group) == 1]
    if any(len(group) > 1 for group in groups):
        runs = [_whole(task, data, together(reference, group)) for group in groups]
        reports = await _reports(task, reference, runs, backend)
        for group, run, report in zip(groups, runs, reports, strict=False):
            if passes(run, report):
                # One may hide what another does: then a weak task is overlooked, but none is wrongly accused.
                found.equivalent |= {variant.name for variant in group}
        alone = [variant for variant in survivors if variant.name not in found.equivalent]
    if alone:
        await _ask_whole_suite(task, data, alone, reference, found, backend)
    return found


async def _ask_whole_suite(
    task: Task, data: PytestData, variants: Sequence[Variant], reference: Diff, found: Screened, backend: Backend
) -> None:
    runs = [_whole(task, data, variant.diff) for variant in variants]
    reports = await _reports(task, reference, runs, backend)
    found.unsure |= {variant.name for variant in variants[len(reports) :]}
    for variant, run, report in zip(variants, runs, reports, strict=False):
        if passes(run, report):
            found.equivalent.add(variant.name)
            continue
        failing = [each.node_id for each in report.results if each.outcome in ("failed", "error")]
        of_task = [test for test in failing if any(own == test or own.startswith(f"{test}::") for own in run.gate)]
        if of_task:
            found.refused.add(variant.name)
        elif failing and await _tells_apart(task, failing[0], variant, reference, backend):
            found.apart[variant.name] = failing[0]
        else:
            found.unsure.add(variant.name)


async def _tells_apart(task: Task, test: str, variant: Variant, reference: Diff, backend: Backend) -> bool:
    """In fresh sandboxes: neither what an earlier variant left behind nor a flaky test counts."""
    is_right = await _passes_alone(task, reference, test, backend)
    return is_right and not await _passes_alone(task, variant.diff, test, backend)


def _groups(reference: Diff, variants: Sequence[Variant]) -> list[list[Variant]]:
    """As few groups as one look finds, in each of which the variants can be put together."""
    groups: list[list[Variant]] = []
    for variant in variants:
        for group in groups:
            if _parses_together(reference, [*group, variant]):
                group.append(variant)
                break
        else:
            groups.append([variant])
    return groups


def _parses_together(reference: Diff, variants: Sequence[Variant]) -> bool:
    places = sorted((change.path, *changed_span(old.after or b"", change.after or b"")[:2])
                    for variant in variants for old, change in zip(reference.changes, variant.diff.changes, strict=True)
                    if old.after != change.after)  # fmt: skip
    if any(one[0] == two[0] and one[2] >= two[1] for one, two in pairwise(places)):
        return False
    try:
        for change in together(reference, variants).changes:
            ast.parse(change.after or b"")
    except (SyntaxError, ValueError):
        return False
    return True


def together(reference: Diff, variants: Sequence[Variant]) -> Diff:
    """What all variants change in the reference, each at a place of its own."""
    changes = []
    for at, change in enumerate(reference.changes):
        text = change.after or b""
        made = {changed_span(text, variant.diff.changes[at].after or b"") for variant in variants}
        for start, end, new in sorted(made, reverse=True):
            text = text[:start] + new + text[end:]
        changes.append(change if change.after is None else change.model_copy(update={"after": text}))
    return Diff(changes=tuple(changes))


def passes(run: TestRun, report: TestReport) -> bool:
    """What the verifier asks of a run."""
    is_whole = report.is_complete and not report.is_tampered
    return is_whole and all(report.outcome(test) == "passed" for test in run.tests)


def _run(task: Task, data: PytestData, diff: Diff, tests: tuple[str, ...]) -> TestRun:
    files = {change.path: change.after for change in sort_out(task, diff).diff.changes
             if change.after is not None and change.mode != SYMLINK}  # fmt: skip
    limit = data.per_test_timeout_sec
    return TestRun(
        files=files,
        tests=tests,
        gate=data.first,
        per_test_timeout_sec=min(limit, max(LEAST_LIMIT_SEC, SHARE_OF_LIMIT * limit)),
        stop_at_first_failure=True,
        collection_timeout_sec=COLLECTION_SEC,
    )


def _whole(task: Task, data: PytestData, diff: Diff) -> TestRun:
    """All that is left when the failing tests have passed: the task's other tests, then the rest of the suite."""
    others = tuple(test for test in tests_for(task, diff) if test not in set(data.first))
    run = _run(task, data, diff, (*others, *other_tests(task, diff)))
    return run.model_copy(update={"gate": others})


async def _reports(task: Task, first: Diff, runs: Sequence[TestRun], backend: Backend) -> list[TestReport]:
    async with running(backend, task.verifier_spec) as sandbox:
        await apply_diff(
            sandbox, sort_out(task, first).diff
        )  # what the variants' files leave as it is: removals, links
        return await run_tests_on_each(
            sandbox,
            runs,
            timeout_sec=task.verifier_timeout_sec,
            guarded=guarded_files(task.agent_spec, task.verifier_spec),
        )


async def _passes_alone(task: Task, diff: Diff, test: str, backend: Backend) -> bool:
    data = pytest_data(task.verifier_data)
    async with running(backend, task.verifier_spec) as sandbox:
        await apply_diff(sandbox, sort_out(task, diff).diff)
        report = await run_tests(sandbox, [test], timeout_sec=TRIES_SEC, per_test_timeout_sec=data.per_test_timeout_sec)
    return report.outcome(test) == "passed"
