"""The `facets` grader: a hypothesis of context, variables and relation, each scored, and joined in one score.

After DiscoveryBench (Majumder et al. 2024): the context must fit for the rest to count, so the facets multiply.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from tasks.graders._reading import Refused, is_near, is_number, parse_json, plain, read_text, shown
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed

_MOST_PARTIAL = 0.999
_MOST_ITEMS = 1000
_SEPARATOR = re.compile(r"_|==?|:|(?<=[^\W\d])-(?=\w)")  # a minus before a number stays
_FORMS = {
    "linear": ("linear", "proportional", "straight line", "affine"),
    "quadratic": ("quadratic", "square", "squared", "second order polynomial", "parabolic", "u shaped"),
    "logarithmic": ("logarithmic", "log", "logarithm"),
    "exponential": ("exponential", "exp", "log linear"),
    "power": ("power", "power law"),
    "inverse": ("inverse", "reciprocal", "inversely proportional", "hyperbolic"),
    "threshold": ("threshold", "step", "piecewise constant"),
    "difference": ("difference", "difference of means", "group difference", "mean difference"),
    "interaction": ("interaction", "moderation", "multiplicative", "product"),
    "none": ("none", "no relation", "no effect", "independent", "null"),
}
_SIGNS = {
    "positive": ("positive", "+", "plus", "increasing", "increases", "up", "direct", "higher"),
    "negative": ("negative", "-", "\u2212", "minus", "decreasing", "decreases", "down", "lower"),
    "none": ("none", "0", "zero", "no", "null"),
}


@dataclass(frozen=True)
class FacetsData:
    """`context` and `variables`: one list of accepted names for each thing that must be named.

    `relation`: facet to a text, a list of accepted texts, or {value, absolute, relative} for a number; the facets
    `form` and `sign` also take their usual synonyms. The agent's JSON has the keys context, variables, relation.
    """

    context: list[list[str]] = field(default_factory=list)
    variables: list[list[str]] = field(default_factory=list)
    relation: dict[str, Any] = field(default_factory=dict)
    output: str = "hypothesis.json"


class FacetsGrader:
    name = "facets"
    Data = FacetsData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade where variables or relation are missing, or one name stands for two things."""
        _check(data)
        try:
            found = parse_json(await read_text(work, data.output), data.output)
            if not isinstance(found, dict):
                raise Refused(f"{data.output}: an object with context, variables and relation is wanted")
            facets = {plain(key): value for key, value in found.items()}
            context = _names(facets.get("context"), "context")
            variables = _names(facets.get("variables"), "variables")
            relation = facets.get("relation")
            if not isinstance(relation, dict):
                raise Refused(f"{data.output}: `relation` must be an object with {', '.join(data.relation)}")
        except Refused as reason:
            return failed(data.output, str(reason))
        scored = {
            "context": _names_score(context, data.context),
            "variables": _names_score(variables, data.variables),
            "relation": _relation_score({plain(key): value for key, value in relation.items()}, data.relation),
        }
        parts = tuple(Part(name, score == 1.0, f"{score:.4f}{said}") for name, (score, said) in scored.items())
        product = scored["context"][0] * scored["variables"][0] * scored["relation"][0]
        is_right = all(part.passed for part in parts)
        return Grade(1.0 if is_right else min(_MOST_PARTIAL, product), parts)


def _check(data: FacetsData) -> None:
    if not data.variables or not data.relation:
        raise CannotGrade("facets: `variables` and `relation` must not be empty")
    for name, things in (("context", data.context), ("variables", data.variables)):
        forms = [form for names in things for form in {_form(each) for each in names}]
        if not all(things) or "" in forms or len(set(forms)) != len(forms):
            raise CannotGrade(f"facets: {name}: each thing needs a name, and a name stands for one thing only")


def _names(value: Any, facet: str) -> list[str]:
    """A list of texts, one text, or a mapping as {"region": "north"}: its pairs. Raises Refused."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, dict):
        value = [f"{key} = {inner}" for key, inner in value.items()]
    if not isinstance(value, list) or not all(isinstance(each, str | int | float) for each in value):
        raise Refused(f"`{facet}` must be a list of texts")
    if len(value) > _MOST_ITEMS:
        raise Refused(f"`{facet}` has more than {_MOST_ITEMS} items")
    return [str(each) for each in value]


def _names_score(found: list[str], wanted: list[list[str]]) -> tuple[float, str]:
    """F1: each thing counts once, and whatever is none of them costs."""
    places = {_form(name): index for index, names in enumerate(wanted) for name in names}
    hit = {places[form] for form in map(_form, found) if form in places}
    unknown = [name for name in found if _form(name) not in places]
    if not found and not wanted:
        return 1.0, ""
    missing = [names[0] for index, names in enumerate(wanted) if index not in hit]
    said = "".join(
        [f"; missing: {len(missing)}" if missing else "", f"; not asked for: {shown(unknown)}" if unknown else ""]
    )
    return 2 * len(hit) / (len(hit) + len(unknown) + len(wanted)), said


def _relation_score(found: dict[str, Any], wanted: dict[str, Any]) -> tuple[float, str]:
    wrong = [name for name, value in wanted.items() if not _facet_fits(plain(name), found.get(plain(name)), value)]
    said = f"; wrong: {', '.join(wrong)}" if wrong else ""
    return (len(wanted) - len(wrong)) / len(wanted), said


def _facet_fits(name: str, found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        if isinstance(found, str):
            found = _as_number(found)
        return is_number(found) and is_near(
            found, wanted["value"], absolute=wanted.get("absolute", 0.0), relative=wanted.get("relative", 0.0)
        )
    if is_number(wanted):
        found = _as_number(found) if isinstance(found, str) else found
        return is_number(found) and is_near(found, wanted, relative=1e-9)
    accepted = wanted if isinstance(wanted, list) else [wanted]
    if not isinstance(found, str | int | float) or isinstance(found, bool):
        return False
    forms = {"form": _FORMS, "sign": _SIGNS}.get(name, {})
    return _canonical(str(found), forms) in {_canonical(str(each), forms) for each in accepted}


def _canonical(text: str, forms: dict[str, tuple[str, ...]]) -> str:
    for name, synonyms in forms.items():
        if plain(text) in synonyms or _form(text) in synonyms:
            return name
    return _form(text)


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _form(text: str) -> str:
    """Names that differ in case, spaces, hyphens, underscores or the sign between name and value are the same."""
    return " ".join(_SEPARATOR.sub(" ", plain(text)).split())
