"""Whose a line is, in a run with coverage.

A test's, where the test runs it. But the first test of a class runs the fixtures that all tests of the class share, and
which one is the first depends on the order; what a test module runs when it is imported belongs to its tests, and to
those of modules that import it. Such lines are given to all of them. What is left belongs to nobody, and may matter to
everybody: imports of the code itself, of helpers of tests and of conftest.py.
"""

from __future__ import annotations

import collections
import functools
import importlib.machinery
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

NOBODY = ""
OF_TEST_MODULES = " test modules"  # of all of them together; no test's name begins with a space
_FIXTURE, _MODULE = " fixture ", " module "


class Contexts:
    """A plugin of pytest. `coverage`: a running `coverage.Coverage`; `shares`: fixtures serve several tests here."""

    def __init__(self, coverage: Any, *, shares: bool = True) -> None:
        self._coverage = coverage
        self._shares = shares
        self._stack = [NOBODY]
        self._users: dict[str, set[str]] = collections.defaultdict(set)  # context -> tests
        self._collected = ""  # file of the module that is being collected
        _current[:] = [self]

    def begin(self, context: str) -> None:
        self._stack.append(context)
        self._switch(self._stack[-2])

    def end(self) -> None:
        self._switch(self._stack.pop())

    @contextmanager
    def within(self, context: str) -> Iterator[None]:
        self.begin(context)
        try:
            yield
        finally:
            self.end()

    def owners(self, context: str) -> Iterator[str]:
        """Tests (or what stands for them) whose the lines of a context are."""
        if context.startswith((_FIXTURE, _MODULE)):
            yield from self._users[context]
        else:
            yield context
        if context.startswith(_MODULE):
            yield OF_TEST_MODULES

    def _switch(self, before: str) -> None:
        if self._stack[-1] != before:
            self._coverage.switch_context(self._stack[-1])

    # -- test modules

    def pytest_make_collect_report(self, collector: Any) -> Iterator[None]:
        import pytest

        module = collector.getparent(pytest.Module)
        if module is None:
            yield
            return
        before, self._collected = self._collected, str(module.fspath)
        with self.within(_MODULE + str(module.fspath)):
            yield
        self._collected = before

    def importing(self, file: str) -> str:
        """The context of what is imported: of all but the collected module itself, others may make use later."""
        is_collected = os.path.realpath(file) == os.path.realpath(self._collected)
        return self._stack[-1] if not self._collected or is_collected else NOBODY

    def pytest_collection_finish(self, session: Any) -> None:
        import pytest

        tests: dict[str, set[str]] = collections.defaultdict(set)
        for item in session.items:
            module = item.getparent(pytest.Module)
            if module is not None:
                tests[str(module.fspath)].add(item.nodeid)
            for fixture in _shared_fixtures(item) if self._shares else ():
                self._users[_name_of(fixture)].add(item.nodeid)
        importers = _importers(tests)
        for path in tests:
            self._users[_MODULE + path] = set().union(*(tests[each] for each in importers[path]))

    # -- fixtures

    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        name = _name_of(fixturedef)
        # Who asks for a fixture by `getfixturevalue` is not known beforehand: then the lines stay the test's.
        if not _is_shared(fixturedef) or request._pyfuncitem.nodeid not in self._users[name]:
            yield
            return
        with self.within(name):
            yield

    def ending(self, fixture: Any) -> str:
        name = _name_of(fixture)
        return name if _is_shared(fixture) and self._users[name] else self._stack[-1]


_current: list[Contexts] = []  # none while no tests are collected


def follow() -> None:
    """Have imports and the ends of fixtures told. Before the fingerprint is taken, which this would be in."""
    from _pytest.assertion.rewrite import AssertionRewritingHook
    from _pytest.fixtures import FixtureDef

    def importing(loader: Any, module: Any) -> str:
        return _current[0].importing(getattr(getattr(module, "__spec__", None), "origin", None) or "")

    _wrap(AssertionRewritingHook, "exec_module", importing)
    _wrap(importlib.machinery.SourceFileLoader, "exec_module", importing)
    _wrap(FixtureDef, "finish", lambda fixture, *_: _current[0].ending(fixture))


def _wrap(kind: Any, name: str, context_of: Callable[..., str]) -> None:
    original = getattr(kind, name)

    @functools.wraps(original)
    def wrapped(*arguments: Any, **more: Any) -> Any:
        if not _current:
            return original(*arguments, **more)
        with _current[0].within(context_of(*arguments)):
            return original(*arguments, **more)

    setattr(kind, name, wrapped)


def _shared_fixtures(item: Any) -> Iterator[Any]:
    """Those that the test uses, by itself or by others, and that live longer than one test."""
    info = getattr(item, "_fixtureinfo", None)
    for fixtures in getattr(info, "name2fixturedefs", {}).values():
        yield from filter(_is_shared, fixtures)


def _is_shared(fixture: Any) -> bool:
    return bool(fixture.scope != "function")


def _name_of(fixture: Any) -> str:
    return f"{_FIXTURE}{id(fixture)}"


def _importers(modules: Collection[str]) -> dict[str, set[str]]:
    """File of a test module -> files of those that import it, by way of others too, itself among them."""
    stems = {path: os.path.basename(path).removesuffix(".py") for path in modules}
    imported = {path: _imported_names(path) for path in modules}
    found = {path: {path, *(each for each in modules if stem in imported[each])} for path, stem in stems.items()}
    while True:
        known = sum(map(len, found.values()))
        for some in found.values():
            some.update(*[found[each] for each in some])
        if sum(map(len, found.values())) == known:
            return found


def _imported_names(path: str) -> set[str]:
    import ast

    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(part for alias in node.names for part in alias.name.split("."))
            names.update((getattr(node, "module", None) or "").split("."))
    return names


def mark_hooks(pytest: Any) -> None:
    for name in ("pytest_make_collect_report", "pytest_fixture_setup"):
        setattr(Contexts, name, pytest.hookimpl(hookwrapper=True, tryfirst=True)(getattr(Contexts, name)))
