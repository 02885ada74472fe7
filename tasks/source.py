"""Sources: a repository snapshot, taken once, content-addressed, with licence and revision.

`fetch_source` understands pypi:NAME==VERSION (the sdist, fetched with pip), git+URL@REV, and a path.
"""

import json
import shutil
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tasks._fetch import Fetched, fetch_folder, fetch_git, fetch_sdist
from tasks._metadata import read_license
from tasks._scratch import scratch_in, write_at_once
from tasks._tree import FileEntry, copy_entries, fix_times, list_files, publish, tree_hash
from tasks.errors import BadSource
from tasks.paths import hidden_paths, is_hidden

MAX_BYTES = 500_000_000
MAX_FILES = 50_000


class Source(BaseModel):
    """A snapshot on this machine, under `CACHE/sources/HASH/`.

    `code` is what an agent may see; `protected` holds what it never sees (tests and their data, conftest,
    CI and test configuration); laid over one another they are the repository. What is visible but may
    not be changed (build configuration) lies in `code`: `tasks.paths.is_protected` names it.
    Neither is ever written to after it was made. `PKG-INFO` and `entry_points.txt`, where an
    sdist has them, lie beside them.
    """

    model_config = ConfigDict(frozen=True)

    spec: str = Field(description="as the user gave it")
    hash: str = Field(description="sha256 over sorted paths, modes and contents of the whole tree")
    name: str = Field(description="repository or distribution name, e.g. sqlparse")
    version: str = Field("", description="of the distribution where known, e.g. 0.6.1")
    revision: str
    license: str
    code: Path
    protected: Path

    def python_files(self) -> list[str]:
        """Paths of importable, non-test Python files, relative, sorted."""
        ignored = ("setup.py", "docs/", "doc/", "examples/", "example/", "benchmarks/", "scripts/", "tools/", ".")
        files = (path.relative_to(self.code).as_posix() for path in self.code.rglob("*.py") if path.is_file())
        return sorted(path for path in files if not path.startswith(ignored) and not is_hidden(path))


def fetch_source(spec: str, *, cache: Path) -> Source:
    """Take the snapshot, or find it in the cache. Raises BadSource with what to do."""
    sources = cache.resolve() / "sources"
    if (known := _find_pinned(spec, sources)) is not None:
        return known
    with scratch_in(sources) as scratch:
        fetched = _fetch(spec, scratch, sources.parent)
        source = _snapshot(spec, fetched, sources)
    if fetched.is_pinned:
        _remember_pinned(spec, source, sources)
    return source


def _fetch(spec: str, scratch: Path, cache: Path) -> Fetched:
    if spec.startswith("pypi:"):
        name, separator, version = spec.removeprefix("pypi:").partition("==")
        if not separator or not name.strip() or not version.strip():
            raise BadSource(f"{spec!r}: write a package source as pypi:NAME==VERSION, e.g. pypi:sqlparse==0.6.1")
        return fetch_sdist(name.strip(), version.strip(), scratch, max_bytes=MAX_BYTES)
    if spec.startswith("git+"):
        return fetch_git(spec, scratch, cache / "histories")
    folder = Path(spec).expanduser()
    if not folder.is_dir():
        raise BadSource(f"{spec!r} is no folder. A source is pypi:NAME==VERSION, git+URL@REV or an existing folder.")
    return fetch_folder(folder.resolve())


def _snapshot(spec: str, fetched: Fetched, sources: Path) -> Source:
    entries = list_files(fetched.tree, fetched.files)
    _check_size(spec, entries)
    if not any(entry.path.endswith(".py") for entry in entries):
        raise BadSource(f"{spec!r} holds no Python file; give the root of a Python repository.")
    digest = tree_hash(entries)
    folder = sources / digest
    source = Source(
        spec=spec,
        hash=digest,
        name=fetched.name,
        version=fetched.version,
        revision=fetched.revision or digest[:12],
        license=read_license(fetched.tree),
        code=folder / "code",
        protected=folder / "protected",
    )
    if folder.is_dir():
        return source
    with scratch_in(sources) as scratch:
        new = scratch / "source"
        hidden = hidden_paths([entry.path for entry in entries])
        copy_entries([entry for entry in entries if entry.path not in hidden], new / "code")
        copy_entries([entry for entry in entries if entry.path in hidden], new / "protected")
        if (fetched.tree / "PKG-INFO").is_file():
            shutil.copyfile(fetched.tree / "PKG-INFO", new / "PKG-INFO")
        for points in sorted(fetched.tree.glob("**/*.egg-info/entry_points.txt"))[:1]:
            shutil.copyfile(points, new / "entry_points.txt")
        (new / "source.json").write_text(source.model_dump_json(indent=2, exclude={"code", "protected"}) + "\n")
        fix_times(new / "code")
        fix_times(new / "protected")
        publish(new, folder)
    return source


def _check_size(spec: str, entries: list[FileEntry]) -> None:
    size = sum(entry.size for entry in entries)
    if size > MAX_BYTES or len(entries) > MAX_FILES:
        raise BadSource(
            f"{spec!r} holds {len(entries)} files of {size / 1e6:.0f} MB; at most {MAX_FILES} files of "
            f"{MAX_BYTES / 1e6:.0f} MB are taken. Give a smaller folder, or ignore data files by .gitignore."
        )


def _pin_file(spec: str, sources: Path) -> Path:
    return sources / "specs" / f"{sha256(spec.encode()).hexdigest()[:32]}.json"


def _find_pinned(spec: str, sources: Path) -> Source | None:
    file = _pin_file(spec, sources)
    if not file.is_file():
        return None
    fields = json.loads(file.read_text())
    folder = sources / fields["hash"]
    if not folder.is_dir():
        return None
    return Source(**fields, code=folder / "code", protected=folder / "protected")


def _remember_pinned(spec: str, source: Source, sources: Path) -> None:
    write_at_once(_pin_file(spec, sources), source.model_dump_json(exclude={"code", "protected"}).encode())
