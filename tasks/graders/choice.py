"""The `choice` grader: one option of several, named by its letter, its text, or both where they agree."""

import re
from dataclasses import dataclass, field
from typing import Any

from tasks.graders._reading import Refused, plain, read_line, shown
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed

_BEFORE = re.compile(r"^(?:the |my )?(?:correct |right |final )*(?:answer|option|choice)(?: is|:| is:)? *(?:option )?")
_LETTERED = re.compile(r"^[(\[]?(?P<letter>[^\W_]{1,3})(?:[)\].:]+ *| *[-\u2013\u2014] +)(?P<text>.+)$")


@dataclass(frozen=True)
class ChoiceData:
    """`options`: letter to text, or texts that get the letters A, B, C …; `correct`: the letter."""

    correct: str = ""
    options: dict[str, str] | list[str] = field(default_factory=list)
    output: str = "answer.txt"


class ChoiceGrader:
    name = "choice"
    Data = ChoiceData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade where `correct` names no option, or two options are the same."""
        options = _lettered(data)
        correct = plain(data.correct)
        if correct not in options:
            raise CannotGrade(f"choice: `correct` is {data.correct!r}, the options are {sorted(options)}")
        if len(set(options.values())) != len(options):
            raise CannotGrade("choice: two options have the same text")
        try:
            line = await read_line(work, data.output, max_bytes=20_000)
            chosen = read_choice(line, options)
        except Refused as reason:
            return failed(data.output, str(reason))
        is_right = chosen == correct
        return Grade(float(is_right), (Part(data.output, is_right, "" if is_right else f"chosen: {chosen}"),))


def read_choice(line: str, options: dict[str, str]) -> str:
    """The letter that a line chooses. `options`: letter to text, both normalised. Raises Refused."""
    whole = _bare(plain(line))
    for text in (whole, _bare(_BEFORE.sub("", whole))):
        bare = text.strip("()[]")
        if bare in options:
            return bare
        if by_text := [letter for letter, option in options.items() if _bare(option) == text]:
            return by_text[0]
        lettered = _LETTERED.match(text)
        if lettered and lettered["letter"] in options:
            if _bare(options[lettered["letter"]]) == _bare(lettered["text"]):
                return lettered["letter"]
            raise Refused(f"letter {lettered['letter']} does not go with the text after it: {shown(line)}")
    raise Refused(f"not exactly one of the options {', '.join(options)}: {shown(line)}")


def _lettered(data: ChoiceData) -> dict[str, str]:
    named = (
        data.options
        if isinstance(data.options, dict)
        else {_letter(index): text for index, text in enumerate(data.options)}
    )
    return {plain(letter): plain(text) for letter, text in named.items()}


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else f"{_letter(index // 26 - 1)}{chr(ord('a') + index % 26)}"


def _bare(text: str) -> str:
    return text.strip(" .\"'`*:;!\u201c\u201d\u2018\u2019")
