"""The `mutation` grader: tests that pass on right code and fail on each planted mutant of it.

Score: the share of mutants killed (DeMillo, Lipton & Sayward 1978). Tests count only if they pass on every right
version: the code itself, at several times, and twins of it that do the same in other words, so that tests which compare
the source, or count how often they have been run, lose.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from tasks.graders._mutants import twin_of
from tasks.graders._reading import Refused, read_text, shown
from tasks.graders._sandboxed import NoAnswer, ask_inside, is_missing, why_ended
from tasks.graders.grading import CannotGrade, Grade, Part, Work

_MOST_PARTIAL = 0.999
_NO_TESTS = 5  # pytest's exit code


@dataclass(frozen=True)
class MutationData:
    """`code`: path to text, the right version; `mutants` and `twins`: what each changes of it, path to text.

    `runner`: `pytest`, or `asserts`, which runs the functions test_* of the file; `auto`: pytest where the sandbox has
    it. `threshold`: the share of mutants that must be killed for reward 1.
    """

    code: dict[str, str] = field(default_factory=dict)
    mutants: list[dict[str, str]] = field(default_factory=list)
    twins: list[dict[str, str]] = field(default_factory=list)
    output: str = "test_solution.py"
    runner: Literal["auto", "pytest", "asserts"] = "auto"
    threshold: float = 1.0
    time_limit_sec: float = 20.0


class MutationGrader:
    name = "mutation"
    Data = MutationData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade where nothing can be killed, or pytest is asked for and missing."""
        _check(data)
        try:
            tests = (await read_text(work, data.output)).encode()
        except Refused as reason:
            return Grade(0.0, (Part(data.output, False, str(reason)),))
        runner = data.runner if data.runner != "auto" else await _runner(work, data)
        right = [{}, *data.twins, *([twin] if (twin := _own_twin(data)) else [])]
        versions = [(f"right code {number}", {**data.code, **files}, True) for number, files in enumerate(right, 1)]
        mutants = [(f"mutant {number}", {**data.code, **files}, False) for number, files in enumerate(data.mutants, 1)]
        parts: dict[str, Part] = {}
        for name, files, is_right in [
            versions[0],
            *_shuffled(versions[1:] + mutants),
            ("right code again", data.code, True),
        ]:
            await work.put({data.output: tests, **{path: text.encode() for path, text in files.items()}})
            passed, said = await _passes(work, runner, data)
            parts[name] = Part(name, passed == is_right, said if passed != is_right else "")
            if is_right and not passed:
                return Grade(0.0, tuple(parts.values()), "tests must pass on right code")
        killed = sum(parts[name].passed for name, _, _ in mutants) / len(mutants)
        ordered = tuple(parts[name] for name, _, _ in [*versions, *mutants])
        evidence = f"{killed:.4f} of {len(mutants)} mutants killed, wanted {data.threshold:g}"
        return Grade(
            1.0 if killed >= data.threshold else min(_MOST_PARTIAL, killed / data.threshold), ordered, evidence
        )


def _check(data: MutationData) -> None:
    if not data.code or not data.mutants:
        raise CannotGrade("mutation: `code` and `mutants` must not be empty")
    if not 0 < data.threshold <= 1:
        raise CannotGrade("mutation: `threshold` must be above 0 and at most 1")
    for number, files in enumerate(data.mutants, start=1):
        if all(data.code.get(path) == text for path, text in files.items()):
            raise CannotGrade(f"mutation: mutant {number} changes nothing")
    if data.output in data.code:
        raise CannotGrade(f"mutation: {data.output} cannot be both the tests and the code")


def _own_twin(data: MutationData) -> dict[str, str]:
    return {path: twin for path, text in data.code.items() if (twin := twin_of(path, text)) is not None}


def _shuffled(versions: list[tuple[str, dict[str, str], bool]]) -> list[tuple[str, dict[str, str], bool]]:
    """The same order every time, but none that tests could know: right ones lie among the mutants."""
    return sorted(versions, key=lambda version: sha256(repr(sorted(version[1].items())).encode()).digest())


async def _runner(work: Work, data: MutationData) -> str:
    ran = await work.run(["python3", "-m", "pytest", "--version"], timeout_sec=data.time_limit_sec)
    if await is_missing(work, "python3", ran):
        raise CannotGrade("mutation: the sandbox has no python3")
    return "pytest" if ran.exit_code == 0 else "asserts"


async def _passes(work: Work, runner: str, data: MutationData) -> tuple[bool, str]:
    """Whether the tests pass, with at least one of them. Raises CannotGrade."""
    if runner == "asserts":
        request = {"path": data.output}
        try:
            answer = await ask_inside(work, "run_asserts", request, timeout_sec=data.time_limit_sec, isolated=False)
        except NoAnswer as reason:
            return False, str(reason)
        if not isinstance(answer, dict) or not isinstance(answer.get("count"), int):
            return False, "no answer that can be read"
        return answer.get("failed") is None and answer["count"] > 0, shown(
            str(answer.get("failed") or "there are no tests")
        )
    command = ["python3", "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=line", data.output]
    ran = await work.run(command, timeout_sec=data.time_limit_sec)
    if ran.exit_code == 1 and "No module named pytest" in ran.stderr:
        raise CannotGrade("mutation: the sandbox has no pytest; add it to the packages, or take runner: asserts")
    if ran.exit_code == _NO_TESTS:
        return False, "there are no tests"
    if ran.exit_code == 0:
        return True, ran.stdout.strip().splitlines()[-1][:100] if ran.stdout.strip() else ""
    return False, why_ended(ran, data.time_limit_sec)
