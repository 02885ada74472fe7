"""Puts a changed function in the place of the one that is imported already, where nothing else would differ.

Bodies of modules and classes run once, when they are imported; functions run later. A change that stays in functions
which no import has run can be made by giving the function objects new code. All else needs a fresh import.
"""

from __future__ import annotations

import gc
import sys
import types
from typing import Any

_RUNS_AT_ONCE = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_IS_FUNCTION = 0x1 | 0x2  # CO_OPTIMIZED | CO_NEWLOCALS: a class body has neither
_PARTS = ("co_name", "co_flags", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_names", "co_varnames",
          "co_freevars", "co_cellvars", "co_code")  # fmt: skip

Functions = dict[tuple[str, int, str], list[Any]]
Pair = tuple[types.CodeType, types.CodeType]


class NeedsImport(Exception):
    """The change is not within functions."""


def functions_below(folder: str) -> Functions:
    """Every function object whose code lies in a file below `folder`: by file, first line and name."""
    prefix = folder.rstrip("/") + "/"
    found: Functions = {}
    for each in gc.get_objects():
        if isinstance(each, types.FunctionType) and each.__code__.co_filename.startswith(prefix):
            found.setdefault(_key(each.__code__), []).append(each)
    return found


def compiled(file: str, content: bytes) -> types.CodeType:
    """As the import system does it. Raises SyntaxError, ValueError."""
    return compile(content, file, "exec", dont_inherit=True)


def swap(file: str, before: types.CodeType, new: bytes, functions: Functions) -> None:
    """Make the imported functions of a file do what its new content says; for those that no import has run.

    `before`: what has been imported.
    Raises NeedsImport; some functions may be changed by then, so the process is good for nothing.
    """
    if not any(getattr(module, "__file__", None) == file for module in list(sys.modules.values())):
        return  # whoever imports it in this process will read the new content
    for one, other in _changed_functions(before, compiled(file, new)):
        live = functions.get(_key(one))
        if not live:
            raise NeedsImport(one.co_name)
        for function in live:
            function.__code__ = other


def _changed_functions(old: types.CodeType, new: types.CodeType) -> list[Pair]:
    """The functions that differ below the body of a module or class, which itself must not."""
    if len(old.co_consts) != len(new.co_consts) or not _is_same_scope(old, new):
        raise NeedsImport(old.co_name)
    found: list[Pair] = []
    for one, other in zip(old.co_consts, new.co_consts):  # noqa: B905  Python 3.9 knows no `strict`
        if not isinstance(one, types.CodeType) or not isinstance(other, types.CodeType):
            if not _is_same_constant(one, other):
                raise NeedsImport(old.co_name)
        elif one.co_flags & _IS_FUNCTION == _IS_FUNCTION and one.co_name not in _RUNS_AT_ONCE:
            if not _is_same_constant(one, other):
                # what is in the closure of a living object stays there
                if one.co_freevars != other.co_freevars or _doc(one) != _doc(other):
                    raise NeedsImport(one.co_name)
                found.append((one, other))
        else:
            found += _changed_functions(one, other)
    return found


def _is_same_scope(one: types.CodeType, other: types.CodeType) -> bool:
    return all(getattr(one, part) == getattr(other, part) for part in _PARTS)


def _doc(code: types.CodeType) -> Any:
    return code.co_consts[0] if code.co_consts and isinstance(code.co_consts[0], str) else None


def _is_same_constant(one: Any, other: Any) -> bool:
    """`1`, `True` and `1.0` are equal and not the same."""
    if type(one) is not type(other):
        return False
    if isinstance(one, types.CodeType):
        return _is_same_scope(one, other) and _is_same_constant(one.co_consts, other.co_consts)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_is_same_constant, one, other))
    return repr(one) == repr(other) if not isinstance(one, frozenset) else _parts(one) == _parts(other)


def _parts(constant: Any) -> list[str]:
    return sorted(f"{type(each).__name__} {each!r}" for each in constant)


def _key(code: types.CodeType) -> tuple[str, int, str]:
    return code.co_filename, code.co_firstlineno, code.co_name
