"""A problem: a chain of operations in words and as a program, with the near misses of that program."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tasks.families.programming.inputs import ARGUMENTS
from tasks.families.programming.operation import Operation, filled, function, operations


@dataclass(frozen=True)
class Step:
    """An operation with its knobs set; `argument` is the knob that the function's caller gives, if any."""

    operation: Operation
    knobs: dict[str, Any]
    argument: str | None = None

    @property
    def words(self) -> str:
        shown = {knob: str(value) for knob, value in self.knobs.items()}
        if self.argument:
            shown[self.argument] = f"`{self.argument}`"
        words = filled(self.operation.words, shown)
        is_noun = words.startswith(("the ", "a ", "its "))
        return f"compute {words}" if is_noun else words

    def code(self, slip: tuple[str, str] | None = None) -> str:
        written = {knob: str(value) for knob, value in self.knobs.items()}
        if self.argument:
            written[self.argument] = self.argument
        body = self.operation.code if slip is None else self.operation.code.replace(*slip)
        parameters = ("value", self.argument) if self.argument else ("value",)
        return function(self.operation.name, parameters, filled(body, written))


@dataclass(frozen=True)
class Problem:
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        return "_then_".join(dict.fromkeys((self.steps[0].operation.name, self.steps[-1].operation.name)))

    @property
    def takes(self) -> str:
        return self.steps[0].operation.takes

    @property
    def argument(self) -> Step | None:
        return next((step for step in self.steps if step.argument), None)

    @property
    def parameters(self) -> tuple[str, ...]:
        name = ARGUMENTS[self.takes][0]
        return (name, self.argument.argument) if self.argument and self.argument.argument else (name,)

    def source(self, without: int | None = None, slip: tuple[int, tuple[str, str]] | None = None) -> str:
        """The program; without one of its steps, or with a slip in one of them."""
        name = self.parameters[0]
        helpers, calls = [], []
        for place, step in enumerate(self.steps):
            if place == without:
                continue
            helpers.append(step.code(slip[1] if slip and slip[0] == place else None))
            given = f"{name}, {step.argument}" if step.argument else name
            calls.append(f"{name} = {step.operation.name}({given})")
        return "\n\n".join([*helpers, function(self.name, self.parameters, "\n".join([*calls, f"return {name}"]))])


def load(source: str, name: str) -> Callable[..., Any]:
    """The function of a program that this family wrote itself."""
    space: dict[str, Any] = {}
    exec(compile(source, name, "exec"), space)
    loaded: Callable[..., Any] = space[name]
    return loaded


def draw_problem(rng: random.Random, takes: str, steps: int) -> Problem:
    """A chain of this many operations, no two alike, at least one of them hard."""
    while True:
        chain: list[Operation] = []
        kind = takes
        while len(chain) < steps:
            fitting = [each for each in operations() if each.takes == kind and each not in chain]
            if not fitting:
                break
            chain.append(rng.choice(fitting))
            kind = chain[-1].gives
        if len(chain) == steps and any(each.hard for each in chain):
            return Problem(_set_knobs(rng, chain))


def _set_knobs(rng: random.Random, chain: list[Operation]) -> tuple[Step, ...]:
    """Some problems leave one integer knob to the caller."""
    open_knobs = [
        (place, knob)
        for place, each in enumerate(chain)
        for knob, values in each.knobs.items()
        if all(isinstance(value, int) for value in values)
    ]
    left_open = rng.choice(open_knobs) if open_knobs and rng.random() < 0.4 else None
    steps = []
    for place, each in enumerate(chain):
        argument = left_open[1] if left_open and left_open[0] == place else None
        steps.append(Step(each, {knob: rng.choice(values) for knob, values in each.knobs.items()}, argument))
    return tuple(steps)
