"""Data from a causal workflow: the hypothesis is in the data, what misleads is too, and half-right ones score low."""

import csv
import io
import json
import random
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from environments import Backend
from tasks.families.data_discovery.causal import FORMS, Context, Workflow, draw_workflow
from tasks.families.data_discovery.fit import Fitter, _solve, is_found, turning_points
from tasks.families.data_discovery.themes import THEMES
from tasks.families.data_discovery.world import SCOPES, make_world

from .served import drawn, template_of, verdict_on


def least_squares(rows: list[tuple[float, ...]], wanted: list[float]) -> tuple[float, list[float]]:
    """Residual sum of squares and weights, over every row, as in a textbook."""
    width = range(len(rows[0]))
    scale = [max(abs(row[i]) for row in rows) for i in width]
    scaled = [[row[i] / scale[i] for i in width] for row in rows]
    normal = [[sum(row[i] * row[j] for row in scaled) for j in width] for i in width]
    weights = _solve(normal, [sum(row[i] * y for row, y in zip(scaled, wanted, strict=True)) for i in width])
    fitted = [sum(w * v for w, v in zip(weights, row, strict=True)) for row in scaled]
    rss = sum((y - f) ** 2 for y, f in zip(wanted, fitted, strict=True))
    return rss, [w / by for w, by in zip(weights, scale, strict=True)]


def workflow(seed: int, depth: int = 1, scope: str = "group", form: str = "linear") -> Workflow:
    rng = random.Random(seed)
    drawn_ones = (draw_workflow(rng, rng.choice(THEMES), depth, scope, form, 800) for _ in range(20))
    return next(found for found in drawn_ones if is_found(found))


def every_context(given: Workflow) -> list[Context]:
    groups = [("", ""), *((name, value) for name, values in given.theme.groups.items() for value in values)]
    years = sorted(set(given.years))
    periods: list[tuple[int | None, int | None]] = [(None, None)]
    periods += [(years[0], year) for year in years[2:-2]] + [(year, years[-1]) for year in years[2:-2]]
    return [Context(*group, *period) for group, period in product(groups, periods)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "depth, scope, form", [(1, "both", "linear"), (2, "group", "threshold"), (3, "period", "logarithmic")]
)
def test_a_search_over_all_places_causes_and_forms_finds_the_effect(depth: int, scope: str, form: str) -> None:
    given = workflow(3, depth, scope, form)
    fitter = Fitter(given)
    best: tuple[float, Any] = (float("inf"), None)
    for context in every_context(given):
        inside = [context.holds(g, y) for g, y in zip(given.groups, given.years, strict=True)]
        for cause, shape in product((name for name in given.columns if name != given.common), FORMS):
            points = turning_points(given, inside, cause, shape)
            if (cause, shape) == (given.effect.cause, given.effect.form):
                points = [given.effect.at]
            for at in points:
                best = min(
                    best, (fitter.fit(inside, cause, shape, at).rss, (context, cause, shape)), key=lambda b: b[0]
                )
    assert best[1] == (given.context, given.effect.cause, given.effect.form)


def test_the_fitter_does_what_least_squares_do() -> None:
    given = workflow(1)
    fitted = Fitter(given).fit(given.inside, given.effect.cause, "linear", 0.0)
    z, x = given.columns[given.common], given.columns[given.effect.cause]
    rows = [(1.0, b, float(i), c if i else 0.0) for b, c, i in zip(z, x, given.inside, strict=True)]
    rss, weights = least_squares(rows, given.target)
    assert fitted.rss == pytest.approx(rss, rel=1e-6)
    assert fitted.coefficient == pytest.approx(weights[-1], rel=1e-6)
    assert fitted.coefficient == pytest.approx(given.effect.coefficient, rel=0.06)


@pytest.mark.parametrize("seed", range(4))
def test_what_only_correlates_has_no_effect_of_its_own(seed: int) -> None:
    """The confounded column goes along with the target, and says nothing once the common cause is known."""
    given = workflow(seed)
    confounded, everywhere = given.columns[given.confounded], [True] * len(given.target)
    alone, _ = least_squares([(1.0, w) for w in confounded], given.target)
    nothing, _ = least_squares([(1.0,) for _ in confounded], given.target)
    assert alone < 0.9 * nothing
    beside = Fitter(given).fit(everywhere, given.confounded, "linear", 0.0).rss
    without = Fitter(given).fit([False] * len(given.target), given.confounded, "linear", 0.0).rss
    assert beside > 0.985 * without


def test_the_cause_looks_weaker_or_turned_without_the_common_cause() -> None:
    for seed in range(4):
        given = workflow(seed)
        pairs = [
            (x, y) for x, y, i in zip(given.columns[given.effect.cause], given.target, given.inside, strict=True) if i
        ]
        _, (_, naive) = least_squares([(1.0, x) for x, _ in pairs], [y for _, y in pairs])
        assert naive / given.effect.coefficient < 0.95


def test_at_depth_three_two_files_must_be_joined_and_a_term_of_a_term_computed() -> None:
    world = make_world(random.Random(1), 3, "both")
    first, second = (
        list(csv.DictReader(io.StringIO(world["files"][name]))) for name in ("data.csv", "measurements.csv")
    )
    assert {row["id"] for row in first} == {row["id"] for row in second}
    assert [row["id"] for row in first] != [row["id"] for row in second]
    cause = world["grading"]["variables"][0][0]
    assert cause.endswith(" index") and cause not in first[0] and cause not in second[0]
    assert f"- {cause}: " in world["files"]["README.md"]


@pytest.mark.parametrize("scope", SCOPES)
def test_the_context_is_a_group_a_period_or_both(scope: str) -> None:
    context = json.loads(make_world(random.Random(2), 1, scope)["reference"]["hypothesis.json"])["context"]
    has_years, has_group = "first year" in context, bool(set(context) - {"first year", "last year"})
    assert (has_group, has_years) == {"group": (True, False), "period": (False, True), "both": (True, True)}[scope]


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(ValueError, match="depth is 1, 2 or 3"):
        make_world(random.Random(0), 4, "both")
    with pytest.raises(ValueError, match="rows must be at least 400"):
        make_world(random.Random(0), 1, "both", rows=50)


async def test_facets_multiply_and_a_coefficient_may_be_a_little_off(bubblewrap: Backend, tmp_path: Path) -> None:
    (instance,) = drawn(template_of("data_discovery"), 1, seed=3)
    assert instance.reference is not None
    right = json.loads(instance.reference["hypothesis.json"])
    near = {**right, "relation": {**right["relation"], "coefficient": right["relation"]["coefficient"] * 1.1}}
    far = {**right, "relation": {**right["relation"], "coefficient": right["relation"]["coefficient"] * 1.4}}
    anywhere = {**right, "context": {}}
    rewards = [
        (await verdict_on(instance, {"hypothesis.json": json.dumps(each)}, bubblewrap, tmp_path)).reward
        for each in (near, far, anywhere)
    ]
    assert rewards[0] == 1
    assert 0 < rewards[1] < 1
    assert rewards[2] == 0
