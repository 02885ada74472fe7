"""What tests take from the standard library, imported by the process that workers are forked from.

A cold worker imports the repository anew, and with it whatever that needs: `unittest.mock` alone takes 10 ms, a tenth
of a run. What lies in the standard library is the same for all candidates. Anything else, such as the repository's
dependencies, is left to the workers: it may look for the repository, or at what a conftest.py has set.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterable

_ROOT = os.path.dirname(os.path.realpath(os.__file__)) + os.sep
# Their import warns, which a test may look for, or does something.
_LEFT_OUT = frozenset({"antigravity", "asynchat", "asyncore", "distutils", "idlelib", "imp", "lib2to3", "readline",
                       "smtpd", "test", "this", "tkinter", "turtle", "turtledemo"})  # fmt: skip


def imported() -> list[str]:
    """Names of the modules of the standard library that this process has, in the order of their import."""
    return [name for name in list(sys.modules) if _is_ours_to_import(name) and _is_of_stdlib(sys.modules[name])]


def import_all(names: Iterable[str]) -> None:
    """Those of the names that are modules of the standard library and not imported yet."""
    for name in names:
        if name not in sys.modules and _is_ours_to_import(name) and _is_found_in_stdlib(name):
            try:
                importlib.import_module(name)
            except ImportError:
                continue  # this worker's own import will say why


def know_their_files() -> None:
    """Once for all workers, `inspect` finds out where each module comes from: it does so for the first traceback."""
    inspect.getmodule(know_their_files.__code__)


def _is_ours_to_import(name: str) -> bool:
    return name.partition(".")[0] not in _LEFT_OUT and not name.endswith("__main__")


def _is_of_stdlib(module: object) -> bool:
    return _is_below_root(getattr(module, "__file__", None))


def _is_found_in_stdlib(name: str) -> bool:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return False
    return spec is not None and _is_below_root(spec.origin)


def _is_below_root(file: str | None) -> bool:
    return bool(file) and os.path.realpath(str(file)).startswith(_ROOT) and "site-packages" not in str(file)
