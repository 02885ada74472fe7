"""Least squares by hand, and whether the data tell the drawn effect from its neighbours.

A workflow is only used where the effect that was drawn is the one that a careful analysis finds: the fit with the right
place, cause and form leaves clearly less than any other close to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.families.data_discovery.causal import FORMS, Context, Workflow, shape

_CLEAR = 25.0
"""By how many residual variances a wrong model's sum of squares must be larger (a chi-square of 1 degree)."""
_CLOSE = 0.06  # relative error of the coefficient that the right analysis may have; the grader allows 0.15


@dataclass(frozen=True)
class Fit:
    """`rss`: sum of squared residuals over all rows; `coefficient`: of the form's term where the context holds."""

    rss: float
    coefficient: float


class Fitter:
    """Fits target ~ 1 + common + [inside] + [inside] · term(cause), many times over one data set.

    What does not depend on the place or the cause is summed once; a fit then costs a walk over the rows inside.
    """

    def __init__(self, workflow: Workflow) -> None:
        self.columns = workflow.columns
        self.y = _centred(workflow.target)
        self.z = _scaled(workflow.columns[workflow.common])
        self.sums = [[float(len(self.y)), sum(self.z)], [sum(self.z), _dot(self.z, self.z)]]
        self.right = [sum(self.y), _dot(self.z, self.y)]
        self.total = _dot(self.y, self.y)

    def fit(self, inside: Sequence[bool], cause: str, form: str, at: float) -> Fit:
        shaped = shape(form, at)
        where = [index for index, holds in enumerate(inside) if holds]
        values = self.columns[cause]
        terms = [shaped(values[index]) for index in where]
        level = sum(terms) / max(1, len(terms))
        spread = max((abs(term - level) for term in terms), default=0.0) or 1.0
        terms = [(term - level) / spread for term in terms]
        z, y = [self.z[index] for index in where], [self.y[index] for index in where]
        (one, z_sum), (_, z_square) = self.sums
        count, t_sum = float(len(where)), sum(terms)
        z_in, zt = sum(z), _dot(z, terms)
        normal = [
            [one, z_sum, count, t_sum],
            [z_sum, z_square, z_in, zt],
            [count, z_in, count, t_sum],
            [t_sum, zt, t_sum, _dot(terms, terms)],
        ]
        right = [*self.right, sum(y), _dot(terms, y)]
        weights = _solve(normal, right)
        return Fit(self.total - _dot(weights, right), weights[-1] / spread)


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))


def _centred(values: Sequence[float]) -> list[float]:
    mean = sum(values) / len(values)
    return [value - mean for value in values]


def _scaled(values: Sequence[float]) -> list[float]:
    centred = _centred(values)
    most = max(map(abs, centred)) or 1.0
    return [value / most for value in centred]


def is_found(workflow: Workflow) -> bool:
    """Whether the true place, cause and form fit clearly best, and the coefficient comes out."""
    effect, inside, fit = workflow.effect, workflow.inside, Fitter(workflow).fit
    best = fit(inside, effect.cause, effect.form, effect.at)
    noise = best.rss / len(inside)
    if abs(best.coefficient / effect.coefficient - 1) > _CLOSE:
        return False
    others = [
        fit(inside, cause, form, at)
        for cause in (*workflow.columns,)
        if cause not in {workflow.common}
        for form in FORMS
        if (cause, form) != (effect.cause, effect.form)
        for at in turning_points(workflow, inside, cause, form)
    ]
    others += [
        fit(
            [context.holds(g, y) for g, y in zip(workflow.groups, workflow.years, strict=True)],
            effect.cause,
            effect.form,
            effect.at,
        )
        for context in neighbours(workflow)
    ]
    return all((other.rss - best.rss) / noise > _CLEAR for other in others)


def turning_points(workflow: Workflow, inside: Sequence[bool], cause: str, form: str) -> list[float]:
    """Where a quadratic may turn or a step may be: a few quantiles of the cause in its place."""
    values = sorted(x for x, holds in zip(workflow.columns[cause], inside, strict=True) if holds)
    if form == "quadratic":
        return [values[int(len(values) * share)] for share in (0.1, 0.25, 0.5, 0.75, 0.9)]
    if form == "threshold":
        return [values[int(len(values) * share)] for share in (0.2, 0.35, 0.5, 0.65, 0.8)]
    return [0.0]


def neighbours(workflow: Workflow) -> list[Context]:
    """Places that could be taken for the right one: other values, no limit, periods a year off."""
    right = workflow.context
    found = [
        Context(group, value, right.first, right.last)
        for group, values in workflow.theme.groups.items()
        for value in values
    ]
    found += [Context(right.group, right.value), Context(first=right.first, last=right.last), Context()]
    if right.first is not None and right.last is not None:
        years = sorted(set(workflow.years))
        starts, ends = (right.first == years[0]), (right.last == years[-1])
        for step in (-1, 1):
            first = right.first if starts else right.first + step
            last = right.last + step if not ends else right.last
            found.append(Context(right.group, right.value, first, last))
        found.append(Context(right.group, right.value, years[0], years[-1]))
    return [context for context in dict.fromkeys(found) if context != right]


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss with pivots; a column without a pivot gets 0."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        if abs(rows[i][i]) < 1e-9:
            continue
        for k in range(size):
            if k != i:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [rows[i][size] / rows[i][i] if abs(rows[i][i]) >= 1e-9 else 0.0 for i in range(size)]
