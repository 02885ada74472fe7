"""The `answer` grader: one text, equal to an accepted one after the differences that do not matter are taken away."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.graders._reading import Refused, plain, read_line, read_text, shown
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed

_MOST_PARTIAL = 0.99  # a text that only has the right words is not right


@dataclass(frozen=True)
class AnswerData:
    """`answers`: every text that is right. `partial`: what a wrong text may earn, always below 1."""

    answers: list[str] = field(default_factory=list)
    output: str = "answer.txt"
    ignore_case: bool = True
    ignore_space: bool = True
    ignore_punctuation: bool = False
    ignore_articles: bool = False
    normalise_unicode: bool = True
    one_line: bool = True
    partial: Literal["none", "token_f1"] = "none"


class AnswerGrader:
    """Exact match; with `partial: token_f1` the best F1 of words, as SQuAD counts it (Rajpurkar et al. 2016)."""

    name = "answer"
    Data = AnswerData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade where no answer is accepted, or nothing is left of an accepted one."""
        accepted = [_normal(text, data) for text in data.answers]
        if not accepted or not all(text.strip() for text in accepted):
            raise CannotGrade("answer: `answers` needs at least one text, and each must hold more than what is ignored")
        try:
            reading = read_line if data.one_line else read_text
            text = await reading(work, data.output)
        except Refused as reason:
            return failed(data.output, str(reason))
        found = _normal(text, data)
        is_right = found in accepted
        reward = 1.0 if is_right else 0.0
        if not is_right and data.partial == "token_f1":
            reward = min(_MOST_PARTIAL, max(token_f1(found, text) for text in accepted))
        return Grade(reward, (Part(data.output, is_right, "" if is_right else f"found: {shown(text)}"),))


def token_f1(found: str, wanted: str) -> float:
    """F1 of the bags of words, 0…1."""
    ours, theirs = Counter(found.split()), Counter(wanted.split())
    common = (ours & theirs).total()
    return 2 * common / (ours.total() + theirs.total()) if common else 0.0


def _normal(text: str, data: AnswerData) -> str:
    return plain(
        text if not data.one_line else text.strip(),
        ignore_case=data.ignore_case,
        ignore_space=data.ignore_space,
        ignore_punctuation=data.ignore_punctuation,
        ignore_articles=data.ignore_articles,
        normalise_unicode=data.normalise_unicode,
    )
