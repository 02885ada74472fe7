"""Has tested code changed what judges it? The functions of pytest and its base, before and after."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any


class Fingerprint:
    """The functions of pytest, pluggy, unittest, builtins and these files, as they were before any tested code ran."""

    def __init__(self, own_modules: Sequence[Any]) -> None:
        names = [n for n in sys.modules if n.split(".")[0] in ("_pytest", "pytest", "pluggy", "unittest", "builtins")]
        self._all = [entry for name in names for entry in _functions_of(vars(sys.modules[name]), name)]
        self._all += [(sys.modules, name, name, sys.modules[name], None) for name in names]
        self._all += [entry for module in own_modules for entry in _functions_of(vars(module), module.__name__)]
        core = [n for n in names if n.split(".")[0] == "pluggy" or n in _CORE]
        self._core = [entry for name in core for entry in _functions_of(vars(sys.modules[name]), name)]
        legacy = vars(sys.modules["_pytest.legacypath"]) if "_pytest.legacypath" in sys.modules else {}
        # pytest's own plugin for old path objects puts these functions of its in place of others when it is loaded
        self._legacy = {value.__code__ for value in legacy.values() if isinstance(value, types.FunctionType)}

    def changed(self, *, only_core: bool = False) -> list[str]:
        """Names of what is no longer the same; `only_core` looks at the part that tests never patch."""
        found = []
        for space, name, label, value, code in self._core if only_core else self._all:
            now = space.get(name)
            if (now is not value and getattr(now, "__code__", None) not in self._legacy) or (
                code is not None and now is value and now.__code__ is not code
            ):
                found.append(label)
        return found


_CORE = ("_pytest.runner", "_pytest.reports", "_pytest.outcomes", "_pytest.python", "_pytest._code.code")


def _functions_of(space: Any, where: str, depth: int = 0) -> Iterator[tuple[Any, str, str, Any, Any]]:
    """Functions and classes of a namespace, and the functions of classes of pytest and its base.

    Each as namespace, name in it, full name, value, code object of a function.
    """
    for name, value in list(space.items()):
        label = f"{where}.{name}"
        if isinstance(value, types.FunctionType):
            yield space, name, label, value, value.__code__
        elif isinstance(value, (types.BuiltinFunctionType, staticmethod, classmethod, property)):
            yield space, name, label, value, None
        elif isinstance(value, type):
            yield space, name, label, value, None
            if depth == 0 and value.__module__.split(".")[0] in ("_pytest", "pluggy", "unittest", "tasks"):
                yield from _functions_of(vars(value), label, depth + 1)
