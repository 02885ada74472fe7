"""Stories: sentences with numbers and what each does to the quantities, composed to one problem with its program."""

import ast
import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tasks.families._words import GIVEN_NAMES, TOWNS

_TOKEN = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Sentence:
    """`texts`: ways to say it. `numbers`: (lowest, highest, step). `lines`: Python, asserts first."""

    texts: tuple[str, ...]
    numbers: dict[str, tuple[float, ...]]
    lines: tuple[str, ...]
    name: str
    optional: bool
    needs: tuple[str, ...]
    unless: str


@dataclass(frozen=True)
class Story:
    name: str
    words: dict[str, tuple[str, ...]]
    parts: tuple[Sentence, ...]
    distractors: tuple[Sentence, ...]
    questions: tuple[Sentence, ...]


@dataclass(frozen=True)
class Told:
    """One problem but for its numbers: `text` has `{name}` where a number stands, `order` is the order of these.

    `lines` are assignments, and asserts that sensible numbers meet; the last one assigns `result`.
    """

    story: str
    text: str
    order: tuple[str, ...]
    ranges: dict[str, tuple[float, ...]]
    lines: tuple[str, ...]

    @property
    def needed(self) -> tuple[str, ...]:
        """The lines that `result` depends on."""
        wanted, kept = {"result"}, []
        for line in reversed(self.lines):
            statement = ast.parse(line).body[0]
            if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
                continue
            if (target := statement.targets[0].id) in wanted:
                wanted.remove(target)
                wanted |= {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
                kept.append(line)
        return tuple(reversed(kept))

    @property
    def steps(self) -> int:
        """How often one more number of the text comes into the calculation of the answer."""
        used = {node.id for line in self.needed for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Name)}
        return len(used & set(self.order)) - 1


@cache
def stories() -> tuple[Story, ...]:
    """All that `stories/*.yaml` hold, in the order of their files."""
    found = []
    for path in sorted((Path(__file__).parent / "stories").glob("*.yaml")):
        for name, each in yaml.safe_load(path.read_text()).items():
            words = {word: tuple(choices) for word, choices in each.get("words", {}).items()}
            parts, distractors, questions = (
                tuple(map(_sentence, each.get(kind, ()))) for kind in ("parts", "distract", "ask")
            )
            found.append(Story(name, words, parts, distractors, questions))
    return tuple(found)


def tell(rng: random.Random, steps: int, distractors: int) -> Told:
    """A story that takes this many steps, with this many sentences that have nothing to do with the question."""
    while True:
        story = rng.choice(stories())
        told = _tell(rng, story, distractors)
        if told is not None and told.steps == steps:
            return told


def _tell(rng: random.Random, story: Story, distractors: int) -> Told | None:
    left_out = {part.name for part in story.parts if part.optional and rng.random() < 0.5}
    names = {part.name for part in story.parts if part.optional and part.name not in left_out}
    chosen = [part for part in story.parts if part.name not in left_out and part.unless not in names]
    questions = [each for each in story.questions if each.unless not in names and names.issuperset(each.needs)]
    if not questions:
        return None
    others = rng.sample(story.distractors, min(distractors, len(story.distractors)))
    for each in others:
        chosen.insert(rng.randint(1, len(chosen)), each)
    chosen.append(rng.choice(questions))
    return _joined(rng, story, chosen)


def _joined(rng: random.Random, story: Story, chosen: list[Sentence]) -> Told:
    who, other, third = rng.sample(GIVEN_NAMES, 3)
    town, city = rng.sample(TOWNS, 2)
    words = {"who": who, "other": other, "third": third, "town": town, "city": city}
    for word, choices in story.words.items():
        words[word] = rng.choice(choices).format_map(words)
    texts: list[str] = []
    ranges: dict[str, tuple[float, ...]] = {}
    for place, sentence in enumerate(chosen):
        text = rng.choice(sentence.texts)
        for name, spread in sentence.numbers.items():
            own = f"x{place}" if name == "x" else name
            text = text.replace(f"{{{name}}}", f"{{{own}}}")
            ranges[own] = spread
        texts.append(_TOKEN.sub(lambda token: words.get(token[1], token[0]), text))
    text = " ".join(each[0].upper() + each[1:] for each in texts)
    return Told(
        story=story.name,
        text=text,
        order=tuple(_TOKEN.findall(text)),
        ranges=ranges,
        lines=tuple(line for each in chosen for line in each.lines),
    )


def _sentence(each: dict[str, Any]) -> Sentence:
    texts = each["text"] if isinstance(each["text"], list) else [each["text"]]
    return Sentence(
        texts=tuple(texts),
        numbers={name: tuple(spread) for name, spread in each.get("numbers", {}).items()},
        lines=(*(f"assert {condition}" for condition in each.get("require", ())), *each.get("do", ())),
        name=each.get("name", ""),
        optional=each.get("optional", False),
        needs=tuple(each.get("needs", ())),
        unless=each.get("unless", ""),
    )
