"""What problems are composed of: a kind of input, preparations of it, and a core that prints the answer."""

import random
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

KINDS = ("array", "grid", "graph", "spans", "word")


@dataclass(frozen=True)
class Part:
    """A preparation or a core; `words` and the programs hold `$knob` for each knob.

    `slips`: (right, wrong) pieces of the code. `slow`: another way to the same output, for cores with large inputs.
    """

    name: str
    words: str
    code: str
    knobs: dict[str, tuple[Any, ...]]
    title: str
    tags: tuple[str, ...]
    output: str
    slips: tuple[tuple[str, str], ...]
    slow: str

    def filled(self, knobs: dict[str, Any]) -> "Part":
        """With the knobs' values in their places."""

        def put(text: str) -> str:
            for name in sorted(knobs, key=len, reverse=True):
                text = text.replace(f"${name}", str(knobs[name]))
            return text

        return replace(
            self,
            words=put(self.words),
            code=put(self.code),
            knobs={},
            output=put(self.output),
            slips=tuple((put(right), put(wrong)) for right, wrong in self.slips),
            slow=put(self.slow),
        )


@dataclass(frozen=True)
class Kind:
    name: str
    input: tuple[str, ...]
    reading: str
    preparations: tuple[Part, ...]
    cores: tuple[Part, ...]


@dataclass(frozen=True)
class Problem:
    """A kind of input, up to two preparations, a core; all knobs set."""

    kind: Kind
    preparations: tuple[Part, ...]
    core: Part

    def program(self, *, without: int | None = None, slip: tuple[str, str] | None = None, slow: bool = False) -> str:
        """In the part of Python that `printing` takes; without a preparation, with a slip, or the slow way."""
        prepared = [each.code for place, each in enumerate(self.preparations) if place != without]
        code = self.core.slow if slow else self.core.code
        if slip is not None:
            code = code.replace(*slip)
        return "".join([self.kind.reading, *prepared, code])


@cache
def kinds() -> dict[str, Kind]:
    """What `parts/*.yaml` hold, by name."""
    found = {}
    for name in KINDS:
        each = yaml.safe_load((Path(__file__).parent / "parts" / f"{name}.yaml").read_text())
        preparations, cores = (tuple(_part(*item) for item in each[key].items()) for key in ("preparations", "cores"))
        found[name] = Kind(name, tuple(each["input"]), each["reading"], preparations, cores)
    return found


def draw_problem(rng: random.Random, kind: str, preparations: int) -> Problem:
    """A core after this many different preparations."""
    of_kind = kinds()[kind]
    chosen = rng.sample(of_kind.preparations, preparations)
    core = rng.choice(of_kind.cores)
    prepared, (last,) = (tuple(_set(rng, part) for part in parts) for parts in (chosen, [core]))
    return Problem(of_kind, prepared, last)


def _set(rng: random.Random, part: Part) -> Part:
    return part.filled({knob: rng.choice(values) for knob, values in part.knobs.items()})


def _part(name: str, each: dict[str, Any]) -> Part:
    return Part(
        name=name,
        words=each["words"],
        code=each["code"],
        knobs={knob: tuple(values) for knob, values in each.get("knobs", {}).items()},
        title=each.get("title", ""),
        tags=tuple(each.get("tags", ())),
        output=each.get("output", ""),
        slips=tuple((slip["right"], slip["wrong"]) for slip in each.get("slips", ())),
        slow=each.get("slow", ""),
    )
