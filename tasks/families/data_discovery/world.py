"""A data set with its notes, a goal, and the hypothesis that it supports."""

import json
import random
from typing import Any

from tasks.families._files import csv_text
from tasks.families.data_discovery.causal import FORMS, Context, Term, Workflow, draw_workflow
from tasks.families.data_discovery.fit import is_found, neighbours
from tasks.families.data_discovery.themes import THEMES

SCOPES = ("group", "period", "both")
_TRIES = 100  # nearly every draw tells
_MISSING = 0.015  # share of cells that are empty


def make_world(rng: random.Random, depth: int, scope: str, rows: int = 900) -> dict[str, Any]:
    """`depth` 1…3: how far the cause is from the columns. `scope`: where it acts is a `group`, a `period` or `both`."""
    if depth not in {1, 2, 3} or scope not in SCOPES:
        raise ValueError(f"depth is 1, 2 or 3 and scope one of {', '.join(SCOPES)}, not {depth!r} and {scope!r}")
    if rows < 400:
        raise ValueError(f"rows must be at least 400, or no effect is told from noise; it is {rows}")
    for _ in range(_TRIES):
        workflow = draw_workflow(rng, rng.choice(THEMES), depth, scope, rng.choice(FORMS), rows)
        if is_found(workflow):
            break
    else:
        raise RuntimeError(f"in {_TRIES} draws no effect was clearly to be found in {rows} rows")
    theme, effect = workflow.theme, workflow.effect
    hypothesis = _hypothesis(workflow, workflow.context, effect.cause, effect.form, effect.coefficient, effect.at)
    return {
        "theme": theme.name,
        "plural": theme.plural,
        "target": theme.target.name,
        "common": workflow.common,
        "form": effect.form,
        "files": {**_tables(rng, workflow), "README.md": _notes(workflow)},
        "grading": _grading(workflow),
        "reference": {"hypothesis.json": json.dumps(hypothesis, indent=1) + "\n"},
        "decoys": [{"hypothesis.json": json.dumps(each, indent=1) + "\n"} for each in _wrong(rng, workflow)],
    }


def _hypothesis(
    workflow: Workflow, context: Context, cause: str, form: str, coefficient: float, at: float
) -> dict[str, Any]:
    place: dict[str, Any] = {context.group: context.value} if context.group else {}
    if context.first is not None:
        place |= {"first year": context.first, "last year": context.last}
    relation: dict[str, Any] = {
        "form": form,
        "sign": "positive" if coefficient > 0 else "negative",
        "coefficient": coefficient,
    }
    if form == "threshold":
        relation["threshold"] = at
    return {"context": place, "variables": [cause, workflow.theme.target.name], "relation": relation}


def _grading(workflow: Workflow) -> dict[str, Any]:
    context, effect = workflow.context, workflow.effect
    place = [[f"{context.group} = {context.value}", context.value]] if context.group else []
    if context.first is not None:
        place += [[f"first year = {context.first}"], [f"last year = {context.last}"]]
    relation: dict[str, Any] = {
        "form": effect.form,
        "sign": "positive" if effect.coefficient > 0 else "negative",
        "coefficient": {"value": effect.coefficient, "relative": 0.15},
    }
    if effect.form == "threshold":
        values = sorted(workflow.columns[effect.cause])
        width = values[int(len(values) * 0.95)] - values[int(len(values) * 0.05)]
        relation["threshold"] = {"value": effect.at, "absolute": float(f"{0.06 * width:.3g}")}
    cause = [effect.cause]
    term = next((term for term in workflow.terms if term.name == effect.cause), None)
    if term is not None:
        cause.append(effect.cause.removesuffix(" index"))
    return {"context": place, "variables": [cause, [workflow.theme.target.name]], "relation": relation}


def _wrong(rng: random.Random, workflow: Workflow) -> list[dict[str, Any]]:
    """What a hasty analysis would say: what only correlates, everywhere, elsewhere, turned round, bent otherwise."""
    effect, context = workflow.effect, workflow.context
    right = (effect.form, effect.coefficient, effect.at)
    other_form = rng.choice([form for form in FORMS if form != effect.form])
    elsewhere = rng.choice([place for place in neighbours(workflow) if place != Context()])
    return [
        _hypothesis(workflow, Context(), workflow.confounded, "linear", -effect.coefficient, 0.0),
        _hypothesis(workflow, Context(), effect.cause, *right),
        _hypothesis(workflow, elsewhere, effect.cause, *right),
        _hypothesis(workflow, context, effect.cause, effect.form, -effect.coefficient, effect.at),
        _hypothesis(workflow, context, effect.cause, other_form, effect.coefficient, effect.at),
        _hypothesis(workflow, context, workflow.confounded, *right),
    ]


def _tables(rng: random.Random, workflow: Workflow) -> dict[str, str]:
    """At depth 3 the measurements are in a file of their own, in another order: they must be joined by id."""
    observed = [name for name in workflow.columns if not any(term.name == name for term in workflow.terms)]
    rng.shuffle(observed)
    group_names = sorted(workflow.theme.groups)
    ids = rng.sample(range(1000, 9999), len(workflow.years))
    is_split = any(term.name == workflow.effect.cause and _is_nested(term, workflow) for term in workflow.terms)
    first = observed[: len(observed) // 2] if is_split else observed
    second = observed[len(observed) // 2 :] if is_split else []
    header = ["id", *group_names, "year", *first, workflow.theme.target.name]
    main = [
        [
            ids[i],
            *(workflow.groups[i][g] for g in group_names),
            workflow.years[i],
            *(_cell(rng, workflow.columns[name][i]) for name in first),
            workflow.target[i],
        ]
        for i in range(len(ids))
    ]
    files = {"data.csv": csv_text(header, main)}
    if second:
        more = [[ids[i], *(_cell(rng, workflow.columns[name][i]) for name in second)] for i in range(len(ids))]
        rng.shuffle(more)
        files["measurements.csv"] = csv_text(["id", *second], more)
    return files


def _is_nested(term: Term, workflow: Workflow) -> bool:
    return any(term.first == other.name for other in workflow.terms)


def _cell(rng: random.Random, value: float) -> str:
    return "" if rng.random() < _MISSING else f"{value:g}"


def _notes(workflow: Workflow) -> str:
    """What each column is, and the defined terms; in an order that says nothing."""
    theme = workflow.theme
    units = {quantity.name: quantity.unit for quantity in (*theme.quantities, theme.target)}
    terms = sorted(workflow.terms, key=lambda term: term.name)
    observed = sorted(name for name in workflow.columns if name in units)
    lines = [
        f"# Data on {theme.name}",
        "",
        f"One row for each of the {theme.plural} (`id`), observed in one `year`. Empty cells were not measured.",
        "",
        "| column | what it is |",
        "|---|---|",
        *(f"| {name} | one of {', '.join(values)} |" for name, values in sorted(theme.groups.items())),
        *(f"| {name} | {name.replace('_', ' ')} ({units[name]}) |" for name in [*observed, theme.target.name]),
        "",
        "Terms used in this field, none of which is a column:",
        "",
        *(f"- {term.name}: {term.words}" for term in terms),
    ]
    return "\n".join(lines) + "\n"
