"""The `labels` grader: programs that label, run on hidden rows whose labels they never see.

After Alchemist (Huang et al. 2024): instead of labels, programs that label.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.graders._reading import Refused, parse_json, plain, read_text, shown
from tasks.graders._sandboxed import is_missing, why_ended
from tasks.graders.grading import CannotGrade, Grade, Part, Work

_MOST_PARTIAL = 0.999


@dataclass(frozen=True)
class LabelsData:
    """`rows` go in by stdin as JSON Lines; one label a line comes out, or a JSON list; `labels`: the right ones.

    `outputs`: several programs, joined by majority of those that do not abstain; a tie abstains. A row without a label
    counts as wrong, and as not covered. Reward 1 where `metric` ≥ `threshold` and coverage ≥ `min_coverage`.
    """

    rows: list[Any] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    output: str = "label.py"
    outputs: list[str] = field(default_factory=list)
    metric: Literal["accuracy", "macro_f1"] = "accuracy"
    threshold: float = 1.0
    min_coverage: float = 0.0
    abstain: str = "ABSTAIN"
    time_limit_sec: float = 20.0


class LabelsGrader:
    name = "labels"
    Data = LabelsData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade for rows without labels, or a threshold of 0 or below."""
        if not data.rows or len(data.rows) != len(data.labels):
            raise CannotGrade("labels: `rows` and `labels` must have the same length, and at least one")
        if not 0 < data.threshold <= 1 or not 0 <= data.min_coverage <= 1:
            raise CannotGrade("labels: `threshold` must be above 0 and, like `min_coverage`, at most 1")
        votes: list[list[str | None]] = []
        parts = []
        for path in data.outputs or [data.output]:
            try:
                votes.append(await _labels_of(work, path, data))
                parts.append(Part(path, True))
            except Refused as reason:
                parts.append(Part(path, False, str(reason)))
        if not votes:
            return Grade(0.0, tuple(parts))
        joined = majority(votes)
        wanted = [plain(label) for label in data.labels]
        score = {"accuracy": accuracy, "macro_f1": macro_f1}[data.metric](joined, wanted)
        coverage = sum(label is not None for label in joined) / len(joined)
        parts.append(Part(data.metric, score >= data.threshold, f"{score:.4f}, wanted {data.threshold:g}"))
        parts.append(Part("coverage", coverage >= data.min_coverage, f"{coverage:.4f}, wanted {data.min_coverage:g}"))
        if all(part.passed for part in parts):
            return Grade(1.0, tuple(parts))
        met = min(1.0, score / data.threshold) * min(1.0, coverage / data.min_coverage if data.min_coverage else 1.0)
        return Grade(min(_MOST_PARTIAL, met * len(votes) / len(data.outputs or [data.output])), tuple(parts))


async def _labels_of(work: Work, path: str, data: LabelsData) -> list[str | None]:
    """One normalised label for each row, None where the program abstains. Raises Refused, CannotGrade."""
    await read_text(work, path)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in data.rows)
    ran = await work.run(["python3", path], timeout_sec=data.time_limit_sec, stdin=lines.encode())
    if await is_missing(work, "python3", ran):
        raise CannotGrade("labels: the sandbox has no python3")
    if ran.exit_code != 0:
        raise Refused(f"{path}: {why_ended(ran, data.time_limit_sec)}")
    text = ran.stdout.strip()
    found: Any = [line.strip() for line in text.splitlines()]
    if text.startswith("["):
        found = parse_json(text, f"what {path} prints")
    if not isinstance(found, list) or len(found) != len(data.rows):
        raise Refused(f"{path}: {len(data.rows)} labels are wanted, it prints {len(found)}")
    if not all(label is None or isinstance(label, str | int) for label in found):
        raise Refused(f"{path}: labels are texts: {shown(found, 60)}")
    abstain = plain(data.abstain)
    labels = [None if label is None else plain(_unquoted(str(label))) for label in found]
    return [None if label in (None, "", abstain) else label for label in labels]


def majority(votes: list[list[str | None]]) -> list[str | None]:
    """For each row the label that most voters give; None where none votes, or the most are given to two labels."""
    joined: list[str | None] = []
    for each in zip(*votes, strict=True):
        counts = Counter(label for label in each if label is not None).most_common(2)
        tied = len(counts) == 2 and counts[0][1] == counts[1][1]
        joined.append(counts[0][0] if counts and not tied else None)
    return joined


def accuracy(found: list[str | None], wanted: list[str]) -> float:
    return sum(ours == theirs for ours, theirs in zip(found, wanted, strict=True)) / len(wanted)


def macro_f1(found: list[str | None], wanted: list[str]) -> float:
    """Mean F1 over the labels there are; a label that is none of them is a miss of the right one."""
    scores = []
    for label in sorted(set(wanted)):
        hits = sum(ours == theirs == label for ours, theirs in zip(found, wanted, strict=True))
        scores.append(2 * hits / (found.count(label) + wanted.count(label)))
    return sum(scores) / len(scores)


def _unquoted(label: str) -> str:
    return label[1:-1] if len(label) > 1 and label[0] == label[-1] == '"' else label
