"""Node ids of pytest: what lies in what."""

from __future__ import annotations

from collections.abc import Iterable


class Places:
    """Of wanted ids (tests, without parameters or with them, classes, files, folders)."""

    def __init__(self, wanted: Iterable[str]) -> None:
        self._wanted = set(wanted)
        self._above: set[str] = set()
        for test in self._wanted:
            file, *names = test.split("::")
            for at, name in enumerate(names):
                self._above.add("::".join((file, *names[:at], name.split("[")[0])))
                if "[" in name:
                    break  # what follows is a parameter

    def lead_to(self, place: str) -> bool:
        """`place`, a class or a function, holds something wanted or is in it."""
        return place in self._above or place in self._wanted or is_inside(place, self._wanted)


def is_inside(node_id: str, wanted: set[str]) -> bool:
    """True where a class, file or folder of a node id, or it without its parameters, is wanted."""
    at = len(node_id)
    while at > 0:
        at = max(node_id.rfind("::", 0, at), node_id.rfind("[", 0, at), node_id.rfind("/", 0, at))
        if at > 0 and node_id[:at] in wanted:
            return True
    return False
