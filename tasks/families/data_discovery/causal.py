"""A causal workflow: a few roots, what depends on them, and one effect that holds in a part of the data only.

After DiscoveryBench's synthetic half (Majumder et al. 2024, arXiv:2407.01725): derived quantities grow from observed
ones by known relations, and the depth of the tree is the difficulty.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from tasks.families._words import FAMILY_NAMES
from tasks.families.data_discovery.themes import Quantity, Theme

Columns = dict[str, list[float]]
FORMS = ("linear", "quadratic", "logarithmic", "threshold")


@dataclass(frozen=True)
class Term:
    """A derived quantity that the data set's notes define; `first` may be a term itself."""

    name: str
    operation: str  # ratio or product
    first: str
    second: str

    @property
    def words(self) -> str:
        return f"{self.first} {'divided' if self.operation == 'ratio' else 'multiplied'} by {self.second}"

    def compute(self, columns: Columns) -> list[float]:
        pairs = zip(columns[self.first], columns[self.second], strict=True)
        return [a / b if self.operation == "ratio" else a * b for a, b in pairs]


@dataclass(frozen=True)
class Context:
    """Where the effect holds: rows with this value in the group column, and years from `first` to `last`."""

    group: str = ""
    value: str = ""
    first: int | None = None
    last: int | None = None

    def holds(self, groups: dict[str, str], year: int) -> bool:
        if self.group and groups[self.group] != self.value:
            return False
        return self.first is None or self.last is None or self.first <= year <= self.last


@dataclass(frozen=True)
class Effect:
    """`coefficient`: change of the target per unit of the form's term; `at` is a quadratic's turning point or a
    threshold."""

    cause: str
    form: str
    coefficient: float
    at: float = 0.0


def shape(form: str, at: float) -> Callable[[float], float]:
    """The form's term as a function of the cause."""
    match form:
        case "quadratic":
            return lambda x: (x - at) ** 2
        case "logarithmic":
            return math.log
        case "threshold":
            return lambda x: 1.0 if x > at else 0.0
        case _:
            return lambda x: x


@dataclass(frozen=True)
class Workflow:
    """`common` acts on the target everywhere, and on `confounded` and on the cause: it is what misleads.

    `columns` holds the observed quantities and every term; `target` the values to be explained.
    """

    theme: Theme
    common: str
    confounded: str
    terms: tuple[Term, ...]
    context: Context
    effect: Effect
    groups: list[dict[str, str]]
    years: list[int]
    columns: Columns
    target: list[float]

    @property
    def inside(self) -> list[bool]:
        return [self.context.holds(g, y) for g, y in zip(self.groups, self.years, strict=True)]


def draw_workflow(rng: random.Random, theme: Theme, depth: int, scope: str, form: str, rows: int) -> Workflow:
    """`depth` 1: the cause is a column; 2: a term of two columns; 3: a term of a term. `scope`: group, period, both."""
    years = list(range(2004, 2004 + rng.randint(8, 12)))
    quantities = rng.sample(theme.quantities, 7)
    common, confounded, *free = (quantity.name for quantity in quantities)
    terms = _terms(rng, free, depth)
    cause = free[0] if depth == 1 else next(t.name for t in terms if t.name == terms[depth - 2].name)
    observed = {quantity.name: quantity for quantity in quantities}
    driver = free[0]
    hidden_sign = rng.choice((-1, 1))
    drawn: Columns = {name: [] for name in observed}
    groups: list[dict[str, str]] = []
    when: list[int] = []
    for _ in range(rows):
        shared = rng.gauss(0, 1)
        for name, quantity in observed.items():
            loading = {common: 1.0, confounded: 0.8, driver: 0.45 * hidden_sign}.get(name, 0.0)
            score = loading * shared + math.sqrt(1 - loading**2) * rng.gauss(0, 1)
            drawn[name].append(_scaled(quantity, score))
        groups.append({column: rng.choice(values) for column, values in theme.groups.items()})
        when.append(rng.choice(years))
    columns = dict(drawn)
    for term in terms:
        columns[term.name] = term.compute(columns)
    context = _context(rng, theme, years, scope)
    inside = [context.holds(g, y) for g, y in zip(groups, when, strict=True)]
    sign = rng.choice((-1, 1))
    effect = _effect(rng, cause, form, sign, columns[cause], theme.target)
    target = _target(rng, theme.target, columns[common], columns[cause], inside, effect, -hidden_sign * sign)
    return Workflow(theme, common, confounded, terms, context, effect, groups, when, columns, target)


def _terms(rng: random.Random, free: list[str], depth: int) -> tuple[Term, ...]:
    """Four defined quantities; the first is of columns, the second (if it is needed) of the first one."""
    names = [f"{family} index" for family in rng.sample(FAMILY_NAMES, 4)]
    first = Term(names[0], rng.choice(("ratio", "product")), free[0], free[1])
    if depth == 3:
        second = Term(names[1], "ratio", first.name, free[2])
    else:
        second = Term(names[1], rng.choice(("ratio", "product")), free[2], free[3])
    third = Term(names[2], rng.choice(("ratio", "product")), free[0], free[3])
    return first, second, third, Term(names[3], "ratio", free[4], free[1])


def _scaled(quantity: Quantity, score: float) -> float:
    """A value from a score of about -2…2; kept inside the quantity's limits, which are above 0."""
    middle, spread = (quantity.low + quantity.high) / 2, (quantity.high - quantity.low) / 2
    value = middle + spread * max(-1.0, min(1.0, score / 2.2))
    return round(value, 2 if quantity.high < 50 else 1 if quantity.high < 1000 else 0)


def _context(rng: random.Random, theme: Theme, years: list[int], scope: str) -> Context:
    group = rng.choice(sorted(theme.groups))
    value = rng.choice(theme.groups[group])
    cut = rng.randint(len(years) // 2 - 1, len(years) // 2 + 1)
    first, last = (years[0], years[cut - 1]) if rng.random() < 0.5 else (years[cut], years[-1])
    match scope:
        case "group":
            return Context(group, value)
        case "period":
            return Context(first=first, last=last)
        case _:
            return Context(group, value, first, last)


def _effect(rng: random.Random, cause: str, form: str, sign: int, values: list[float], target: Quantity) -> Effect:
    """A strong effect: about a third of the target's range over the cause's usual range."""
    ordered = sorted(values)
    low, middle, high = (ordered[int(len(ordered) * share)] for share in (0.05, 0.5, 0.95))
    at = 0.0
    if form == "quadratic":
        at = middle
    elif form == "threshold":
        at = _rounded(ordered[int(len(ordered) * rng.uniform(0.35, 0.65))])
    term = shape(form, at)
    reach = max(term(low), term(high)) - min(term(low), term(middle), term(high))
    coefficient = sign * rng.uniform(0.32, 0.45) * (target.high - target.low) / reach
    return Effect(cause, form, _rounded(coefficient), at)


def _target(
    rng: random.Random,
    target: Quantity,
    common: list[float],
    cause: list[float],
    inside: list[bool],
    effect: Effect,
    common_sign: int,
) -> list[float]:
    """The common cause everywhere, the effect where it holds, and noise.

    The common cause pulls against the effect, so that the cause's own slope looks weaker, or turned, without it.
    """
    spread = target.high - target.low
    mean = sum(common) / len(common)
    width = max(common) - min(common)
    term = shape(effect.form, effect.at)
    terms = [term(x) for x in cause]
    level = sum(terms) / len(terms)
    found = []
    for z, x, holds in zip(common, terms, inside, strict=True):
        value = (target.low + target.high) / 2 + common_sign * 0.45 * spread * (z - mean) / width
        value += effect.coefficient * (x - level) if holds else 0.0
        found.append(round(value + rng.gauss(0, 0.04 * spread), 2))
    return found


def _rounded(value: float) -> float:
    """Three significant digits."""
    return float(f"{value:.3g}")
