"""Trees of files: list, hash, copy, and put in place in one step."""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from tasks.errors import BadSource
from tasks.paths import is_junk


@dataclass(frozen=True)
class FileEntry:
    """A file or link of a tree; `mode` is git's (100644, 100755, 120000)."""

    path: str
    location: Path
    mode: int
    size: int

    def content(self) -> bytes:
        """Bytes of the file, or the link's target."""
        return str(self.location.readlink()).encode() if self.mode == 0o120000 else self.location.read_bytes()


def list_files(tree: Path, only: Sequence[str] | None = None) -> list[FileEntry]:
    """Files and links of a tree (or of the paths `only`), sorted, without rubbish.

    Raises BadSource for a link that leads out of the tree.
    """
    paths = only if only is not None else _walk(tree)
    entries = []
    for path in sorted(set(paths)):
        location = tree / path
        if is_junk(path) or not os.path.lexists(location):
            continue
        info = location.lstat()
        if stat.S_ISLNK(info.st_mode):
            _check_link(tree, path, location.readlink())
            entries.append(FileEntry(path, location, 0o120000, 0))
        elif stat.S_ISREG(info.st_mode):
            mode = 0o100755 if info.st_mode & stat.S_IXUSR else 0o100644
            entries.append(FileEntry(path, location, mode, info.st_size))
    return entries


def tree_hash(entries: Iterable[FileEntry]) -> str:
    """sha256 over sorted paths, modes and contents."""
    digest = sha256()
    for entry in sorted(entries, key=lambda entry: entry.path):
        content = sha256(entry.content()).hexdigest()
        digest.update(f"{entry.path}\0{entry.mode:o}\0{content}\n".encode())
    return digest.hexdigest()


def copy_entries(entries: Iterable[FileEntry], target: Path) -> None:
    """Copy entries below `target` (made even if there are none), with git's modes only."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        place = target / entry.path
        place.parent.mkdir(parents=True, exist_ok=True)
        if entry.mode == 0o120000:
            place.symlink_to(entry.location.readlink())
        else:
            shutil.copyfile(entry.location, place)
            place.chmod(0o755 if entry.mode == 0o100755 else 0o644)


def fix_times(folder: Path, seconds: int = 0) -> None:
    """Give every file of a tree one fixed time, so that archives and layers made from it are the same bytes."""
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.utime(Path(root) / name, (seconds, seconds), follow_symlinks=False)
    os.utime(folder, (seconds, seconds))


def publish(new: Path, place: Path) -> None:
    """Move a finished folder to its content-addressed place; one that is there already wins."""
    try:
        new.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        shutil.rmtree(new)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process, however it ends."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _walk(tree: Path) -> list[str]:
    found = []
    for root, folders, files in os.walk(tree):
        base = Path(root).relative_to(tree)
        kept = [name for name in folders if not is_junk((base / name / "x").as_posix())]
        found += [(base / name).as_posix() for name in folders if (Path(root) / name).is_symlink()]
        found += [(base / name).as_posix() for name in files]
        folders[:] = [name for name in kept if not (Path(root) / name).is_symlink() and not _is_venv(Path(root) / name)]
    return found


def _is_venv(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").is_file()


def _check_link(tree: Path, path: str, target: Path) -> None:
    parent = PurePosixPath(path).parent
    resolved = os.path.normpath(parent / target.as_posix())
    if target.is_absolute() or resolved.startswith(".."):
        raise BadSource(f"{path} is a link out of the repository ({target}); remove it or replace it by the file.")
