"""Archives and layers: the same files give the same bytes; a layer is unpacked once and found by content."""

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from tasks._scratch import scratch_in
from tasks._tree import fix_times, publish
from tasks.errors import BadTaskFolder, TaskFault

_MAX_UNPACKED = 2_000_000_000
# One fixed author and time: the commit's id says nothing but its content.
_GIT_DATE = "2026-01-01T00:00:00 +0000"


def pack(folders: Sequence[Path], keep: frozenset[str] | None = None) -> bytes:
    """A .tar.gz of these folders laid over one another, of the paths in `keep` where given."""
    files = {path.relative_to(folder).as_posix(): path for folder in folders for path in sorted(folder.rglob("*"))}
    stream = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", mtime=0, compresslevel=6) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, path in sorted(files.items()):
            if (path.is_dir() and not path.is_symlink()) or (keep is not None and name not in keep):
                continue
            info = tarfile.TarInfo(name)
            if path.is_symlink():
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
                tar.addfile(info)
            else:
                content = path.read_bytes()
                info.size, info.mode = len(content), 0o755 if os.access(path, os.X_OK) else 0o644
                tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def archive_layer(archive: Path, cache: Path) -> Path:
    """The archive's content as a folder CACHE/layers/HASH. Raises BadTaskFolder."""
    content = archive.read_bytes()
    place = _layers(cache) / sha256(content).hexdigest()[:32]
    if place.is_dir():
        return place
    with scratch_in(place.parent) as scratch:
        new = scratch / "layer"
        new.mkdir()
        try:
            with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                if sum(member.size for member in tar) > _MAX_UNPACKED:
                    raise BadTaskFolder(f"{archive}: unpacks to more than {_MAX_UNPACKED // 10**6} MB")
                tar.extractall(new, filter="data")
        except (tarfile.TarError, OSError, EOFError) as error:
            raise BadTaskFolder(f"{archive}: cannot be unpacked: {error}") from error
        fix_times(new)
        publish(new, place)
    return place


def files_layer(files: Mapping[str, bytes], cache: Path, *, seconds: int = 0) -> Path:
    """A layer of these files; an existing file of the same path below it is hidden by it.

    `seconds`: their time. Bytecode is taken for that of any source with the same time and size, so files that take
    the place of others with bytecode need another.
    """
    digest = sha256(b"files\0" + (str(seconds).encode() if seconds else b""))
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{sha256(content).hexdigest()}\n".encode())
    place = _layers(cache) / digest.hexdigest()[:32]
    if place.is_dir():
        return place
    with scratch_in(place.parent) as scratch:
        new = scratch / "layer"
        new.mkdir()
        for path, content in files.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_bytes(content)
            (new / path).chmod(0o644)
        fix_times(new, seconds)
        publish(new, place)
    return place


def git_layer(layers: Sequence[Path], cache: Path) -> Path:
    """A layer with only `.git`: a new repository whose one commit is what the layers show together.

    No object of the clean code is in it, so an agent's git shows its own changes and nothing else.
    """
    place = (
        _layers(cache)
        / sha256("\n".join(("git", *(layer.name for layer in layers), *map(str, layers))).encode()).hexdigest()[:32]
    )
    if place.is_dir():
        return place
    with scratch_in(place.parent) as scratch:
        tree, new = scratch / "tree", scratch / "layer"
        for layer in layers:
            shutil.copytree(layer, tree, symlinks=True, dirs_exist_ok=True)
        _commit_all(tree)
        new.mkdir()
        (tree / ".git").rename(new / ".git")
        publish(new, place)
    return place


def _commit_all(tree: Path) -> None:
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(tree.parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": _GIT_DATE,
        "GIT_COMMITTER_DATE": _GIT_DATE,
    }
    identity = ["-c", "user.name=Gristmill", "-c", "user.email=gristmill@localhost", "-c", "gc.auto=0"]
    for command in (
        ["init", "--quiet", "--template=", "--initial-branch=main"],
        ["add", "--all", "--force"],
        ["commit", "--quiet", "--no-verify", "--allow-empty", "--message", "The code as it is"],
        ["repack", "--quiet", "-a", "-d"],
    ):
        try:
            done = subprocess.run(["git", *identity, *command], cwd=tree, env=env, capture_output=True, text=True,
                                  timeout=300, check=False)  # fmt: skip
        except FileNotFoundError as error:
            raise TaskFault(
                "git is not installed, and an agent's folder has a repository: apt-get install git"
            ) from error
        if done.returncode != 0:
            raise TaskFault(f"git {command[0]} failed: {done.stderr.strip()[-500:]}")
    # no trace of how it was made
    shutil.rmtree(tree / ".git" / "logs", ignore_errors=True)


def _layers(cache: Path) -> Path:
    folder = cache.resolve() / "layers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
