"""Worlds of `stdin_programs`: a statement, examples, hidden inputs that tell each near miss and each slow way."""

import random
from collections import Counter
from typing import Any

from tasks.families.stdin_programs.decoys import constant, memorised
from tasks.families.stdin_programs.inputs import draw_input, edge_inputs, large_input
from tasks.families.stdin_programs.part import Problem, draw_problem
from tasks.families.stdin_programs.printing import FILES, written
from tasks.families.stdin_programs.running import Endless, output_of

EXAMPLES = 2
HIDDEN = 10
_DRAWN = 16
_LONGEST_EXAMPLE = 220  # characters
_NAMES = {"python": "Python", "c": "C", "cpp": "C++", "java": "Java"}
# Sizes at which a way of quadratic cost is far above the limit in that language, and a good one far below.
_LARGE = {"python": 20_000, "c": 250_000, "cpp": 250_000, "java": 250_000}
_SMALL = 200
# Rounds of loops after which a near miss counts as wrong; all but the large inputs need far fewer.
_MOST_ROUNDS = 100_000

Case = dict[str, str]


def make_world(rng: random.Random, kind: str, preparations: int, language: str = "python") -> dict[str, Any]:
    """`kind`: of input, `preparations`: how many changes of it come before the question, 0 to 2."""
    while True:
        problem = draw_problem(rng, kind, preparations)
        cases = _cases(rng, problem)
        examples = _examples(rng, cases)
        if not examples:
            continue
        near_misses = _near_misses(problem, examples, [case for case in cases if case not in examples])
        if near_misses is not None:
            hidden = _telling(rng, near_misses, [case for case in cases if case not in examples])
            return _world(rng, problem, examples, hidden, near_misses, language)


def _cases(rng: random.Random, problem: Problem) -> list[Case]:
    """Inputs with what is expected; none where the outputs are too much alike."""
    kind = problem.kind.name
    texts = list(dict.fromkeys([*edge_inputs(kind), *(draw_input(rng, kind) for _ in range(_DRAWN))]))
    cases = [_case(problem, text) for text in texts]
    outputs = Counter(case["stdout"] for case in cases)
    is_varied = len(outputs) >= 5 and max(outputs.values()) <= 0.6 * len(cases)
    return cases if is_varied else []


def _case(problem: Problem, text: str) -> Case:
    expected = output_of(problem.program(), text)
    assert expected is not None, f"{problem.core.name} fails on {text[:200]!r}"
    return {"stdin": text, "stdout": expected}


def _examples(rng: random.Random, cases: list[Case]) -> list[Case]:
    """Two that are short, not trivial, and have different outputs; none where there are not two."""
    short = [
        case for case in cases if len(case["stdin"]) > 6 and len(case["stdin"] + case["stdout"]) <= _LONGEST_EXAMPLE
    ]
    rng.shuffle(short)
    found = list({case["stdout"]: case for case in short}.values())[:EXAMPLES]
    return found if len(found) == EXAMPLES else []


def _near_misses(problem: Problem, examples: list[Case], hidden: list[Case]) -> list[str] | None:
    """Programs with one slip or without one preparation, first those that pass the examples.

    None where a preparation could go without a hidden input telling, or no slip is told.
    """
    dropped = [problem.program(without=place) for place in range(len(problem.preparations))]
    if not all(_failed(program, hidden) for program in dropped):
        return None
    slipped = [problem.program(slip=slip) for slip in problem.core.slips]
    told = [program for program in slipped if _failed(program, hidden)]
    return sorted([*told, *dropped], key=lambda program: len(_failed(program, examples))) if told else None


def _telling(rng: random.Random, near_misses: list[str], cases: list[Case]) -> list[Case]:
    """At least HIDDEN of the inputs, such that each near miss fails one of them."""
    places = list(range(len(cases)))
    rng.shuffle(places)
    chosen: list[int] = []
    for program in near_misses:
        failing = _failed(program, cases)
        if not failing & set(chosen):
            chosen.append(next(place for place in places if place in failing))
    rest = [place for place in places if place not in chosen]
    return [cases[place] for place in sorted([*chosen, *rest[: max(0, HIDDEN - len(chosen))]])]


def _failed(program: str, cases: list[Case]) -> set[int]:
    """Which cases a program fails; endless ones fail."""
    failed = set()
    for place, case in enumerate(cases):
        try:
            found = output_of(program, case["stdin"], most_rounds=_MOST_ROUNDS)
        except Endless:
            found = None
        if found is None or found.split() != case["stdout"].split():
            failed.add(place)
    return failed


def _ends(program: str, cases: list[Case]) -> bool:
    """No input sends it round for ever: as a wrong answer it would only cost time."""
    try:
        for case in cases:
            output_of(program, case["stdin"], most_rounds=_MOST_ROUNDS)
    except Endless:
        return False
    return True


def _world(
    rng: random.Random,
    problem: Problem,
    examples: list[Case],
    hidden: list[Case],
    near_misses: list[str],
    language: str,
) -> dict[str, Any]:
    core, path = problem.core, FILES[language]
    most = _LARGE[language] if core.slow else _SMALL
    wrong = [written(program, language) for program in near_misses if _ends(program, hidden)][:1]
    hidden = [*hidden, _case(problem, large_input(rng, problem.kind.name, most))]
    wrong += [written(problem.program(slow=True), language)] if core.slow else []
    wrong.append(memorised(examples) if language == "python" else constant(examples[0]["stdout"], language))
    return {
        "title": core.title,
        "path": path,
        "language": _NAMES[language],
        "input": [line.replace("$most", str(most)) for line in problem.kind.input],
        "steps": [*(each.words for each in problem.preparations), core.words],
        "output": core.output,
        "tags": list(core.tags),
        "core": core.name,
        "examples": examples,
        "files": _example_files(examples),
        "grading": {"cases": [*examples, *hidden], "output": path, "language": language},
        "reference": {path: written(problem.program(), language)},
        "decoys": [{path: program} for program in wrong],
    }


def _example_files(examples: list[Case]) -> dict[str, str]:
    files = {}
    for number, case in enumerate(examples, 1):
        files[f"examples/{number}.in"] = case["stdin"]
        files[f"examples/{number}.out"] = case["stdout"]
    return files
