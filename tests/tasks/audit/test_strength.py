"""The strength of real verifiers: of a repository's tests, and of planted scripts that can be fooled."""

from pathlib import Path

import pytest

from environments import Backend, Diff, FileChange
from tasks.audit._screening import screen
from tasks.audit.strength import measure_strength
from tasks.audit.variants import Variant, equivalent_variants, wrong_variants
from tasks.errors import VerifierFault
from tasks.folder import read_task
from tasks.revalidate import reference_of_task
from tasks.task import Task
from tasks.verdict import Verdict
from tasks.verifiers import get_verifier
from tasks.verifiers.data import pytest_data
from tests.planted import WEAK_VERIFIERS
from tests.planted._faults import copy_task

WEAK = {"one-branch": "false-accept", "loose-tolerance": "false-accept",
        "grepped-source": "false-reject", "compared-source": "false-reject"}  # fmt: skip


def planted(task_id: str, folder: Path, *, is_clean: bool) -> Task:
    weak = WEAK_VERIFIERS[task_id]
    place = copy_task(weak.base, folder / task_id, weak.files_of_twin if is_clean else weak.files)
    return read_task(place, cache=folder / "cache")


@pytest.mark.parametrize("task_id", WEAK)
async def test_a_weak_script_is_found_out_and_its_strong_twin_is_not(
    task_id: str, tmp_path: Path, bubblewrap: Backend
) -> None:
    for is_clean in (False, True):
        task = planted(task_id, tmp_path / str(is_clean), is_clean=is_clean)
        reference = await reference_of_task(task, bubblewrap)
        assert reference is not None
        strength = await measure_strength(task, reference, bubblewrap)
        assert strength.wrong >= 3
        assert strength.rewrites == 1
        assert strength.notes == ()
        assert {finding.kind for finding in strength.findings} == (set() if is_clean else {WEAK[task_id]})
        if not is_clean:
            assert "reference/shipping.py" in strength.findings[0].evidence


async def test_an_answer_is_judged_by_near_misses(tmp_path: Path, bubblewrap: Backend) -> None:
    for is_clean in (False, True):
        task = planted("any-number", tmp_path / str(is_clean), is_clean=is_clean)
        answer = Diff(changes=(FileChange(path="answer.txt", before=None, after=b"5825\n"),))
        strength = await measure_strength(task, answer, bubblewrap)
        assert strength.wrong == 3
        places = sorted(finding.place for finding in strength.findings)
        assert places == ([] if is_clean else ["answer.txt: off by 1 % (5825 is 5883)",
                                               "answer.txt: off by one (5825 is 5826)"])  # fmt: skip


def reference_of(task: Task) -> Diff:
    assert task.reference is not None
    return task.reference


async def test_a_tested_repository_is_strong(tiny_task: Task, bubblewrap: Backend) -> None:
    strength = await measure_strength(tiny_task, reference_of(tiny_task), bubblewrap, most=12)
    assert strength.findings == ()
    assert strength.notes == ()
    assert (strength.accepted, strength.rejected, strength.rewrites) == (0, 0, 1)
    assert strength.wrong >= 6
    assert strength.equivalent >= 1  # `value < low` and `value <= low` return the same number


def forgetful(task: Task) -> Task:
    """Of the tests that the reference mends, its verifier knows but one, which runs no limit below; none is else."""
    data = task.verifier_data
    known = [test for test in pytest_data(data).fail_to_pass if "test_clamp[11-10]" in test]
    assert known
    return task.model_copy(update={"verifier_data": {**data, "fail_to_pass": known, "pass_to_pass": []}})


async def test_a_mutant_that_only_the_rest_of_the_suite_refuses_is_a_false_accept(
    tiny_task: Task, bubblewrap: Backend
) -> None:
    task = forgetful(tiny_task)
    strength = await measure_strength(task, reference_of(task), bubblewrap, most=12)
    assert strength.accepted == len(strength.findings) >= 2
    assert {finding.kind for finding in strength.findings} == {"false-accept"}
    assert "of the suite fails, and is no test of the task" in strength.findings[0].evidence
    whole = await measure_strength(tiny_task, reference_of(tiny_task), bubblewrap, most=12)
    assert strength.equivalent == whole.equivalent
    assert strength.wrong == whole.wrong


async def test_the_screen_says_what_the_verifier_says(tiny_task: Task, bubblewrap: Backend) -> None:
    reference = reference_of(tiny_task)
    (rewrite,) = equivalent_variants(tiny_task, reference)
    wrong = wrong_variants(tiny_task, reference, most=15, seed=1)
    found = await screen(tiny_task, wrong, reference, rewrite.diff, bubblewrap)
    assert found.is_sound
    for variant in wrong:
        verdict = await get_verifier("pytest").verify(tiny_task, variant.diff, bubblewrap)
        assert verdict.is_solved == (variant.name not in found.refused), variant.name


async def test_a_loop_costs_no_verdict_of_the_others(tiny_task: Task, bubblewrap: Backend) -> None:
    reference = reference_of(tiny_task)
    change = reference.changes[0]
    after = change.after or b""

    def variant(name: str, text: bytes) -> Variant:
        return Variant(name, Diff(changes=(change.model_copy(update={"after": text}),)))

    variants = [
        variant(
            "loops", after.replace(b"    if value > high:\n", b"    while value > high:\n        pass\n    if 0:\n")
        ),
        variant("ends", after.replace(b"        return high\n", b"        import os\n        os._exit(0)\n")),
        variant("cannot be imported", b"1 / 0\n" + after),
        variant("same", after.replace(b"value > high", b"high < value")),
        variant("same too", after.replace(b"value < low", b"low > value")),
        variant("wrong", after.replace(b"return high", b"return high + 1")),
    ]
    found = await screen(tiny_task, variants, reference, reference, bubblewrap)
    assert found.is_sound
    assert found.equivalent == {"same", "same too"}
    assert found.refused == {"loops", "ends", "cannot be imported", "wrong"}


async def test_trouble_of_the_infrastructure_is_a_note(
    tiny_task: Task, bubblewrap: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: object, **kwargs: object) -> None:
        raise VerifierFault("no room left")

    async def unknown(*args: object, **kwargs: object) -> Verdict:
        return Verdict(reward=0.0, error="no room left")

    monkeypatch.setattr("tasks.audit._screening.run_tests_on_each", broken)
    monkeypatch.setattr("tasks.verifiers.pytest_tests.PytestVerifier.verify", unknown)
    strength = await measure_strength(tiny_task, reference_of(tiny_task), bubblewrap)
    assert strength.findings == ()
    assert (strength.wrong, strength.rewrites) == (0, 0)
    assert any("no room left" in note for note in strength.notes)
