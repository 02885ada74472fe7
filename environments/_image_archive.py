"""Images in archives on disk, as `docker save`, `podman save` and `skopeo copy` write them: no daemon is asked.

Two forms, and both in one file are common: docker's (`manifest.json`) and the OCI image layout (`index.json`).
Formats: moby image/spec v1.2 ("Combined Image JSON + Filesystem Changeset Format"); OCI image-spec, image-layout.md.
"""

import hashlib
import json
import platform
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from environments.errors import EnvironmentBuildFailed

_MOST_JSON = 32 << 20
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")  # annotations; the first is the whole name
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class ArchivedImage:
    """Where one image is: its archive, the members that hold its layers (lowest first), its configuration."""

    archive: Path
    id: str  # sha256 of the configuration, as docker names it
    layers: tuple[str, ...]
    config: dict[str, Any]

    @contextmanager
    def opened(self) -> Iterator[Iterator[IO[bytes]]]:
        """The layers as files, one after the other. Raises EnvironmentBuildFailed."""
        with _open(self.archive) as tar:
            yield (_layer(self.archive, tar, name) for name in self.layers)


def find_archived(folder: Path, image: str) -> ArchivedImage | None:
    """The image of this name (`name:tag`) in one of the archives of a folder. Raises EnvironmentBuildFailed."""
    if not folder.is_dir():
        return None
    for path in sorted(folder.iterdir()):
        if path.name.endswith((".tar", ".tar.gz", ".tgz", ".tar.xz")):
            with _open(path) as tar:
                for names, read in _entries(path, tar):
                    if _full(image) in map(_full, names):
                        return read()
    return None


@contextmanager
def _open(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, mode="r:*") as tar:
            yield tar
    except (tarfile.TarError, EOFError, OSError, KeyError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise EnvironmentBuildFailed(f"{path}: is no archive of an image, or a broken one ({why})") from error


def _entries(path: Path, tar: tarfile.TarFile) -> Iterator[tuple[list[str], Callable[[], ArchivedImage]]]:
    """The images' names, and what reads each."""
    members = set(tar.getnames())
    if "manifest.json" in members:
        for entry in _json(path, tar, "manifest.json"):
            config, layers = entry["Config"], tuple(entry["Layers"])
            yield entry.get("RepoTags") or [], partial(_read, path, tar, config, layers)
    elif "index.json" in members:
        for entry in _json(path, tar, "index.json")["manifests"]:
            notes = entry.get("annotations") or {}
            names = [notes[name] for name in _NAMES if name in notes]
            yield names, partial(_read_oci, path, tar, entry)
    else:
        raise EnvironmentBuildFailed(
            f"{path}: is no archive of an image: it has neither manifest.json nor index.json; make one by "
            "`docker save --output FILE IMAGE`"
        )


def _read_oci(path: Path, tar: tarfile.TarFile, entry: dict[str, Any]) -> ArchivedImage:
    manifest = _json(path, tar, _blob(entry), entry["digest"])
    if "manifests" in manifest:  # one a platform
        machine = MACHINES.get(platform.machine(), platform.machine())
        for each in manifest["manifests"]:
            if each.get("platform", {}).get("architecture") == machine:
                return _read_oci(path, tar, each)
        raise EnvironmentBuildFailed(f"{path}: has no image for this machine ({machine})")
    layers = tuple(_blob(layer) for layer in manifest["layers"])
    return _read(path, tar, _blob(manifest["config"]), layers)


def _read(path: Path, tar: tarfile.TarFile, config: str, layers: tuple[str, ...]) -> ArchivedImage:
    data = _bytes(path, tar, config)
    return ArchivedImage(path, f"sha256:{hashlib.sha256(data).hexdigest()}", layers, json.loads(data))


def _layer(path: Path, tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(_member(path, tar, name))
    if file is None:
        raise EnvironmentBuildFailed(f"{path}: {name} is no file")
    if file.read(len(_ZSTD)) == _ZSTD:
        raise EnvironmentBuildFailed(
            f"{path}: its layers are compressed by zstd, which is not read here; "
            "save it again by `docker save`, or by skopeo with --dest-compress-format gzip"
        )
    file.seek(0)
    return file


def _json(path: Path, tar: tarfile.TarFile, name: str, digest: str = "") -> Any:
    data = _bytes(path, tar, name)
    if digest and digest != f"sha256:{hashlib.sha256(data).hexdigest()}":
        raise EnvironmentBuildFailed(f"{path}: {name} is not what its digest says; the archive is damaged")
    try:
        return json.loads(data)
    except ValueError as error:
        raise EnvironmentBuildFailed(f"{path}: {name} is no JSON: {error}") from error


def _bytes(path: Path, tar: tarfile.TarFile, name: str) -> bytes:
    member = _member(path, tar, name)
    file = tar.extractfile(member)
    if file is None or member.size > _MOST_JSON:
        raise EnvironmentBuildFailed(f"{path}: {name} is no file of settings")
    return file.read()


def _member(path: Path, tar: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    try:
        return tar.getmember(name)
    except KeyError as error:
        raise EnvironmentBuildFailed(f"{path}: has no {name}; the archive is not whole") from error


def _blob(entry: dict[str, Any]) -> str:
    return "blobs/" + str(entry["digest"]).replace(":", "/", 1)


def _full(name: str) -> str:
    """As the registry's clients understand a name: `debian` is `docker.io/library/debian:latest`."""
    name = name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"
