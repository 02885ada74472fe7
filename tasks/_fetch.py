"""Getting a source's tree onto this machine: an sdist, a git revision, a folder. Runs none of its code."""

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from tasks._scratch import scratch_in
from tasks._tree import locked
from tasks.errors import BadSource

_FETCH_TIMEOUT_SEC = 600
_THEIR_HEAD = "refs/gristmill/HEAD"
# No hook, no credential prompt, no large-file filter of the machine may run for a stranger's repository, and nothing
# may go on in the background or write to a user's own.
GIT_OPTIONS = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false"),
)
GIT_ENV = {"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "GIT_OPTIONAL_LOCKS": "0"}

# pip has no public way to download an sdist without running its build backend for metadata, which would
# be the package's code on this machine. Its own finder and session keep the user's indexes, links,
# certificates and credentials; these four calls have been the same since pip 19.3.
_PIP_DOWNLOAD = """
import json, sys
from pip._internal.commands import create_command
from pip._vendor.packaging.specifiers import SpecifierSet
name, wanted, folder = sys.argv[1:]
command = create_command("download")
options, _ = command.parse_args(["--quiet", "--no-binary", ":all:", "--no-deps", name])
with command.main_context():
    session = command.get_default_session(options)
    finder = command._build_package_finder(options, session)
    best = finder.find_best_candidate(name, SpecifierSet(wanted)).best_candidate
    if best is None:
        found = sorted({str(each.version) for each in finder.find_all_candidates(name)})
        print(json.dumps({"missing": found[-10:]}))
        sys.exit()
    answer = session.get(best.link.url_without_fragment, headers={"Accept-Encoding": "identity"}, timeout=180)
    answer.raise_for_status()
    with open(folder + "/" + best.link.filename, "wb") as file:
        file.write(answer.content)
    print(json.dumps({"file": best.link.filename, "sha256": best.link.hash if best.link.hash_name == "sha256" else ""}))
"""


@dataclass(frozen=True)
class Fetched:
    """A tree on this machine, and what is known of it. `files` is None where all of the tree counts."""

    tree: Path
    name: str
    revision: str
    version: str = ""
    files: list[str] | None = None
    is_pinned: bool = False


def fetch_sdist(name: str, version: str, scratch: Path, *, max_bytes: int) -> Fetched:
    """Download and unpack one sdist by pip's own configuration. Raises BadSource."""
    spec = f"pypi:{name}=={version}"
    archive = download_sdist(name, f"=={version}", scratch)
    tree = scratch / "tree"
    unpack(archive, tree, max_bytes=max_bytes)
    roots = [path for path in tree.iterdir() if path.is_dir()]
    if len(roots) != 1:
        raise BadSource(f"{spec}: the sdist {archive.name} does not hold exactly one folder")
    info = roots[0] / "PKG-INFO"
    stated = HeaderParser().parsestr(info.read_text(errors="replace")).get("Version", "") if info.is_file() else ""
    return Fetched(roots[0], name=name, revision=version, version=stated or version, is_pinned=True)


def download_sdist(name: str, wanted: str, folder: Path) -> Path:
    """The best sdist for a specifier such as '==1.0' or '', checked against the index's hash. Raises BadSource."""
    spec = f"{name}{wanted}"
    command = [sys.executable, "-c", _PIP_DOWNLOAD, name, wanted, str(folder)]
    done = _run(command, what=f"download of the sdist of {spec}")
    answer = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout.strip() else None
    if answer is None:
        raise BadSource(f"{spec}: pip could not fetch the sdist: {_last_line(done.stderr)}")
    if "missing" in answer:
        known = ", ".join(answer["missing"]) or "none at all"
        raise BadSource(f"{spec}: the configured indexes have no such sdist (versions with one: {known})")
    archive = folder / str(answer["file"])
    if answer["sha256"] and sha256(archive.read_bytes()).hexdigest() != answer["sha256"]:
        raise BadSource(f"{spec}: {archive.name} does not have the hash that the index names; try again")
    return archive


def fetch_git(spec: str, scratch: Path, histories: Path) -> Fetched:
    """Bring the repository's history here, resolve the revision to a full commit id, check it out. Raises BadSource."""
    url, revision = split_git_spec(spec)
    history, commit = fetch_history(spec, histories)
    tree = scratch / "tree"
    for step in (
        ("clone", "--quiet", "--shared", "--no-checkout", "--", str(history), str(tree)),
        ("-C", str(tree), "checkout", "--quiet", "--detach", commit),
    ):
        done = run_git(*step)
        if done.returncode != 0:
            raise BadSource(f"{spec}: git could not check out {commit}: {_last_line(done.stderr)}")
    name = project_name(tree) or PurePosixPath(urlsplit(url).path).name.removesuffix(".git") or "repository"
    version = _described(tree)
    _write_version_file(tree, version)
    return Fetched(tree, name=name, revision=commit, version=version, is_pinned=revision == commit)


def history_place(spec: str, histories: Path) -> Path:
    """Where the bare repository of a git source lies: one a URL, whatever the revision."""
    return histories / f"{sha256(split_git_spec(spec)[0].encode()).hexdigest()[:32]}.git"


def fetch_history(spec: str, histories: Path) -> tuple[Path, str]:
    """The bare repository with all branches and tags, and the commit that the revision names.

    A commit that is here already is not asked for again, so a pinned source needs no network. Raises BadSource.
    """
    url, revision = split_git_spec(spec)
    place = history_place(spec, histories)
    histories.mkdir(parents=True, exist_ok=True)
    with locked(place.with_suffix(".lock")):
        if not place.is_dir():
            with scratch_in(histories) as scratch:
                _must(spec, "init", "--quiet", "--bare", "--template=", str(scratch / place.name))
                (scratch / place.name).rename(place)
        is_full_id = re.fullmatch(r"[0-9a-f]{40}", revision) is not None
        if is_full_id and _commit_of(place, revision):
            return place, revision
        wanted = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        if revision.startswith("HEAD"):
            wanted.append(f"+HEAD:{_THEIR_HEAD}")
            revision = _THEIR_HEAD + revision.removeprefix("HEAD")
        fetch = ("-C", str(place), "fetch", "--quiet", "--force", "--prune", "--no-tags", "--no-write-fetch-head")
        _must(spec, *fetch, "--", url, *wanted)
        commit = _commit_of(place, revision) or _commit_of(place, revision.removeprefix("origin/"))
        if not commit and is_full_id:  # one that no branch leads to; many servers give it when asked by its name
            run_git(*fetch, "--", url, f"+{revision}:refs/gristmill/{revision}")
            commit = _commit_of(place, revision)
    if not commit:
        named = split_git_spec(spec)[1]
        raise BadSource(f"{spec}: the repository has no revision {named!r}; name a branch, tag or commit")
    return place, commit


def _commit_of(history: Path, revision: str) -> str:
    found = run_git(
        "-C", str(history), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    return found.stdout.strip() if found.returncode == 0 else ""


def _must(spec: str, *arguments: str) -> None:
    done = run_git(*arguments)
    if done.returncode != 0:
        raise BadSource(f"{spec}: git could not clone {split_git_spec(spec)[0]}: {_fatal_line(done.stderr)}")


def split_git_spec(spec: str) -> tuple[str, str]:
    """`git+URL@REV` to (URL, REV); REV is HEAD where none is named. The @ of a user name is none."""
    url = spec.removeprefix("git+")
    start = url.find("/", url.find("://") + 3) if "://" in url else url.find("/")
    at = url.find("@", max(start, 0))
    if not url or at == len(url) - 1:
        raise BadSource(f"{spec!r}: write a git source as git+URL@REV, e.g. git+https://host/owner/name.git@v1.0")
    return (url, "HEAD") if at < 0 else (url[:at], url[at + 1 :])


def fetch_folder(folder: Path) -> Fetched:
    """A folder as it is; where git tracks it, what .gitignore names is left out."""
    name = project_name(folder) or folder.name
    inside = run_git("-C", str(folder), "rev-parse", "--show-toplevel")
    if inside.returncode != 0 or Path(inside.stdout.strip()).resolve() != folder:
        return Fetched(folder, name=name, revision="", version="")
    listed = run_git("-C", str(folder), "ls-files", "-co", "--exclude-standard", "-z")
    if listed.returncode != 0:
        raise BadSource(f"{folder}: git could not list its files: {_last_line(listed.stderr)}")
    head = run_git("-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD").stdout.strip()
    is_dirty = bool(run_git("-C", str(folder), "status", "--porcelain").stdout.strip())
    revision = f"{head}-dirty" if head and is_dirty else head
    files = [path for path in listed.stdout.split("\0") if path]
    return Fetched(folder, name=name, revision=revision, version=_described(folder), files=files)


def project_name(tree: Path) -> str:
    """`[project] name` of pyproject.toml, or ''."""
    document = _pyproject(tree)
    name = document.get("project", {}).get("name") or document.get("tool", {}).get("poetry", {}).get("name")
    return name if isinstance(name, str) else ""


def _pyproject(tree: Path) -> dict[str, Any]:
    file = tree / "pyproject.toml"
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSource(f"{file.name} of the source cannot be read: {error}") from error


def unpack(archive: Path, target: Path, *, max_bytes: int) -> None:
    """Unpack a tar or zip archive; nothing outside `target`, no devices, no links out, at most `max_bytes`."""
    too_large = BadSource(f"{archive.name} unpacks to more than {max_bytes / 1e6:.0f} MB; it is not taken")
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as zipped:
                if sum(info.file_size for info in zipped.infolist()) > max_bytes:
                    raise too_large
                zipped.extractall(target)
            return
        with tarfile.open(archive) as tar:
            total = 0
            for member in tar:
                total += member.size
                if total > max_bytes:
                    raise too_large
                tar.extract(member, target, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise BadSource(f"{archive.name} cannot be unpacked safely: {error}") from error


def _write_version_file(tree: Path, version: str) -> None:
    """The module that setuptools-scm or hatch-vcs would generate: without it many packages cannot be imported."""
    tool = _pyproject(tree).get("tool", {})
    scm = tool.get("setuptools_scm", {})
    vcs = tool.get("hatch", {}).get("build", {}).get("hooks", {}).get("vcs", {})
    named = scm.get("version_file") or scm.get("write_to") or vcs.get("version-file")
    if not isinstance(named, str) or not named.endswith(".py") or ".." in named or (tree / named).exists():
        return
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3]) or (0,)
    (tree / named).parent.mkdir(parents=True, exist_ok=True)
    (tree / named).write_text(
        f"__version__ = version = {version or '0'!r}\n__version_tuple__ = version_tuple = {numbers!r}\n"
    )


def _described(tree: Path) -> str:
    """The version that the nearest tag of a git tree names (v1.2-3-gabc to 1.2), or ''."""
    done = run_git("-C", str(tree), "describe", "--tags", "--abbrev=0")
    found = re.search(r"\d+(\.\d+)+\S*$", done.stdout.strip()) if done.returncode == 0 else None
    return found.group(0) if found else ""


def run_git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Raises BadSource where there is no git, or it does not end."""
    return _run(["git", *GIT_OPTIONS, *arguments], what="git", env=GIT_ENV)


def _run(command: list[str], *, what: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_FETCH_TIMEOUT_SEC,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            check=False,
        )
    except FileNotFoundError as error:
        raise BadSource(f"{command[0]} is not installed; install it, e.g. apt-get install {command[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise BadSource(f"{what} took more than {_FETCH_TIMEOUT_SEC} s; try again or use a local folder") from error


def _fatal_line(text: str) -> str:
    """What git gives as the cause; the lines after it are advice."""
    return next((line for line in text.splitlines() if line.startswith("fatal:")), _last_line(text))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
