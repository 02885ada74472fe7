"""Where a flow works: store, cache, backend and how many sandboxes at a time. Plain data, no secrets."""

import re
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from environments.sandbox import Backend
from flows.drain import Drain
from flows.engines import Engine, EngineName, read_engine
from flows.settings import Settings
from trajectories.store import Store

SQLITE = "sqlite:///"


class Place(BaseModel):
    """Travels as a flow parameter, so that a worker on another machine opens the same store."""

    model_config = ConfigDict(frozen=True)

    store: str
    blobs: str | None = None
    cache: Path
    backend: str = "bubblewrap"
    jobs: int = Field(2, gt=0)
    engine: EngineName = Field("local", description="where batches run: docs/many-machines.md")
    docker_host: str | None = None
    docker_base_image: str | None = None
    docker_keep: bool = True
    grace_sec: float = Field(10.0, ge=0, description="for what is under way when the command is asked to end")
    ending: Path | None = Field(None, description="the file by which `gristmill down` asks: flows/ending.py")
    store_patience_sec: float = Field(0.0, ge=0, description="how long a database that is away is waited for")
    batch_limit: str | None = Field(None, description="Prefect global concurrency limit that a batch occupies")
    model_limits: dict[str, int] = Field(default_factory=dict, description="this run's share of limits on models")

    @classmethod
    def from_settings(cls, settings: Settings, *, batch_limit: str | None = None) -> "Place":
        return cls(
            store=settings.store,
            blobs=settings.blobs,
            cache=settings.cache_folder,
            backend=settings.backend,
            jobs=settings.jobs,
            engine=settings.engine,
            docker_host=settings.docker_host,
            docker_base_image=settings.docker_base_image,
            docker_keep=settings.docker_keep,
            grace_sec=settings.grace_sec,
            store_patience_sec=settings.store_patience_sec,
            batch_limit=batch_limit,
        )

    def cluster(self) -> Engine:
        """Where batches run, in parts."""
        return read_engine(self.engine)

    def drain(self) -> Drain:
        """How a flow that works here ends in order."""
        return Drain(self.grace_sec, ending=self.ending)

    def absolute(self) -> "Place":
        """The same place for a process that works in another folder."""
        changes: dict[str, object] = {"cache": self.cache.absolute()}
        if "://" not in self.store:
            changes["store"] = str(Path(self.store).absolute())
        elif self.store.startswith(SQLITE):
            changes["store"] = SQLITE + str(Path(self.store.removeprefix(SQLITE)).absolute())
        if self.blobs and "://" not in self.blobs:
            changes["blobs"] = str(Path(self.blobs).absolute())
        return self.model_copy(update=changes)

    def local_parts(self) -> list[Path]:
        """Of an opened store: the files and folders that lie in the file system, not behind a URL."""
        parts = [Path(self.blobs)] if self.blobs and "://" not in self.blobs else []
        if "://" not in self.store:
            parts.append(Path(self.store) / "gristmill.db")
        elif self.store.startswith(SQLITE):
            parts.append(Path(self.store.removeprefix(SQLITE)))
        return parts

    def shown_store(self) -> str:
        """The store without its password."""
        return re.sub(r"(?<=:)[^:@/]+(?=@)", "***", self.store)

    def open_store(self, *, is_first: bool = False) -> Store:
        """What it records is redacted of this process's secrets.

        `is_first`: a database that does not answer is told at once, for its address may be wrong.
        """
        from flows.settings import environment_secrets
        from trajectories.store import open_store

        opened = open_store(self.store, blobs=self.blobs, patience_sec=0.0 if is_first else self.store_patience_sec)
        opened.secrets = environment_secrets()
        return opened

    def open_backend(self, *, patience_sec: float = 0.0) -> Backend:
        """Raises BackendUnavailable naming what to install; BackendAway where it was waited for, `patience_sec`."""
        from environments.errors import BackendAway, BackendUnavailable
        from environments.registry import get_backend

        backend = get_backend(self.backend, **self.backend_options(self.backend))
        until = time.monotonic() + patience_sec
        while (missing := backend.missing()) and time.monotonic() < until:
            time.sleep(1.0)
        if missing:
            kind = BackendAway if patience_sec else BackendUnavailable
            raise kind(f"backend {self.backend} cannot run here:\n  " + "\n  ".join(missing))
        return backend

    def backend_options(self, name: str) -> dict[str, object]:
        """Arguments of the backend's constructor."""
        if name not in ("bubblewrap", "docker"):
            return {}
        options: dict[str, object] = {
            "url": self.docker_host,
            "base_image": self.docker_base_image,
            "cache": self.cache,
        }
        return options if name == "bubblewrap" else {**options, "keep_containers": self.docker_keep}
