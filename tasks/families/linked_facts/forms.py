"""What `value_forms.yaml` asks: a short rule on one value, so that it can follow any task that gives one."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tasks.families.linked_facts._archive import make_archive
from tasks.families.linked_facts.facts import OUTPUT

_ROMAN = (
    *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL")),
    *((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
)


@dataclass(frozen=True)
class Form:
    """`{x}` in the question stands for the value; `apply` gives the answer, `slip` what a hasty reader would write."""

    name: str
    inputs: tuple[str, ...]
    type: str
    question: str
    description: str
    apply: Callable[[str], str]
    slip: Callable[[str], str]


def roman(value: str) -> str:
    left, text = int(value), ""
    for worth, sign in _ROMAN:
        text += sign * (left // worth)
        left %= worth
    return text


def _initials(value: str) -> str:
    return "".join(f"{word[0]}." for word in value.split())


def _century(value: str) -> str:
    return str((int(value) + 99) // 100)


def _digit_sum(value: str) -> str:
    return str(sum(map(int, value)))


def _letters(value: str) -> str:
    return str(sum(letter.isalpha() for letter in value))


def _reversed(value: str) -> str:
    return value.lower()[::-1]


def _vowels(value: str) -> str:
    return str(sum(letter in "aeiou" for letter in value.lower()))


_NAMES = ("person", "place", "company", "work", "school", "river")
FORMS: tuple[Form, ...] = (
    Form(
        "initials",
        ("person", "company"),
        "initials",
        "What are the initials of {x}, each with a full stop, without spaces?",
        "the initials of {x}",
        _initials,
        lambda value: value[0] + ".",
    ),
    Form(
        "roman",
        ("year",),
        "text",
        "How is {x} written in Roman numerals?",
        "{x} in Roman numerals",
        roman,
        lambda value: roman(str(int(value) + 1)),
    ),
    Form(
        "century",
        ("year",),
        "number",
        "To which century does {x} belong? Give its number.",
        "the number of the century of {x}",
        _century,
        lambda value: value[:2],
    ),
    Form(
        "digit_sum",
        ("number", "year"),
        "number",
        "What is the sum of the decimal digits of {x}?",
        "the sum of the digits of {x}",
        _digit_sum,
        lambda value: str(len(value)),
    ),
    Form(
        "letters",
        _NAMES,
        "number",
        "How many letters does the name of {x} have, without spaces?",
        "the number of letters of the name of {x}",
        _letters,
        lambda value: str(len(value) + 1),
    ),
    Form(
        "vowels",
        _NAMES,
        "number",
        "How often do the vowels a, e, i, o, u occur in the name of {x}, all together?",
        "the number of vowels in the name of {x}",
        _vowels,
        _letters,
    ),
    Form(
        "reversed",
        _NAMES,
        "text",
        "How does the name of {x} read backwards, in small letters?",
        "the name of {x} backwards",
        _reversed,
        lambda value: value.lower(),
    ),
)


def draw_form(rng: Random, archive: int) -> dict[str, Any]:
    """One form of one value that the archive of this number gives."""
    facts = make_archive(archive).facts
    fact = facts[rng.choice(sorted(facts))]
    form = rng.choice([form for form in FORMS if fact.relation.type in form.inputs])
    answer = form.apply(fact.answer)
    slips = dict.fromkeys([form.slip(fact.answer), fact.answer])
    return {
        "name": form.name,
        "value": fact.answer,
        "value_type": fact.relation.type,
        "type": form.type,
        "question": form.question.format(x=fact.answer),
        "description": form.description.format(x=fact.answer),
        "answer": answer,
        "decoys": [{OUTPUT: f"{slip}\n"} for slip in slips if slip.casefold() != answer.casefold()],
    }
