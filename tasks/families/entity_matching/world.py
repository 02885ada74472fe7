"""Pairs of records from two sources: some labelled, the rest hidden."""

import random
from pathlib import Path
from typing import Any

from tasks.families._files import csv_text
from tasks.families.entity_matching import reference_match
from tasks.families.entity_matching.entities import KINDS, Kind, Record, rewrite
from tasks.graders.labels import macro_f1

_LABELLED, _HIDDEN = 60, 120
_TRIES = 50
_PASS = 0.95  # macro-F1: an attentive program reaches 1.0 on most instances, and never below 0.97
_REFERENCE = Path(reference_match.__file__)
_SAME_NAME = """\
import json
import sys

for line in sys.stdin:
    pair = json.loads(line)
    first = next(iter(pair["left"]))
    same = pair["left"][first].lower() == pair["right"][first].lower()
    print("match" if same else "different")
"""
_OVERLAP = """\
import json
import sys

for line in sys.stdin:
    pair = json.loads(line)
    left, right = (set(" ".join(pair[side].values()).lower().split()) for side in ("left", "right"))
    print("match" if len(left & right) / len(left | right) > LIMIT else "different")
"""
_NEVER = 'import sys\n\nfor line in sys.stdin:\n    print("different")\n'

Pair = tuple[Record, Record, str]


def make_world(rng: random.Random, kind: str, noise: float) -> dict[str, Any]:
    """`kind`: products, people, companies, books or venues. `noise` 0…1: how differently the sources write.

    Raises ValueError for others.
    """
    if kind not in KINDS or not 0 <= noise <= 1:
        raise ValueError(f"kind is one of {', '.join(KINDS)} and noise from 0 to 1, not {kind!r} and {noise!r}")
    chosen = KINDS[kind]
    for _ in range(_TRIES):
        labelled = [_pair(rng, chosen, noise, index) for index in range(_LABELLED)]
        hidden = [_pair(rng, chosen, noise, index) for index in range(_HIDDEN)]
        rng.shuffle(labelled)
        rng.shuffle(hidden)
        wanted = [label for _, _, label in hidden]
        found = ["match" if reference_match.is_match(left, right) else "different" for left, right, _ in hidden]
        if macro_f1(list(found), wanted) >= _PASS + 0.02:
            break
    else:
        raise RuntimeError(f"in {_TRIES} draws of {kind} the reference did not reach what it must")
    shares, right = [_overlap(pair) for pair in labelled], [label for _, _, label in labelled]
    best = max((limit / 20 for limit in range(1, 20)), key=lambda limit: macro_f1(_above(shares, limit), right))
    score = macro_f1(_above([_overlap(pair) for pair in hidden], best), wanted)
    overlap = [_OVERLAP.replace("LIMIT", str(best))] if score < _PASS else []
    return {
        "plural": chosen.plural,
        "telling": chosen.telling,
        "pairs": _csv(labelled),
        "matches": sum(label == "match" for _, _, label in labelled),
        "grading": {
            "rows": [{"left": left, "right": right} for left, right, _ in hidden],
            "labels": wanted,
            "metric": "macro_f1",
            "threshold": _PASS,
        },
        "pass_at": _PASS,
        "reference": {"match.py": _REFERENCE.read_text()},
        "decoys": [{"match.py": text} for text in (_SAME_NAME, *overlap, _NEVER)],
        "overlap": round(score, 3),
    }


def _pair(rng: random.Random, kind: Kind, noise: float, index: int) -> Pair:
    """Two in five match; of the others most are near misses."""
    thing = kind.draw(rng)
    if index % 5 < 2:
        return rewrite(rng, thing, frozenset(), noise / 3), rewrite(rng, thing, frozenset(), noise), "match"
    if index % 5 < 4:
        other, telling = kind.twin(rng, thing)
    else:
        other, telling = kind.draw(rng), frozenset(thing)
    return rewrite(rng, thing, telling, noise / 3), rewrite(rng, other, telling, noise), "different"


def _overlap(pair: Pair) -> float:
    """The share of words that both records have."""
    left, right = (set(" ".join(side.values()).lower().split()) for side in pair[:2])
    return len(left & right) / len(left | right)


def _above(shares: list[float], limit: float) -> list[str | None]:
    return ["match" if share > limit else "different" for share in shares]


def _csv(pairs: list[Pair]) -> str:
    fields = list(pairs[0][0])
    header = [*(f"left_{field}" for field in fields), *(f"right_{field}" for field in fields), "label"]
    return csv_text(header, [[*left.values(), *right.values(), label] for left, right, label in pairs])
