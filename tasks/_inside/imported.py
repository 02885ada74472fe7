"""What an import has made: everything that is reachable from the modules of the repository, as text to compare.

An edit of what runs at import may change nothing but the code of functions (a condition that is true either way, two
methods in another order). Then all that tests find is as it was, and only those that call the functions can notice.
"""

from __future__ import annotations

import collections
import functools
import hashlib
import os
import sys
import types
from collections.abc import Iterable
from typing import Any

MOST_OBJECTS = 3_000_000
_DEPTH = 20_000
_OF_MODULES = {"__builtins__", "__cached__", "__loader__", "__spec__", "__warningregistry__"}
_OF_CLASSES = {"__dict__", "__weakref__", "__firstlineno__", "__static_attributes__", "_abc_impl"}
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), type(NotImplemented))
CODE = " code"  # ends the name of what a function does, beside what it is made of


def state_of(names: Iterable[str], folder: str) -> dict[str, Any]:
    """Import the modules that can be, and describe them: name of a part -> digest, first lines of functions.

    A part is an attribute of a module or class, or a function.
    """
    import importlib  # here and below: the supervisor, which takes this file too, can do without them

    for name in names:
        try:
            importlib.import_module(name)
        except BaseException:  # noqa: BLE001  it is as little there as in the clean code
            continue
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(_DEPTH)
    try:
        walk = _Walk(folder)
        walk.all()
    except (RecursionError, MemoryError, _TooMuch):
        return {}
    finally:
        sys.setrecursionlimit(before)
    return {"parts": walk.parts, "lines": walk.lines}


class _TooMuch(Exception):
    """More objects than can be compared in reasonable time."""


class _Walk:
    def __init__(self, folder: str) -> None:
        import logging
        import re

        self._address = re.compile(r"\b0x[0-9a-fA-F]+")
        self._pattern, self._loggers = re.Pattern, (logging.Logger, logging.Handler)
        self._prefix = folder.rstrip("/") + "/"
        self.parts: dict[str, str] = {}
        self.lines: dict[str, int] = {}
        self._names: dict[int, str] = {}  # id of what has been met -> its name, or where that was
        self._part = ""  # that is described now
        self._met: list[Any] = []  # so that no id is used twice
        self._met_in: collections.Counter[str] = collections.Counter()
        self._is_ours: dict[str, bool] = {}
        self._counts: collections.Counter[str] = collections.Counter()

    def all(self) -> None:
        ours = sorted(name for name in sys.modules if self._is_ours_by(name))
        self.parts[" modules"] = _digest(*sorted(map(str, sys.modules)))
        for name in ours:
            for key, value in sorted(vars(sys.modules[name]).items(), key=lambda pair: str(pair[0])):
                if key not in _OF_MODULES:
                    self._describe(f"{name}.{key}", [value])
        import logging
        import warnings

        around = (dict(os.environ), sys.path, warnings.filters, list(map(type, sys.meta_path)), logging.root.handlers)
        self._describe(" around", around)
        self.parts[" registered"] = _digest(*map(self._registered, _abstract_classes()))

    def _describe(self, part: str, values: Iterable[Any], *more: str) -> None:
        before, self._part = self._part, part
        self.parts[part] = _digest(*map(self._of, values), *more)
        self._part = before

    def _is_ours_by(self, module: str) -> bool:
        if module not in self._is_ours:
            file = getattr(sys.modules.get(module), "__file__", None) or ""
            self._is_ours[module] = file.startswith(self._prefix)
        return self._is_ours[module]

    def _of(self, value: Any) -> str:
        """What stands for a value: the same for values that behave the same."""
        kind = type(value)
        if kind is int:
            return f"int {value:x}"  # the decimal form of a huge one is refused
        if kind in _PLAIN:
            return f"{kind.__name__} {value!r}"
        known = self._names.get(id(value))
        if known is not None:
            return known
        if len(self._met) > MOST_OBJECTS:
            raise _TooMuch
        self._met_in[self._part] += 1  # counted within a part: what is gone from another changes no name here
        self._names[id(value)] = f"@{self._part} {self._met_in[self._part]}"
        self._met.append(value)
        if isinstance(value, types.ModuleType):
            return f"module {value.__name__}"
        if isinstance(value, type):
            return self._of_class(value)
        if isinstance(value, types.FunctionType):
            return self._of_function(value)
        return _digest(self._name_of(kind), *self._inside(value))

    def _inside(self, value: Any) -> Iterable[str]:
        """Of anything but classes and functions."""
        if isinstance(value, (types.MethodType, staticmethod, classmethod)):
            yield from (self._of(value.__func__), self._of(getattr(value, "__self__", None)))
            return
        if isinstance(value, property):
            yield from map(self._of, (value.fget, value.fset, value.fdel, value.__doc__))
        elif isinstance(value, functools.partial):
            yield from map(self._of, (value.func, value.args, value.keywords))
        elif isinstance(value, functools._lru_cache_wrapper):
            yield from (self._of(value.__wrapped__), str(value.cache_info()))
        elif isinstance(value, self._pattern):
            yield from (str(value.flags), repr(value.pattern))
        elif isinstance(value, self._loggers):
            yield f"{value.name} {value.level}"
            return
        elif isinstance(value, types.BuiltinMethodType):
            yield value.__qualname__
            yield self._of(value.__self__)
        elif isinstance(value, types.CodeType):
            yield _digest(*_parts_of_code(value))
        yield from self._content(value)
        state = _attributes(value)
        if state:
            yield from (f"{name}={self._of(each)}" for name, each in state)
        elif not isinstance(value, (dict, list, tuple, set, frozenset, collections.deque)):
            yield self._words(value)

    def _content(self, value: Any) -> Iterable[str]:
        """Of a container, or of what is built on one."""
        if isinstance(value, types.MappingProxyType):
            value = dict(value)
        if isinstance(value, dict):
            yield from (f"{self._of(key)}:{self._of(each)}" for key, each in dict.items(value))
        elif isinstance(value, (list, tuple, collections.deque)):
            kinds: tuple[Any, ...] = (list, tuple, collections.deque)
            kind = next(each for each in kinds if isinstance(value, each))  # not the repository's `__iter__`
            yield from map(self._of, kind.__iter__(value))
        elif isinstance(value, (set, frozenset)):
            yield from sorted(map(self._of, sorted(value, key=self._words)))
        elif isinstance(value, int):
            yield int.__format__(value, "x")
        elif isinstance(value, (str, float, bytes)):
            yield next(kind.__repr__(value) for kind in (str, bytes, float) if isinstance(value, kind))

    def _words(self, value: Any) -> str:
        """Of what has nothing inside that can be seen: what its own type, not the repository's, says of it."""
        is_heap_type = 1 << 9
        kind: Any = next(each for each in type(value).__mro__ if not each.__flags__ & is_heap_type)
        try:
            return self._address.sub("", kind.__repr__(value))
        except Exception:  # noqa: BLE001
            return ""

    def _name_of(self, kind: type) -> str:
        return self._of(kind) if self._is_ours_by(kind.__module__) else f"{kind.__module__}.{kind.__qualname__}"

    def _of_class(self, kind: type) -> str:
        name = f"{kind.__module__}.{kind.__qualname__}"
        if not self._is_ours_by(str(kind.__module__)):
            return f"class {name}"
        name = self._numbered(name)
        self._names[id(kind)] = f"class {name}"
        self._describe(name, kind.__bases__, self._name_of(type(kind)), self._registered(kind))
        for key, value in sorted(vars(kind).items(), key=lambda pair: str(pair[0])):
            if key not in _OF_CLASSES and not isinstance(
                value, (types.MemberDescriptorType, types.GetSetDescriptorType)
            ):
                self._describe(f"{name}.{key}", [value])
        return f"class {name}"

    def _of_function(self, function: types.FunctionType) -> str:
        code = function.__code__
        name = f"{function.__module__}.{function.__qualname__}"
        if not code.co_filename.startswith(self._prefix):
            closure = [_cell(cell) for cell in function.__closure__ or ()]
            return f"function {name} {_digest(*map(self._of, closure))}" if closure else f"function {name}"
        name = self._numbered(f"{code.co_filename[len(self._prefix) :]}:{function.__qualname__}")
        self._names[id(function)] = f"function {name}"
        self.parts[name + CODE] = _digest(*_parts_of_code(code))
        self.lines[name + CODE] = code.co_firstlineno
        made_of = [function.__defaults__, function.__kwdefaults__, *map(_cell, function.__closure__ or ())]
        made_of += [value for _, value in sorted(vars(function).items())]
        self._describe(name, made_of, *sorted(vars(function)))
        return f"function {name}"

    def _numbered(self, name: str) -> str:
        """Several may have the same name: one that others wrap, or those that one `def` has made."""
        self._counts[name] += 1
        return f"{name} {self._counts[name]}"

    def _registered(self, kind: type) -> str:
        """Classes that an abstract one has been told of."""
        if "_abc_impl" not in vars(kind):
            return ""
        from _abc import _get_dump  # type: ignore[import-not-found]

        return " ".join(sorted(f"{each().__module__}.{each().__qualname__}" for each in _get_dump(kind)[0] if each()))


def _abstract_classes() -> list[type]:
    import collections.abc
    import numbers

    spaces = (vars(collections.abc), vars(numbers))
    return [value for space in spaces for value in space.values() if isinstance(value, type)]


def _attributes(value: Any) -> list[tuple[str, Any]]:
    found = dict(getattr(value, "__dict__", None) or {}) if type(value).__dictoffset__ else {}
    for kind in type(value).__mro__:
        for name, descriptor in vars(kind).items():
            if isinstance(descriptor, types.MemberDescriptorType) and kind.__module__ != "builtins":
                try:
                    found[f"{kind.__name__}.{name}"] = descriptor.__get__(value)
                except AttributeError:
                    continue
    return sorted(((str(name), each) for name, each in found.items()), key=lambda pair: pair[0])


def _cell(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _parts_of_code(code: types.CodeType) -> Iterable[str]:
    """Without line numbers, with the code within it."""
    yield from (repr(each) for each in (code.co_name, code.co_flags, code.co_argcount, code.co_posonlyargcount,
                                        code.co_kwonlyargcount, code.co_names, code.co_varnames, code.co_freevars,
                                        code.co_cellvars, code.co_code))  # fmt: skip
    yield repr(getattr(code, "co_exceptiontable", b""))
    yield from map(_constant, code.co_consts)


def _constant(value: Any) -> str:
    if isinstance(value, types.CodeType):
        return _digest(*_parts_of_code(value))
    if isinstance(value, frozenset):
        return f"frozenset {sorted(map(_constant, value))}"
    return f"{type(value).__name__} {value!r}"


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()
