"""Backends by name; others add theirs by an entry point in the group `gristmill.backends`.

[project.entry-points."gristmill.backends"]
apptainer = "my_package:ApptainerBackend"
"""

from environments.errors import BackendUnavailable
from environments.named import Named
from environments.sandbox import Backend

BACKENDS = Named(
    "backend",
    "gristmill.backends",
    {
        "bubblewrap": "environments.bubblewrap:BubblewrapBackend",
        "docker": "environments.docker:DockerBackend",
    },
    BackendUnavailable,
)


def backend_names() -> list[str]:
    return BACKENDS.names()


def get_backend(name: str, **options: object) -> Backend:
    """A backend, made with `options` (its constructor's). Raises BackendUnavailable for an unknown name."""
    backend: Backend = BACKENDS[name](**options)
    return backend
