"""Labelling programs: the reference, what a careful reader of the material would write, and careless ones."""

from collections.abc import Callable
from typing import Any

_MAIN = """

if __name__ == "__main__":
    for line in sys.stdin:
        print(label(json.loads(line)) or "ABSTAIN")
"""
_CUES = '''

def counts(sentences):
    """Class -> how many of its cues the sentences name."""
    return {name: sum(cue in sentence for sentence in sentences for cue in cues) for name, cues in CUES.items()}


def best(found):
    """The class with the most cues; None where there is none, or no single one."""
    top = max(found.values())
    names = [name for name, count in found.items() if count == top]
    return names[0] if top and len(names) == 1 else None
'''
_RAISED = '''

def raised(text):
    """The sentences that say that something is the matter."""
    sentences = re.split(r"(?<=[.?!]) ", text.lower())
    return [sentence for sentence in sentences if not any(mark in sentence for mark in SETTLED)]
'''


def by_text(cues: dict[str, list[str]], settled: list[str]) -> str:
    """Cues in the sentences that are not about settled things; abstains without one."""
    return (
        f"import json\nimport re\nimport sys\n\nCUES = {cues!r}\nSETTLED = {settled!r}\n{_RAISED}{_CUES}"
        f'\n\ndef label(row):\n    return best(counts(raised(row["text"])))\n{_MAIN}'
    )


def by_subject(cues: dict[str, list[str]]) -> str:
    return (
        f"import json\nimport sys\n\nCUES = {cues!r}\n{_CUES}"
        f'\n\ndef label(row):\n    return best(counts([row["subject"].lower()]))\n{_MAIN}'
    )


def by_desk(desks: dict[str, str]) -> str:
    """`desks`: class -> code."""
    names = {code: name for name, code in desks.items()}
    return (
        f'import json\nimport sys\n\nNAMES = {names!r}\n\n\ndef label(row):\n    return NAMES.get(row["desk"])\n{_MAIN}'
    )


def joined(cues: dict[str, list[str]], settled: list[str], desks: dict[str, str]) -> str:
    """Text before subject before desk: each decides where the one before it abstains."""
    names = {code: name for name, code in desks.items()}
    return (
        f"import json\nimport re\nimport sys\n\nCUES = {cues!r}\nSETTLED = {settled!r}\n"
        f"NAMES = {names!r}\n{_RAISED}{_CUES}"
        f'\n\ndef label(row):\n    text, subject = counts(raised(row["text"])), counts([row["subject"].lower()])\n'
        f'    return best(text) or best(subject) or NAMES.get(row["desk"])\n{_MAIN}'
    )


def careless(cues: dict[str, list[str]], desks: dict[str, str]) -> str:
    """Counts cues wherever they stand, settled or not."""
    return joined(cues, [], desks)


def always(label: str) -> str:
    return f"import sys\n\n\ndef label(row):\n    return {label!r}\n\n\nfor line in sys.stdin:\n    print({label!r})\n"


def by_heart(rows: list[dict[str, str]], labels: list[str]) -> str:
    """The development set, looked up; the most frequent label for the rest."""
    table = {row["text"]: label for row, label in zip(rows, labels, strict=True)}
    rest = max(sorted(set(labels)), key=labels.count)
    return (
        f"import json\nimport sys\n\nKNOWN = {table!r}\n\n\n"
        f"def label(row):\n    return KNOWN.get(row['text'], {rest!r})\n{_MAIN}"
    )


def labels_of(source: str, rows: list[dict[str, str]]) -> list[str | None]:
    """What one of these programs gives for rows."""
    space: dict[str, Any] = {"__name__": "labels"}
    exec(source.split("\n\n\nfor line in sys.stdin")[0], space)
    label: Callable[[dict[str, str]], str | None] = space["label"]
    return [label(row) for row in rows]
