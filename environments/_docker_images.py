"""Images by content: the base, the base with read-only mounts baked in, and the builds that tasks bring."""

import hashlib
import json
import os
import re
import shutil
import tarfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments._bwrap import package_folders
from environments._owner import boot_id, owner_mark
from environments._tar import add_mount, add_parents, streamed
from environments.errors import EnvironmentBuildFailed, SandboxGone, UnsupportedSpec
from environments.images import BASE_WORKDIR, SUITE, base_key, base_tar
from environments.spec import Mount, SandboxSpec

if TYPE_CHECKING:
    from environments.docker import Daemon

CONTENT_LABEL = "gristmill.content"
OWNER_LABEL = "gristmill.owner"
_ENV_REPOSITORY = "gristmill/env"
_BUILD_REPOSITORY = "gristmill/context"
_BASE_TAG = f"gristmill/base:{SUITE}"


class Images:
    """Finds or makes the image that a spec needs; each is made once, whoever asks for it."""

    def __init__(self, daemon: "Daemon", base_image: str | None, cache: Path) -> None:
        self._daemon = daemon
        self._base_image = base_image
        self._cache = cache
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}

    def missing(self) -> list[str]:
        if self._base_image or self._labelled(_BASE_TAG) == base_key() or shutil.which("debootstrap"):
            return []
        return ["debootstrap is not installed, and makes the base image: apt-get install debootstrap"]

    def inspect(self, tag: str) -> dict[str, Any]:
        """The daemon's own description. Raises UnsupportedSpec for an image that it does not have."""
        if tag not in self._known:
            found = self._find(tag)
            if found is None:
                raise UnsupportedSpec(f"docker has no image {tag}: docker pull {tag}, or build it")
            self._known[tag] = found
        return self._known[tag]

    def of(self, spec: SandboxSpec) -> str:
        with self._lock:
            start = self._built(spec.build_context) if spec.build_context else spec.image or self._base()
            mounts = [mount for mount in spec.mounts if mount.read_only]
            is_ours = spec.image is None and spec.build_context is None
            workdir = spec.workdir if is_ours and (self._base_image or spec.workdir != BASE_WORKDIR) else None
            return self._baked(start, mounts, workdir) if mounts or workdir else start

    def known(self, spec: SandboxSpec) -> tuple[str, dict[str, Any]] | None:
        """What `found` gives, where nobody has to be asked: an image that was used before, as it is."""
        is_baked = any(mount.read_only for mount in spec.mounts)
        if spec.image is None or spec.build_context is not None or is_baked or spec.image not in self._known:
            return None
        return spec.image, self._known[spec.image]

    def found(self, spec: SandboxSpec) -> tuple[str, dict[str, Any]]:
        """The tag of the image that a sandbox of this spec runs on, made if need be, and its description."""
        tag = self.of(spec)
        return tag, self.inspect(tag)

    def base(self) -> str:
        with self._lock:
            return self._base()

    def _base(self) -> str:
        if self._base_image:
            if self._find(self._base_image) is None:
                repository, _, tag = self._base_image.rpartition(":")
                self._daemon.api.pull(repository or self._base_image, tag=tag if repository else "latest")
            return self._base_image
        if self._labelled(_BASE_TAG) != base_key():
            repository, _, tag = _BASE_TAG.partition(":")
            changes = [f"LABEL {CONTENT_LABEL}={base_key()}", 'CMD ["/bin/sh"]', "WORKDIR /workspace"]
            path = os.fspath(base_tar(self._cache))
            answer = self._daemon.api.import_image_from_file(path, repository=repository, tag=tag, changes=changes)
            if self._labelled(_BASE_TAG) != base_key():
                raise EnvironmentBuildFailed(f"docker could not import the base image: {answer[-500:]}")
        return _BASE_TAG

    def _baked(self, start: str, mounts: list[Mount], workdir: str | None) -> str:
        """Baked once: a read-only source never changes, so its resolved path names its contents."""
        sources = [(os.fspath(mount.source.resolve()), mount.target) for mount in mounts]
        key = _digest(json.dumps([self.inspect(start)["Id"], sources, workdir]))
        tag = f"{_ENV_REPOSITORY}:{key}"
        if self._labelled(tag) == key:
            return tag
        api = self._daemon.api
        container = api.create_container(start, ["true"], labels={OWNER_LABEL: owner_label()})["Id"]
        try:

            def write(tar: tarfile.TarFile) -> None:
                if workdir is not None:
                    add_parents(tar, workdir, last_uid=1000)
                for source, target in sources:
                    add_mount(tar, Path(source), target, frozenset(package_folders(Path(source))))

            api.put_archive(container, "/", streamed(write))
            config = {**self.inspect(start)["Config"]}
            config["Labels"] = {**(config.get("Labels") or {}), CONTENT_LABEL: key, OWNER_LABEL: ""}
            api.commit(container, repository=_ENV_REPOSITORY, tag=key, conf=config)
        finally:
            self._daemon.remove(container)
        return tag

    def _built(self, context: Path) -> str:
        dockerfile = context / "Dockerfile"
        if not dockerfile.is_file():
            raise UnsupportedSpec(f"{context} has no Dockerfile; docker can not build it")
        wants_base = re.search(r"^\s*ARG\s+BASE\b", dockerfile.read_text(), re.M | re.I) is not None
        arguments = {"BASE": self._base()} if wants_base else {}
        key = _digest(json.dumps([tree_digest(context), arguments and self.inspect(arguments["BASE"])["Id"]]))
        tag = f"{_BUILD_REPOSITORY}:{key}"
        if self._labelled(tag) == key:
            return tag
        log: list[str] = []
        for line in self._daemon.api.build(
            path=os.fspath(context),
            tag=tag,
            rm=True,
            forcerm=True,
            decode=True,
            buildargs=arguments,
            labels={CONTENT_LABEL: key},
        ):
            log.append(line.get("stream") or line.get("error") or "")
            if "error" in line:
                raise EnvironmentBuildFailed(f"docker build of {context} failed:\n{''.join(log)[-3000:]}")
        return tag

    def _find(self, tag: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._daemon.told(lambda: self._daemon.api.inspect_image(tag))
        except SandboxGone:
            return None
        return found

    def _labelled(self, tag: str) -> str | None:
        if tag not in self._known:
            found = self._find(tag)
            if found is None:
                return None
            if tag != _BASE_TAG:
                self._known[tag] = found
            return (found["Config"].get("Labels") or {}).get(CONTENT_LABEL)
        return (self._known[tag]["Config"].get("Labels") or {}).get(CONTENT_LABEL)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tree_digest(folder: Path) -> str:
    """Of the names, modes and contents of all files below."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = os.fspath(path.relative_to(folder))
        if path.is_symlink():
            digest.update(f"{name}\0link\0{path.readlink()}\0".encode())
        elif path.is_file():
            digest.update(f"{name}\0{path.stat().st_mode & 0o777:o}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def owner_label() -> str:
    """This process, told apart from every other of any boot: by it a later sweep knows what nobody owns."""
    return f"{boot_id()}:{owner_mark()}"
