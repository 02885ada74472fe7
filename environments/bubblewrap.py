"""Sandboxes of namespaces and an overlay, by bubblewrap: no daemon, a few milliseconds each.

Security: docs/environments.md. How it is built: `_holder.py` keeps the mounts, bwrap runs each command. Images are
unpacked once (`_image_roots.py`) and laid under each sandbox's root; Docker is asked for them, and for nothing else.
"""

import asyncio
import os
import posixpath
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments import _bwrap
from environments._bwrap_sandbox import BubblewrapSandbox
from environments._doctor import bubblewrap_problems
from environments._holders import Holders, request_of
from environments._image_root import ImageRoot
from environments._image_roots import ImageRoots
from environments._kept import Kept
from environments._launcher import Launcher
from environments._services import check_services
from environments.cgroups import CgroupTree, find_tree
from environments.errors import BackendUnavailable, UnsupportedSpec
from environments.spec import SandboxSpec

if TYPE_CHECKING:
    from environments._docker_export import DockerImages


class BubblewrapBackend:
    """Starts sandboxes on this machine, as root or as any user that may make user namespaces.

    For specs with an image: `cache` is the folder for unpacked ones (default: ~/.cache/gristmill), `url` and
    `base_image` are as of DockerBackend.
    """

    name = "bubblewrap"

    def __init__(self, url: str | None = None, base_image: str | None = None, cache: Path | None = None) -> None:
        self._bwrap = shutil.which("bwrap") or ""
        self._tree: CgroupTree | None = None
        self._is_tree_known = False
        self._holders = Holders(Launcher(self._bwrap), self._cgroup_tree)
        cache = cache or Path.home() / ".cache/gristmill"

        def docker() -> "DockerImages":
            from environments._docker_export import DockerImages  # the SDK takes 0.25 s to import

            return DockerImages(url, base_image, cache)

        self.images = ImageRoots(cache, docker)

    def missing(self) -> list[str]:
        return bubblewrap_problems(self._bwrap)

    async def start(self, spec: SandboxSpec) -> BubblewrapSandbox:
        if not self._bwrap:
            raise BackendUnavailable("bubblewrap is not installed; install it: apt-get install bubblewrap")
        _check_supported(spec)
        image: ImageRoot | None = None
        if spec.image is not None or spec.build_context is not None:
            if (image := self.images.known(spec)) is None:
                image = await asyncio.to_thread(self.images.of, spec)
            spec = spec.model_copy(update={"workdir": image.workdir_of(spec)})
        name = uuid.uuid4().hex[:12]
        request, layers = _request(spec, image)

        def make(holder: Kept) -> BubblewrapSandbox:
            return BubblewrapSandbox(name, spec, holder, self._holders.kept, layers, image)

        return await self._holders.sandbox(name, spec, request, make)

    async def sweep(self) -> int:
        """Mounts and processes end with their owner by themselves; what can be left is a control group, or an image
        that nobody has used for long.
        """
        tree = self._cgroup_tree()
        groups = await asyncio.to_thread(tree.sweep) if tree else 0
        return groups + await asyncio.to_thread(self.images.sweep)

    def close(self) -> None:
        """End the launcher process (it also ends with this process). Running sandboxes are not touched."""
        self._holders.close()
        self.images.close()

    def _cgroup_tree(self) -> CgroupTree | None:
        if not self._is_tree_known:
            self._tree, self._is_tree_known = find_tree(), True
        return self._tree


def _request(spec: SandboxSpec, image: ImageRoot | None) -> tuple[dict[str, Any], list[Path]]:
    """What a holder is asked for, and the folders that are the working directory's first contents, lowest first."""
    layers = [layer.resolve() for layer in spec.layers]
    workdir, shown = posixpath.normpath(spec.workdir), None
    if image is not None:
        workdir = image.resolved(workdir)
        own = image.root / workdir.lstrip("/")
        layers = [own, *layers] if own.is_dir() else layers
        shown = {
            "root": os.fspath(image.root),
            "tree": _bwrap.image_tree(),
            "workdir": os.fspath(own) if own.is_dir() else None,
        }
    names, tree = [os.fspath(layer) for layer in layers], _bwrap.own_tree(spec, image)
    return request_of(spec, layers=names, workdir=workdir, image=shown, tree=tree), layers


def _check_supported(spec: SandboxSpec) -> None:
    if not spec.workdir.startswith("/") or posixpath.normpath(spec.workdir) in ("/", "/usr", "/etc", "/proc", "/dev"):
        raise UnsupportedSpec(f"workdir {spec.workdir!r} must be an absolute path of a folder of its own")
    if spec.services and spec.network:
        raise UnsupportedSpec("bubblewrap runs services only in a network of the sandbox's own: network must be false")
    check_services(spec)
    for path in (*spec.layers, *(mount.source for mount in spec.mounts)):
        if not Path(path).exists():
            raise UnsupportedSpec(f"{path} does not exist; the sandbox can not be made of it")
