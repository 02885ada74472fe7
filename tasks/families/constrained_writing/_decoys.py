"""Texts that look right and break one constraint: small slips of the kinds that writers make."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from tasks.families.constrained_writing._compose import Draft
from tasks.graders._constraint_kinds import CHECKS
from tasks.graders._prose import sentences_of

Constraint = dict[str, Any]
MOST = 4


def faults(text: str, constraints: Sequence[Constraint]) -> list[int]:
    """Which of the constraints that a program checks are not fulfilled, by their number from 0."""
    found = []
    for at, each in enumerate(constraints):
        options = {name: value for name, value in each.items() if name not in ("kind", "name", "text")}
        if each["kind"] != "judge" and CHECKS[each["kind"]](text, **options):
            found.append(at)
    return found


def decoys(rng: Random, draft: Draft, constraints: Sequence[Constraint]) -> list[str]:
    """Slips that break some constraint, those that break one alone first; a different one each where there are."""
    found: dict[tuple[int, ...], str] = {}
    for slip in _slips(rng, draft, constraints):
        if slip.strip() and (broken := tuple(faults(slip, constraints))):
            found.setdefault(broken, slip)
    return [found[broken] for broken in sorted(found, key=lambda each: (len(each), each))][:MOST]


def _slips(rng: Random, draft: Draft, constraints: Sequence[Constraint]) -> Iterator[str]:
    text, middle = draft.text, list(draft.middle)
    edits: list[Callable[[], str]] = [
        lambda: text.replace(middle[-1], f"{middle[-1]} {middle[0]}"),
        lambda: text.replace(f" {middle[-1]}", "").replace(f"{middle[-1]}\n", "\n"),
        lambda: text.replace(draft.opening, "Hello there"),
        lambda: f"{text.rstrip()}\n\nBest wishes.\n",
        lambda: f"Here is the text you asked for:\n\n{text}",
        lambda: text.replace("\n\n", " ", 1),
        lambda: text.replace("## ", "").replace("# ", ""),
        lambda: text.replace("- ", "").replace("1. ", "1 "),
        lambda: text.replace(f"{draft.closing}.", f"{draft.closing}!"),
        lambda: f"{text.rstrip()} " + "And there is more that one could say about this. " * 4 + "\n",
        lambda: " ".join(sentences_of(text)[:3]) + "\n",
    ]
    for each in constraints:
        match each["kind"]:
            case "include":
                edits.append(lambda word=each["words"][0]: _without(text, word))  # type: ignore[misc]
            case "avoid":
                edits.append(lambda word=each["words"][-1]: text.replace(middle[0], f"{middle[0][:-1]}, {word}."))  # type: ignore[misc]
            case "forbid":
                edits.append(lambda sign=each["characters"]: text.replace(middle[0], f"{middle[0][:-1]}{sign}."))  # type: ignore[misc]
            case "words_in_sentence":
                edits.append(lambda: text.replace(f"{middle[0]} {middle[1]}", f"{middle[0][:-1]}, and {middle[1]}"))
            case "sections":
                edits.append(lambda: text.replace(f"## {draft.headings[0]}", "## Introduction"))
    rng.shuffle(edits)
    for edit in edits:
        yield edit()


def _without(text: str, word: str) -> str:
    lines = text.split("\n")
    return "\n".join(" ".join(w for w in line.split(" ") if word.lower() not in w.lower()) for line in lines)
