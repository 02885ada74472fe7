"""Things that are looked up by name: ours, imported when they are asked for, and those that entry points add.

BACKENDS = Named("backend", "gristmill.backends", {"docker": "environments.docker:DockerBackend"}, BackendUnavailable)
made = BACKENDS["docker"]()
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any


class Named:
    """`kind`: the word for an entry; `ours`: name -> "module:attribute"; `unknown`: the error where there is none."""

    def __init__(self, kind: str, group: str, ours: Mapping[str, str], unknown: type[Exception]) -> None:
        self._kind = kind
        self._group = group
        self._ours = dict(ours)
        self._unknown = unknown

    def names(self) -> list[str]:
        """Sorted."""
        return sorted({*self._ours, *(point.name for point in entry_points(group=self._group))})

    def __getitem__(self, name: str) -> Any:
        """The class or function of this name; ours before another's. Raises `unknown` listing the names there are."""
        if name in self._ours:
            module, _, attribute = self._ours[name].partition(":")
            return getattr(import_module(module), attribute)
        for point in entry_points(group=self._group):
            if point.name == name:
                return point.load()
        raise self._unknown(f"no {self._kind} is called {name!r}; there are: {', '.join(self.names())}")
