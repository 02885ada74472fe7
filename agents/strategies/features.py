"""What tells a good attempt from a bad one without the verifier: numbers of a trajectory and its change.

Cappy (Tan et al., 2023) scores (instruction, response); here the response is what was done and changed. Each feature is
said in FEATURES, and is 0 where it cannot be known.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from math import log1p

from agents.memory.past import own_instruction
from agents.memory.similarity import words_of
from trajectories.atif import Step

FEATURES: dict[str, str] = {
    "is_submitted": "it called submit",
    "is_cut_off": "a limit ended it",
    "has_change": "something is changed in the end",
    "files": "log(1 + files changed)",
    "added": "log(1 + lines added)",
    "removed": "log(1 + lines removed)",
    "calls": "log(1 + tool calls)",
    "errors": "share of the calls that were answered by an error",
    "repeated": "share of the calls that had been made before, with the same arguments",
    "has_tested": "visible tests were run",
    "tests_passed": "share of them that passed, in the last run",
    "tests_all_passed": "all of them passed in the last run",
    "tested_last": "tests were run after the last change",
    "asked_words": "share of the instruction's words (4 letters or more) that the change has",
    "quoted": "share of what the instruction quotes that the change has",
    "grounded": "share of the change's words that the instruction or an answer of a tool had",
}
VERSION = 1
"""Goes up when a feature means something else; a scorer of another version is refused."""

_CHANGING = ("edit", "write", "bash")
_QUOTED = re.compile(r"`([^`\n]{1,80})`|\"([^\"\n]{1,80})\"")
_TOLD = re.compile(r"^(\d+) passed, (\d+) failed", re.M)


def features_of(
    steps: Sequence[Step], diff: str, ending: str, tests: tuple[int, int] | None = None
) -> dict[str, float]:
    """`diff`: in git's format. `tests`: (passed, all) where they were run beside the trajectory."""
    instruction = own_instruction(steps)
    calls = [call for step in steps for call in step.tool_calls or ()]
    said = Counter(f"{call.function_name} {json.dumps(call.arguments, sort_keys=True)}" for call in calls)
    errors = sum(bool((step.extra or {}).get("is_error")) for step in steps)
    added = [line[1:] for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    removed = [line for line in diff.splitlines() if line.startswith("-") and not line.startswith("---")]
    paths = re.findall(r"^diff --git a/.* b/(.*)$", diff, re.M)
    passed, all_tests = tests if tests is not None else _last_run(steps)
    changed = set(words_of("\n".join([*paths, *added])))
    asked = {word for word in words_of(instruction) if len(word) >= 4}
    quoted = [one or other for one, other in _QUOTED.findall(instruction)]
    change = "\n".join([*paths, *added])
    known = set(words_of("\n".join([instruction, *_answers(steps)])))
    fresh = set(words_of("\n".join(added)))
    names = [call.function_name for call in calls]
    last_change = max((at for at, name in enumerate(names) if name in _CHANGING), default=-1)
    last_test = max((at for at, name in enumerate(names) if name == "run_tests"), default=-1)
    return {
        "is_submitted": float(ending == "submitted"),
        "is_cut_off": float(ending.endswith("_limit") or ending == "invalid_calls"),
        "has_change": float(bool(paths)),
        "files": log1p(len(paths)),
        "added": log1p(len(added)),
        "removed": log1p(len(removed)),
        "calls": log1p(len(calls)),
        "errors": errors / len(calls) if calls else 0.0,
        "repeated": sum(count - 1 for count in said.values()) / len(calls) if calls else 0.0,
        "has_tested": float(all_tests > 0),
        "tests_passed": passed / all_tests if all_tests else 0.0,
        "tests_all_passed": float(0 < all_tests == passed),
        "tested_last": float(tests is not None or last_test > last_change),
        "asked_words": len(asked & changed) / len(asked) if asked else 0.0,
        "quoted": sum(each in change for each in quoted) / len(quoted) if quoted else 0.0,
        "grounded": len(fresh & known) / len(fresh) if fresh else 0.0,
    }


def _answers(steps: Sequence[Step]) -> list[str]:
    return [
        result.content
        for step in steps
        for result in (step.observation.results if step.observation else ())
        if isinstance(result.content, str)
    ]


def _last_run(steps: Sequence[Step]) -> tuple[int, int]:
    """(passed, all) of the last answer of run_tests; (0, 0) where there is none."""
    for step in reversed(steps):
        if any(call.function_name == "run_tests" for call in step.tool_calls or ()):
            for text in _answers([step]):
                if found := _TOLD.search(text):
                    passed, failed = map(int, found.groups())
                    return passed, passed + failed
    return 0, 0
