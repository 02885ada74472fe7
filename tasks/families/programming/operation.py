"""One step of a problem: its exact words, its code, and how someone may get it slightly wrong."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

KINDS = ("ints", "text", "words", "number", "counts", "spans", "dates", "grid", "edges", "records")


@dataclass(frozen=True)
class Operation:
    """`words` and `code` hold `$knob` for each knob; `code` is the body of a function of `value`.

    `slips` are (right, wrong) pieces of the code: near misses that a test must tell from the real thing.
    `hard`: more than one line of thought; each problem has at least one such step.
    """

    name: str
    takes: str
    gives: str
    words: str
    code: str
    knobs: dict[str, tuple[Any, ...]]
    slips: tuple[tuple[str, str], ...]
    hard: bool


@cache
def operations() -> tuple[Operation, ...]:
    """All that `operations/*.yaml` hold, in the order of their files."""
    found = []
    for path in sorted((Path(__file__).parent / "operations").glob("*.yaml")):
        for name, each in yaml.safe_load(path.read_text()).items():
            found.append(
                Operation(
                    name=name,
                    takes=each["takes"],
                    gives=each["gives"],
                    words=each["words"],
                    code=each["code"].rstrip("\n"),
                    knobs={knob: tuple(values) for knob, values in each.get("knobs", {}).items()},
                    slips=tuple((slip["right"], slip["wrong"]) for slip in each.get("slips", ())),
                    hard=each.get("hard", False),
                )
            )
    return tuple(found)


def filled(text: str, knobs: dict[str, str]) -> str:
    """Every `$knob` replaced; longer names first, so that `$k` does not eat the start of `$key`."""
    for name in sorted(knobs, key=len, reverse=True):
        text = text.replace(f"${name}", knobs[name])
    return text


def function(name: str, parameters: tuple[str, ...], body: str) -> str:
    """The source of one function from a body that is not indented."""
    lines = "\n".join(f"    {line}" if line else "" for line in body.split("\n"))
    return f"def {name}({', '.join(parameters)}):\n{lines}\n"
