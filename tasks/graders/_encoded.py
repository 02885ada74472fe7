"""Python values on their way out of a process that is not trusted: plain data, or nothing."""

from typing import Any

from tasks.graders._reading import is_near, shown

_MOST_DEPTH = 60


class Unfit(Exception):
    """No plain value: of another type, too deep, or written wrongly."""


def decoded(form: Any, depth: int = 0) -> Any:
    """The value of [kind, content], as _inside/call.py writes it. Raises Unfit."""
    if depth > _MOST_DEPTH:
        raise Unfit("the value is nested too deeply")
    if not isinstance(form, list) or len(form) != 2 or not isinstance(form[0], str):
        raise Unfit("no value that can be read")
    kind, content = form
    try:
        if kind in ("NoneType", "bool", "str", "int", "float", "bytes", "complex"):
            return _leaf(kind, content)
        if kind == "other":
            raise Unfit(f"a plain value is wanted, not one of type {shown(str(content), 60)}")
        if kind == "dict":
            return {decoded(key, depth + 1): decoded(value, depth + 1) for key, value in content}
        members = [decoded(each, depth + 1) for each in content]
        return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind](members)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise Unfit("no value that can be read") from error


def _leaf(kind: str, content: Any) -> Any:
    if kind == "NoneType":
        return None
    if kind == "bool":
        return {"True": True, "False": False}[content]
    if kind == "int":
        return int(content, 16)
    if kind == "bytes":
        return bytes.fromhex(content)
    if not isinstance(content, str):
        raise Unfit("no value that can be read")
    return {"str": str, "float": float, "complex": complex}[kind](content)


def same_value(found: Any, wanted: Any, tolerance: float = 0.0, *, from_json: bool = False) -> bool:
    """Python's equality, but True is not 1; floats within the tolerance (absolute, and relative to the wanted one).

    A list and a tuple are not equal; `from_json`: the wanted value has lists only, so that a tuple fits one.
    """
    if isinstance(wanted, bool) or isinstance(found, bool) or wanted is None:
        return found is wanted
    if isinstance(wanted, int | float):
        if not isinstance(found, int | float):
            return False
        if found == wanted or (found != found and wanted != wanted):
            return True
        return bool(tolerance) and is_near(found, wanted, absolute=tolerance, relative=tolerance)
    if isinstance(wanted, list | tuple):
        return (
            isinstance(found, list | tuple if from_json else type(wanted))
            and len(found) == len(wanted)
            and all(
                same_value(ours, theirs, tolerance, from_json=from_json)
                for ours, theirs in zip(found, wanted, strict=True)
            )
        )
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and found.keys() == wanted.keys()
            and all(same_value(found[key], value, tolerance, from_json=from_json) for key, value in wanted.items())
        )
    return type(found) is type(wanted) and bool(found == wanted)


def written(value: Any) -> str:
    """A value for details; an integer of thousands of digits has no decimal form."""
    try:
        return repr(value)
    except ValueError:
        return f"a {type(value).__name__} with a very long number"
