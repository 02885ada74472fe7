"""Small images as archives on disk, made of this machine's own shell and a few commands: no daemon, no mirror."""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

COMMANDS = ("sh", "bash", "cat", "chmod", "dirname", "env", "head", "id", "ls", "mkdir", "rm", "touch")
Entry = bytes | str | tarfile.TarInfo
"""Of a layer: contents, the target of a link after `-> `, or a header of any kind."""


def programs() -> dict[str, Entry]:
    """The commands with the libraries that they are linked against, each at its place."""
    found: dict[str, Entry] = {}
    for name in COMMANDS:
        path = shutil.which(name)
        assert path is not None
        found[f"bin/{name}"] = Path(path).resolve().read_bytes()
        linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        for library in {word for word in linked.split() if word.startswith("/")}:
            found[library.lstrip("/")] = Path(os.path.realpath(library)).read_bytes()
    return found


def layer(entries: dict[str, Entry], *, uid: int = 0) -> bytes:
    """A layer's tar. A name that ends in `/` is a folder; what lies in a `bin` is executable."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, entry in entries.items():
            info = entry if isinstance(entry, tarfile.TarInfo) else tarfile.TarInfo(name)
            contents = entry.encode() if isinstance(entry, str) else entry if isinstance(entry, bytes) else b""
            if isinstance(entry, tarfile.TarInfo):
                info.name = name
            elif name.endswith("/"):
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(entry, str) and entry.startswith("-> "):
                info.type, info.linkname, contents = tarfile.SYMTYPE, entry[3:], b""
            else:
                info.mode = 0o755 if "bin/" in name or ".so" in name else 0o644
                info.size = len(contents)
            info.uid = info.gid = info.uid or uid
            tar.addfile(info, io.BytesIO(contents))
    return data.getvalue()


def header(kind: bytes, *, mode: int = 0o644, link: str = "", uid: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.mode, info.linkname, info.uid, info.gid = kind, mode, link, uid, uid
    return info


def docker_archive(file: Path, name: str, layers: list[bytes], **config: Any) -> str:
    """As `docker save` writes it; the image's id."""
    settings = json.dumps({"architecture": "any", "os": "linux", "config": config}).encode()
    id_ = hashlib.sha256(settings).hexdigest()
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": f"{id_}.json", "RepoTags": [name], "Layers": names}]
    members = {**dict(zip(names, layers, strict=True)), f"{id_}.json": settings}
    _write(file, {**members, "manifest.json": json.dumps(manifest).encode()})
    return f"sha256:{id_}"


def oci_archive(file: Path, name: str, layers: list[bytes], **config: Any) -> str:
    """The OCI image layout, layers compressed; the image's id."""
    settings = json.dumps({"architecture": "any", "os": "linux", "config": config}).encode()
    blobs = {hashlib.sha256(data).hexdigest(): data for data in [settings, *map(gzip.compress, layers)]}
    config_digest, *layer_digests = blobs
    described = {"schemaVersion": 2, "config": {"digest": f"sha256:{config_digest}"}}
    manifest = json.dumps({**described, "layers": [{"digest": f"sha256:{each}"} for each in layer_digests]}).encode()
    digest = hashlib.sha256(manifest).hexdigest()
    entry = {"digest": f"sha256:{digest}", "annotations": {"io.containerd.image.name": name}}
    members = {f"blobs/sha256/{key}": data for key, data in {**blobs, digest: manifest}.items()}
    _write(file, {**members, "index.json": json.dumps({"manifests": [entry]}).encode()})
    return f"sha256:{config_digest}"


def _write(file: Path, members: dict[str, bytes]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
