"""What the templates ask: documents like the shots are retrieved, and a sample is made of one (CRAFT)."""

import json
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from tasks.families.corpus.bm25 import Index
from tasks.families.corpus.samples import Sample, Shot, form_of, labels_of, make_sample

FOLDER = Path(__file__).resolve().parent
OUTPUT = "answer.txt"
_GIVEN = 12  # documents that the agent gets: the right one among those most like it
_TRIES = 200


@lru_cache(maxsize=16)
def read_corpus(pattern: str, folder: Path) -> tuple[tuple[str, ...], Index]:
    """Texts of a JSONL file with `text` (and `title`), or of all text files that a pattern finds; and their index.

    Raises ValueError.
    """
    files = sorted(folder.glob(pattern))
    if not files:
        raise ValueError(f"no file of {folder} is called {pattern!r}")
    texts: list[str] = []
    for file in files:
        if file.suffix == ".jsonl":
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
                row = json.loads(line)
                if not isinstance(row, dict) or "text" not in row:
                    raise ValueError(f"{file}: line {number} has no field 'text'")
                texts.append(str(row["text"]))
        else:
            texts.append(file.read_text(encoding="utf-8"))
    return tuple(texts), Index(texts)


@lru_cache(maxsize=16)
def read_shots(file: Path) -> tuple[Shot, ...]:
    """8 to 32 samples, a JSON object with `question` and `answer` a line. Raises ValueError."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    for number, row in enumerate(rows, start=1):
        if missing := {"question", "answer"} - set(row):
            raise ValueError(f"{file}: line {number} has no field {sorted(missing)[0]!r}")
    if len(rows) < 4:
        raise ValueError(f"{file}: has {len(rows)} shots; give at least 4, better 8 to 32")
    return tuple(Shot(str(row["question"]), str(row["answer"])) for row in rows)


def draw_sample(
    rng: Random, corpus: str, shots: str, folder: str = "", samples: str = "", top: int = 150
) -> dict[str, Any]:
    """A task from the `top` documents that are most like the shots.

    `samples`: a file that a model has made (`augment.py`), drawn from instead. Raises ValueError.
    """
    base = Path(folder or FOLDER)
    given = read_shots(base / shots)
    texts, index = read_corpus(corpus, base)
    made = _read_samples(base / samples, texts) if samples else []
    sample = rng.choice(made) if made else _by_program(rng, given, texts, index, top)
    near = index.nearest(texts[sample.document], _GIVEN - 1, without=sample.document)
    shown = [sample.document, *near]
    rng.shuffle(shown)
    shot_lines = "".join(json.dumps({"question": each.question, "answer": each.answer}) + "\n" for each in given)
    return {
        "question": sample.question,
        "answer": sample.answer,
        "options": list(sample.options),
        "files": {
            **{f"documents/{at:02d}.txt": f"{texts[number]}\n" for at, number in enumerate(shown, start=1)},
            "examples.jsonl": shot_lines,
        },
        "decoys": [{OUTPUT: f"{sample.wrong}\n"}, {OUTPUT: f"{given[0].question}\n"}],
    }


def draw_claims(rng: Random, corpus: str, shots: str, folder: str = "", count: int = 5) -> dict[str, Any]:
    """Several claims at once: one alone is guessed right half of the time. Raises ValueError."""
    drawn: list[dict[str, Any]] = []
    while len(drawn) < count or len({each["answer"] for each in drawn}) < 2:
        each = draw_sample(rng, corpus, shots, folder)
        if not each["options"]:
            raise ValueError(f"{shots}: is not a file of claims with two labels")
        if each["question"] not in [other["question"] for other in drawn]:
            drawn = [*drawn[-(count - 1) :], each]
    labels, answers = drawn[0]["options"], [each["answer"] for each in drawn]
    at = rng.randrange(count)
    slip = [labels[labels[0] == answer] if number == at else answer for number, answer in enumerate(answers)]
    texts = [each["files"] for each in drawn]
    documents = sorted({text for files in texts for path, text in files.items() if path.startswith("documents/")})
    rng.shuffle(documents)
    return {
        "question": "\n".join(f"{number}. {each['question']}" for number, each in enumerate(drawn, start=1)),
        "answer": "\n".join(answers),
        "labels": list(labels),
        "files": {
            **{f"documents/{number:02d}.txt": text for number, text in enumerate(documents, start=1)},
            "examples.jsonl": texts[0]["examples.jsonl"],
        },
        "decoys": [
            {OUTPUT: "\n".join(slip) + "\n"},
            *({OUTPUT: f"{label}\n" * count} for label in labels),
            {OUTPUT: "\n".join(answers[:-1]) + "\n"},
        ],
    }


def retrieved(shots: tuple[Shot, ...], index: Index, top: int) -> list[int]:
    """Documents that are like the shots, the best first: each shot's neighbours in turn, as CRAFT mixes them."""
    ranked = [index.nearest(f"{shot.question} {shot.answer}", top) for shot in shots]
    return list(dict.fromkeys(at for row in zip(*ranked, strict=True) for at in row))[:top]


def _by_program(rng: Random, shots: tuple[Shot, ...], texts: tuple[str, ...], index: Index, top: int) -> Sample:
    form = form_of(shots)
    labels = labels_of(shots) if form == "claims" else ("", "")
    candidates = _retrieved(shots, index, top)
    for _ in range(_TRIES):
        at = rng.choice(candidates)
        near = index.nearest(texts[at], _GIVEN - 1, without=at)
        if (sample := make_sample(rng, texts, at, near, form, labels)) is not None:
            return sample
    raise ValueError(f"no document of the corpus gives a sample of the form {form!r}; it needs numbers or names")


@lru_cache(maxsize=16)
def _retrieved(shots: tuple[Shot, ...], index: Index, top: int) -> list[int]:
    return retrieved(shots, index, top)


@lru_cache(maxsize=16)
def _read_samples(file: Path, texts: tuple[str, ...]) -> list[Sample]:
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not rows:
        raise ValueError(f"{file}: holds no samples")
    return [Sample(row["question"], row["answer"], row["wrong"], texts.index(row["text"])) for row in rows]
