"""Small templates for tests, written where a test wants them."""

from pathlib import Path

from tasks.templates import Template, load_template

SUM = """\
name: sum
description: Add two numbers.
parameters:
  a: {range: [1, 40]}
  b: {range: [1, 40]}
phrasings:
  plain: "Write {{ a }} + {{ b }} into answer.txt."
  brief: "{{ a }} + {{ b }} -> answer.txt"
environment:
  files:
    numbers.txt: {text: "{{ a }} {{ b }}\\n"}
grader: numeric
accepts: [answer.txt]
grading_from: "{'value': a + b}"
reference:
  files: {answer.txt: {text: "{{ a + b }}\\n"}}
decoys: "[{'answer.txt': (a * b + 1000) | string}]"
"""


def sum_template(folder: Path, **changes: str) -> Template:
    """The template above; `changes`: a text in it -> what stands there instead."""
    return written(folder, replaced(SUM, changes))


def replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def written(folder: Path, text: str, **files: str) -> Template:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    (folder / "template.yaml").write_text(text)
    return load_template(folder / "template.yaml")
