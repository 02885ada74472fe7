"""One image, unpacked in a folder that is never written to: what a sandbox's root is laid over."""

import os
import posixpath
from dataclasses import dataclass
from pathlib import Path

from environments._image_user import ImageUser
from environments._paths import open_in_root
from environments.errors import UnsupportedSpec
from environments.spec import SandboxSpec

# Docker's, for images that have none.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NO_WORKDIR = ("/", "/usr", "/etc", "/proc", "/dev", "/tmp")


@dataclass(frozen=True)
class ImageRoot:
    """`env` and `workdir` are what the image says of itself."""

    id: str
    root: Path
    env: dict[str, str]
    workdir: str
    user: ImageUser

    def variables(self, spec: SandboxSpec) -> dict[str, str]:
        """Of a sandbox's commands, as in a container of it."""
        return {"PATH": _PATH, "HOSTNAME": "sandbox", "HOME": self.user.home, **self.env, **spec.env}

    def workdir_of(self, spec: SandboxSpec) -> str:
        """An image knows its own working directory; the spec's counts where it was chosen. Raises UnsupportedSpec."""
        is_chosen = spec.workdir != SandboxSpec.model_fields["workdir"].default or self.workdir in ("", "/")
        workdir = spec.workdir if is_chosen else self.workdir
        if not workdir.startswith("/") or posixpath.normpath(workdir) in _NO_WORKDIR:
            raise UnsupportedSpec(f"workdir {workdir!r} must be an absolute path of a folder of its own")
        return workdir

    def resolved(self, path: str) -> str:
        """Where an absolute path of the sandbox is once the links of the image are followed; the rest may be missing.

        Raises UnsupportedSpec where a file or a ring of links is in the way.
        """
        parts = [part for part in path.split("/") if part]
        fd = os.open(self.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for count in range(len(parts), -1, -1):
                try:
                    found = open_in_root(fd, "/".join(parts[:count]) or ".", os.O_PATH | os.O_DIRECTORY)
                except FileNotFoundError:
                    continue
                try:
                    inside = os.path.relpath(os.readlink(f"/proc/self/fd/{found}"), self.root.resolve())  # noqa: PTH115
                finally:
                    os.close(found)
                return posixpath.normpath(posixpath.join("/", inside, *parts[count:]))
        except OSError as error:
            raise UnsupportedSpec(f"{path} is no folder in the image {self.id[:19]}: {error.strerror}") from error
        finally:
            os.close(fd)
        raise AssertionError
