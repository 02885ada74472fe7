"""Two JSON values compared place by place: each leaf of the wanted one is a part, and so is each thing too much."""

import json
from dataclasses import dataclass
from typing import Any

from tasks.graders._matching import best_matching
from tasks.graders._reading import is_near, is_number, plain, shown
from tasks.graders.grading import Part

_MOST_UNORDERED = 200  # wanted members that equal none found; matching takes the square of them


@dataclass(frozen=True)
class Rules:
    ignore: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    extra_keys: bool = False
    absolute: float = 0.0
    relative: float = 1e-9
    ignore_case: bool = False


def compare(found: Any, wanted: Any, rules: Rules, path: str = "") -> list[Part]:
    """All parts, in the wanted value's order. 1 and 1.0 are equal, 1 and true are not."""
    if any(_matches(path, pattern) for pattern in rules.ignore):
        return []
    if isinstance(wanted, dict):
        return _compare_objects(found, wanted, rules, path)
    if isinstance(wanted, list):
        return _compare_lists(found, wanted, rules, path)
    is_right = _same_leaf(found, wanted, rules)
    return [Part(path or "/", is_right, "" if is_right else f"found: {shown(found)}")]


def _compare_objects(found: Any, wanted: dict[str, Any], rules: Rules, path: str) -> list[Part]:
    if not isinstance(found, dict):
        return _all_wrong(wanted, rules, path, f"an object is wanted, found: {shown(found)}")
    parts = [] if wanted else [Part(path or "/", True)]
    for key, value in wanted.items():
        place = f"{path}/{_escaped(key)}"
        if key in found:
            parts += compare(found[key], value, rules, place)
        else:
            parts += _all_wrong(value, rules, place, "missing")
    if not rules.extra_keys:
        extra = [place for key in found if key not in wanted for place in [f"{path}/{_escaped(key)}"]]
        unasked = [place for place in extra if not any(_matches(place, pattern) for pattern in rules.ignore)]
        parts += [Part(shown(place), False, "nobody asked for it") for place in unasked]
    return parts


def _compare_lists(found: Any, wanted: list[Any], rules: Rules, path: str) -> list[Part]:
    if not isinstance(found, list):
        return _all_wrong(wanted, rules, path, f"a list is wanted, found: {shown(found)}")
    if any(_matches(path, pattern) for pattern in rules.unordered):
        found = _in_order_of(found, wanted, rules, path)
    parts = [] if wanted else [Part(path or "/", True)]
    for index, value in enumerate(wanted):
        place = f"{path}/{index}"
        if index < len(found):
            parts += compare(found[index], value, rules, place)
        else:
            parts += _all_wrong(value, rules, place, "missing")
    return parts + [Part(f"{path}/{index}", False, "nobody asked for it") for index in range(len(wanted), len(found))]


def _in_order_of(found: list[Any], wanted: list[Any], rules: Rules, path: str) -> list[Any]:
    """The found members in the order that fits the wanted ones best; those that fit none fill the gaps, or come last.

    Equal ones go together first; the rest by likeness, or where there are very many, as they come.
    """
    places: dict[str, list[int]] = {}
    for index, value in enumerate(found):
        places.setdefault(_text(value), []).append(index)
    partner = {}  # index wanted -> index found
    for index, value in enumerate(wanted):
        if same := places.get(_text(value)):
            partner[index] = same.pop(0)
    taken = set(partner.values())
    ours = [index for index in range(len(found)) if index not in taken]
    theirs = [index for index in range(len(wanted)) if index not in partner]

    def likeness(our: int, their: int) -> float:
        parts = compare(found[ours[our]], wanted[theirs[their]], rules, f"{path}/{theirs[their]}")
        right = sum(part.passed for part in parts)
        return 2.0 if right == len(parts) else right / len(parts)

    if len(theirs) <= _MOST_UNORDERED and len(ours) <= 10 * _MOST_UNORDERED:
        for our, their in best_matching(len(ours), len(theirs), likeness):
            partner[theirs[their]] = ours[our]
    taken = set(partner.values())
    rest = [index for index in range(len(found)) if index not in taken]
    order = []
    for index in range(len(wanted)):
        if index in partner:
            order.append(partner[index])
        elif rest:
            order.append(rest.pop(0))
    return [found[index] for index in (*order, *rest)]


def _same_leaf(found: Any, wanted: Any, rules: Rules) -> bool:
    if is_number(wanted):
        return is_number(found) and is_near(found, wanted, relative=rules.relative, absolute=rules.absolute)
    if isinstance(wanted, str):
        if not isinstance(found, str):
            return False
        return plain(found) == plain(wanted) if rules.ignore_case else found == wanted
    return type(found) is type(wanted) and bool(found == wanted)


def _all_wrong(wanted: Any, rules: Rules, path: str, why: str) -> list[Part]:
    """As many parts as the wanted value has leaves: a branch that is missing costs what it holds."""
    if any(_matches(path, pattern) for pattern in rules.ignore):
        return []
    if isinstance(wanted, dict) and wanted:
        return [
            part for key, value in wanted.items() for part in _all_wrong(value, rules, f"{path}/{_escaped(key)}", why)
        ]
    if isinstance(wanted, list) and wanted:
        return [part for index, value in enumerate(wanted) for part in _all_wrong(value, rules, f"{path}/{index}", why)]
    return [Part(path or "/", False, why)]


def _matches(path: str, pattern: str) -> bool:
    ours, theirs = path.split("/"), pattern.rstrip("/").split("/")
    return len(ours) == len(theirs) and all(their in ("*", our) for our, their in zip(ours, theirs, strict=True))


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
