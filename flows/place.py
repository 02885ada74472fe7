"""Where a flow works: store, cache, backend and how many sandboxes at a time. Plain data, no secrets."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from environments.sandbox import Backend
from flows.settings import Settings
from trajectories.store import Store


class Place(BaseModel):
    """Travels as a flow parameter, so that a worker on another machine opens the same store."""

    model_config = ConfigDict(frozen=True)

    store: str
    blobs: str | None = None
    cache: Path
    backend: str = "bubblewrap"
    jobs: int = Field(2, gt=0)
    docker_host: str | None = None
    docker_base_image: str | None = None
    batch_limit: str | None = Field(None, description="Prefect global concurrency limit that a batch occupies")

    @classmethod
    def from_settings(cls, settings: Settings, *, batch_limit: str | None = None) -> "Place":
        return cls(
            store=settings.store,
            blobs=settings.blobs,
            cache=settings.cache_folder,
            backend=settings.backend,
            jobs=settings.jobs,
            docker_host=settings.docker_host,
            docker_base_image=settings.docker_base_image,
            batch_limit=batch_limit,
        )

    def open_store(self) -> Store:
        """What it records is redacted of this process's secrets."""
        from flows.settings import environment_secrets
        from trajectories.store import open_store

        opened = open_store(self.store, blobs=self.blobs)
        opened.secrets = environment_secrets()
        return opened

    def open_backend(self) -> Backend:
        """Raises BackendUnavailable naming what to install."""
        from environments.errors import BackendUnavailable
        from environments.registry import get_backend

        backend = get_backend(self.backend, **self.backend_options(self.backend))
        if missing := backend.missing():
            raise BackendUnavailable(f"backend {self.backend} cannot run here:\n  " + "\n  ".join(missing))
        return backend

    def backend_options(self, name: str) -> dict[str, object]:
        """Arguments of the backend's constructor."""
        if name != "docker":
            return {}
        return {"url": self.docker_host, "base_image": self.docker_base_image, "cache": self.cache}
