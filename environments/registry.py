"""Backends by name; others add theirs by an entry point in the group `gristmill.backends`.

[project.entry-points."gristmill.backends"]
apptainer = "my_package:ApptainerBackend"
"""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points

from environments.errors import BackendUnavailable
from environments.sandbox import Backend

GROUP = "gristmill.backends"
_OURS = {
    "bubblewrap": "environments.bubblewrap:BubblewrapBackend",
    "docker": "environments.docker:DockerBackend",
}


def backend_names() -> list[str]:
    return sorted({*_OURS, *(point.name for point in entry_points(group=GROUP))})


def get_backend(name: str, **options: object) -> Backend:
    """A backend, made with `options` (its constructor's). Raises BackendUnavailable for an unknown name."""
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
        factory: Callable[..., Backend] = getattr(import_module(module), attribute)
        return factory(**options)
    for point in entry_points(group=GROUP):
        if point.name == name:
            factory = point.load()
            return factory(**options)
    raise BackendUnavailable(f"no backend is called {name!r}; there are: {', '.join(backend_names())}")
