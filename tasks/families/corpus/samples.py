"""Samples of a task's form, made of a retrieved document by program: gaps, or claims that hold and claims that do not.

The form is read from the shots: answers of two or three kinds only are labels, a `____` in the questions is a gap.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

GAP = "____"
_VALUE = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b|\b[A-Z]\w+ [A-Z]\w+\b|(?<=of )[a-z]{4,}(?=[ .,])")


@dataclass(frozen=True)
class Shot:
    question: str
    answer: str


@dataclass(frozen=True)
class Sample:
    """`wrong`: an answer that looks right. `document`: number in the corpus."""

    question: str
    answer: str
    wrong: str
    document: int
    options: tuple[str, ...] = ()


def form_of(shots: Sequence[Shot]) -> str:
    """'gap' or 'claims'. Raises ValueError for shots of neither form, which a model has to be asked for."""
    if all(GAP in shot.question for shot in shots):
        return "gap"
    if len({shot.answer.lower() for shot in shots}) == 2 and len(shots) >= 4:
        return "claims"
    raise ValueError(
        "the shots are neither questions with a gap (____) nor claims with two labels; "
        "let a model make samples of this form (docs/families/corpus.md)"
    )


def labels_of(shots: Sequence[Shot]) -> tuple[str, str]:
    """The label of claims that hold, and of those that do not. Raises ValueError where the words do not tell."""
    found = {shot.answer.lower(): shot.answer for shot in shots}
    for yes in ("true", "yes", "supported", "correct", "right"):
        if yes in found:
            return found[yes], next(answer for label, answer in found.items() if label != yes)
    raise ValueError(
        f"which of the labels {' and '.join(found)} is for claims that hold? Name it true, yes or supported"
    )


def make_sample(
    rng: Random, texts: Sequence[str], at: int, near: Sequence[int], form: str, labels: tuple[str, str] = ("", "")
) -> Sample | None:
    """One sample of document `at`; `near`: like documents, which give the wrong values. None where it gives none."""
    sentences = _sentences(texts[at])
    places = [(sentence, value) for sentence in sentences for value in _VALUE.findall(sentence)]
    counts = Counter(value for _, value in places)
    single = [(sentence, value) for sentence, value in places if counts[value] == 1 and texts[at].count(value) == 1]
    rng.shuffle(single)
    for sentence, value in single:
        wrong = _like(rng, value, [texts[other] for other in near])
        subject = _subject(sentences[0])
        if wrong is None or not subject or subject == value or any(subject in texts[other] for other in near):
            continue  # another document that names the same thing could give another answer
        told = sentence if subject in sentence else f"{subject}: {sentence}"
        if told.count(value) != 1:
            continue
        if form == "gap":
            return Sample(told.replace(value, GAP), value, wrong, at)
        holds = rng.random() < 0.5
        claim = told if holds else told.replace(value, wrong)
        answer, other = labels if holds else (labels[1], labels[0])
        return Sample(claim, answer, other, at, options=labels)
    return None


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+", text) if part.strip()]


def _subject(sentence: str) -> str:
    """What a document is about: the last name of a place in its first sentence."""
    names = re.findall(r"(?<!^)\b[A-Z]\w+", sentence)
    return names[-1] if names else ""


def _like(rng: Random, value: str, texts: Sequence[str]) -> str | None:
    """A value of the same kind from a like document."""
    kind = _kind(value)
    others = {found for text in texts for found in _VALUE.findall(text) if _kind(found) == kind and found != value}
    return rng.choice(sorted(others)) if others else None


def _kind(value: str) -> str:
    if value[0].isdigit():
        return "year" if re.fullmatch(r"1[5-9]\d\d|20\d\d", value) else f"number of {len(value)}"
    return "name" if value[0].isupper() else "word"
