"""Worlds of `labelling`: a corpus, a small labelled set, guidelines, hidden rows, a threshold that care reaches."""

import json
import random
from typing import Any

from tasks.families.labelling import programs
from tasks.families.labelling.corpus import SETTLED, Corpus, draw_corpus, draw_row
from tasks.graders.labels import accuracy, majority

UNLABELLED, DEVELOPMENT, HIDDEN = 300, 40, 200
_NAMED = 3  # cues of each class that the guidelines name; the others are to be found in the corpus
_MARGIN = 0.12  # between what care reaches and the best of the careless ways

Rows = list[dict[str, str]]


def make_world(rng: random.Random, domain: str, classes: int, votes: int) -> dict[str, Any]:
    """`classes`: 3 to 5. `votes`: programs that are wanted, 1, or 3 that are joined by majority."""
    while True:
        corpus = draw_corpus(rng, domain, classes)
        drawn = [draw_row(rng, corpus, number) for number in range(UNLABELLED + DEVELOPMENT + HIDDEN)]
        development, hidden = drawn[:DEVELOPMENT], drawn[DEVELOPMENT : DEVELOPMENT + HIDDEN]
        rows, labels = [row for row, _ in hidden], [label for _, label in hidden]
        known = [row for row, _ in development], [label for _, label in development]
        if len(set(known[1])) < classes:
            continue
        all_cues = {name: list(cues) for name, cues in corpus.cues.items()}
        reference = _careful(all_cues, list(SETTLED), corpus.desks, votes)
        found = _seen(corpus, [row["text"] + row["subject"] for row in known[0]])
        sensible = _careful(found, list(SETTLED), corpus.desks, votes)
        wrong = _careless(all_cues, corpus, known, votes)
        reached = min(_score(each, rows, labels) for each in (reference, sensible))
        trivial = max(_score(each, rows, labels) for each in wrong)
        if reached - trivial >= _MARGIN:
            threshold = round(trivial + 0.6 * (reached - trivial), 2)
            return _world(corpus, drawn, threshold, reference, wrong)


def _careful(cues: dict[str, list[str]], settled: list[str], desks: dict[str, str], votes: int) -> dict[str, str]:
    """Path -> program."""
    if votes == 1:
        return {"label.py": programs.joined(cues, settled, desks)}
    return {
        "label_1.py": programs.by_text(cues, settled),
        "label_2.py": programs.joined(cues, settled, desks),
        "label_3.py": programs.by_desk(desks),
    }


def _careless(
    cues: dict[str, list[str]], corpus: Corpus, known: tuple[Rows, list[str]], votes: int
) -> list[dict[str, str]]:
    """Answers that are too easy: one label for all, the development set by heart, one column, cues without context."""
    sources = [
        programs.always(max(sorted(set(known[1])), key=known[1].count)),
        programs.always("ABSTAIN"),
        programs.by_heart(*known),
        programs.by_desk(corpus.desks),
        programs.by_subject(cues),
        programs.careless(cues, corpus.desks),
    ]
    paths = ["label.py"] if votes == 1 else [f"label_{number}.py" for number in range(1, votes + 1)]
    answers = [dict.fromkeys(paths, source) for source in sources]
    if votes == 3:
        answers.append(
            dict(zip(paths, [programs.by_desk(corpus.desks), programs.by_subject(cues), sources[-1]], strict=True))
        )
    return answers


def _seen(corpus: Corpus, texts: list[str]) -> dict[str, list[str]]:
    """The cues that the guidelines name, and those that the labelled rows show."""
    shown = " ".join(texts).lower()
    return {
        name: [cue for place, cue in enumerate(cues) if place < _NAMED or cue in shown]
        for name, cues in corpus.cues.items()
    }


def _score(answer: dict[str, str], rows: Rows, labels: list[str]) -> float:
    """The share of rows that get their label from the programs' majority."""
    votes = [
        [None if label == "ABSTAIN" else label for label in programs.labels_of(source, rows)]
        for source in answer.values()
    ]
    return accuracy(majority(votes), labels)


def _world(
    corpus: Corpus,
    drawn: list[tuple[dict[str, str], str]],
    threshold: float,
    reference: dict[str, str],
    wrong: list[dict[str, str]],
) -> dict[str, Any]:
    development, hidden = drawn[:DEVELOPMENT], drawn[DEVELOPMENT : DEVELOPMENT + HIDDEN]
    unlabelled = [row for row, _ in drawn[DEVELOPMENT + HIDDEN :]]
    paths = list(reference)
    guidelines = [
        {"label": name, "about": corpus.about[name], "cues": list(cues[:_NAMED])} for name, cues in corpus.cues.items()
    ]
    return {
        "texts": corpus.texts,
        "labels": list(corpus.cues),
        "guidelines": guidelines,
        "percent": round(100 * threshold),
        "rows": len(hidden),
        "paths": paths,
        "files": {
            "corpus.jsonl": _lines(unlabelled),
            "labelled.jsonl": _lines([{**row, "label": label} for row, label in development]),
        },
        "grading": {
            "rows": [row for row, _ in hidden],
            "labels": [label for _, label in hidden],
            "outputs": paths,
            "threshold": threshold,
            "min_coverage": 0.9,
        },
        "reference": reference,
        "decoys": wrong,
    }


def _lines(rows: list[dict[str, str]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)
