"""An image's files and settings as a daemon has them, for a backend that runs images without containers."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from environments._docker_diff import Chunks
from environments._docker_images import OWNER_LABEL, Images, owner_label
from environments.docker import Daemon
from environments.spec import SandboxSpec

_BUFFER = 1 << 20


class DockerImages:
    """The images of one daemon; every call blocks. `url`, `base_image` and `cache` as of DockerBackend.

    Each raises BackendUnavailable or EnvironmentFault where no daemon answers, at once.
    """

    def __init__(self, url: str | None, base_image: str | None, cache: Path) -> None:
        self._daemon = Daemon(url, away_sec=0.0)
        self._images = Images(self._daemon, base_image, cache)

    def described(self, spec: SandboxSpec) -> dict[str, Any]:
        """The daemon's description of the image that a spec names, or that its build makes.

        Raises UnsupportedSpec for an image that the daemon has not, EnvironmentBuildFailed.
        """
        _ = self._daemon.api
        wanted = SandboxSpec(image=spec.image, build_context=spec.build_context)
        tag = self._daemon.retried(lambda: self._images.of(wanted))
        return self._daemon.retried(lambda: self._images.inspect(tag))

    @contextmanager
    def exported(self, image: str) -> Iterator[IO[bytes]]:
        """All files of an image as one tar, by a container that never runs."""
        api = self._daemon.api
        labels = {OWNER_LABEL: owner_label()}  # a later sweep of docker's backend removes it should we be killed
        container = self._daemon.retried(lambda: api.create_container(image, ["true"], labels=labels))["Id"]
        try:
            chunks = self._daemon.told(lambda: api.export(container, chunk_size=_BUFFER))
            yield cast("IO[bytes]", io.BufferedReader(Chunks(chunks), _BUFFER))
        finally:
            self._daemon.remove(container)
