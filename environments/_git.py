"""Git as a pure function: changes to text, and text to changes, by way of a throw-away object store.

No work tree is ever written, so names, links and modes are never at the mercy of a file system.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path

from environments.diff import EXECUTABLE, REGULAR, FileChange, check_path
from environments.errors import BadDiff, EnvironmentFault

Blob = tuple[int, bytes]
_TIMEOUT_SEC = 60
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_./+=,@%^~#-]+")
_HEADER = re.compile(r"^diff --git (?P<names>.+)$|^(?:old mode|deleted file mode|index \S+) (?P<mode>\d{6})$", re.M)


class _Store:
    """A git object store in a scratch folder, outside any repository and blind to the user's git settings."""

    def __init__(self, folder: Path) -> None:
        for name in ("objects", "refs/heads", "info"):
            (folder / name).mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/after\n")
        (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tquotePath = false\n")
        self._folder = folder
        self._env = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "GIT_DIR": str(folder),
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
        }

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        try:
            done = subprocess.run(
                ["git", *arguments],
                input=stdin,
                capture_output=True,
                cwd=self._folder,
                env=self._env,
                timeout=_TIMEOUT_SEC,
                check=False,
            )
        except FileNotFoundError as error:
            raise EnvironmentFault("git is not installed; install it: apt-get install git") from error
        if done.returncode:
            raise BadDiff(done.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed")
        return done.stdout

    def attribute(self, line: str) -> None:
        (self._folder / "info/attributes").write_text(line + "\n")

    def load(self, trees: Mapping[str, Mapping[str, Blob]]) -> None:
        """Make one commit a tree, on a branch of the given name."""
        stream: list[bytes] = []
        for branch, files in trees.items():
            stream.append(b"commit refs/heads/%s\ncommitter x <x> 0 +0000\ndata 0\n" % branch.encode())
            for path, (mode, data) in sorted(files.items()):
                stream.append(b"M %o inline %s\ndata %d\n%s\n" % (mode, _quoted(path), len(data), data))
            stream.append(b"\n")
        self.git("fast-import", "--quiet", stdin=b"".join(stream))


@contextmanager
def _store() -> Iterator[_Store]:
    with tempfile.TemporaryDirectory(prefix="gristmill-diff-") as folder:
        yield _Store(Path(folder) / "store")


_SPACED_NAME = re.compile(r"^diff --git a/( .*|.*/ .*) b/\1$", re.MULTILINE)


def render(changes: Iterable[FileChange]) -> str:
    """The text of these changes: first the files that are UTF-8, then the others as binary patches."""
    readable: list[FileChange] = []
    binary: list[FileChange] = []
    for change in changes:
        (readable if _is_text(change.before) and _is_text(change.after) else binary).append(change)
    if all(_is_whole(change) for change in readable):  # as git writes it, without its two processes (15 ms)
        return "".join(map(_whole, readable)) + _rendered(binary, "* -diff")
    return _rendered(readable, "* -text") + _rendered(binary, "* -diff")


def _is_whole(change: FileChange) -> bool:
    """A text that is new or gone as a whole, under a name that git does not quote."""
    is_one_sided = (change.before is None) != (change.after is None)
    return is_one_sided and change.mode in (REGULAR, EXECUTABLE) and _PLAIN_NAME.fullmatch(change.path) is not None


def _whole(change: FileChange) -> str:
    is_new = change.before is None
    data = (change.after if is_new else change.before) or b""
    blob = sha1(b"blob %d\0%s" % (len(data), data), usedforsecurity=False).hexdigest()[:7]
    head = [
        f"diff --git a/{change.path} b/{change.path}",
        f"{'new' if is_new else 'deleted'} file mode {change.mode:o}",
        f"index {'0000000..' + blob if is_new else blob + '..0000000'}",
    ]
    if data:
        lines = data.decode().split("\n")
        count = len(lines) - (not lines[-1])
        some = "1" if count == 1 else f"1,{count}"
        head += [
            f"--- {'/dev/null' if is_new else 'a/' + change.path}",
            f"+++ {'b/' + change.path if is_new else '/dev/null'}",
            f"@@ {'-0,0 +' + some if is_new else '-' + some + ' +0,0'} @@",
        ]
        head += [("+" if is_new else "-") + line for line in lines[:count]]
        head += [] if not lines[-1] else ["\\ No newline at end of file"]
    return "\n".join(head) + "\n"


def apply(text: str, before: Mapping[str, bytes]) -> tuple[FileChange, ...]:
    """The changes that `text` makes to `before`. Raises BadDiff."""
    for path in before:
        check_path(path)
    patch = text.encode()
    if not patch.endswith(b"\n"):
        patch += b"\n"
    modes = _old_modes(text)
    with _store() as store:
        store.load({"before": {path: (modes.get(path, REGULAR), data) for path, data in before.items()}})
        store.git("read-tree", "before")
        store.git("apply", "--cached", "--binary", "--whitespace=nowarn", "-", stdin=patch)
        raw = store.git("diff-index", "--cached", "--raw", "-z", "--no-renames", "--full-index", "before")
        entries = list(_raw_entries(raw))
        wanted = [name for entry in entries for name in (entry[2], entry[3]) if name.strip("0")]
        blobs = _blobs(store.git("cat-file", "--batch", stdin="".join(f"{name}\n" for name in wanted).encode()))
    changes = []
    for old_mode, new_mode, old_name, new_name, path in entries:
        check_path(path)
        mode = new_mode or old_mode
        changes.append(
            FileChange(
                path=path,
                before=blobs.get(old_name),
                after=blobs.get(new_name),
                mode=mode,
                before_mode=old_mode if old_mode and old_mode != mode else None,
            )
        )
    return tuple(sorted(changes, key=lambda change: change.path))


def _rendered(changes: list[FileChange], attributes: str) -> str:
    if not changes:
        return ""
    with _store() as store:
        store.attribute(attributes)
        store.load(
            {
                "before": {c.path: (_before_mode(c), c.before) for c in changes if c.before is not None},
                "after": {c.path: (c.mode, c.after) for c in changes if c.after is not None},
            }
        )
        options = ("--binary", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
        text = store.git("diff-tree", "-p", *options, "--src-prefix=a/", "--dst-prefix=b/", "before", "after").decode()
    # git writes a name that begins with a space as it is, and cannot read it back where no other line repeats it.
    return _SPACED_NAME.sub(r'diff --git "a/\1" "b/\1"', text)


def _before_mode(change: FileChange) -> int:
    if change.before_mode is None and change.before == change.after:
        # The same contents are a change only if the mode is one.
        return EXECUTABLE if change.mode == REGULAR else REGULAR
    return change.old_mode


def _is_text(data: bytes | None) -> bool:
    if data is None:
        return True
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _quoted(path: str) -> bytes:
    return b'"%s"' % path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").encode()


def _raw_entries(raw: bytes) -> Iterator[tuple[int, int, str, str, str]]:
    fields = raw.split(b"\0")
    for header, path in zip(fields[::2], fields[1::2], strict=False):
        old_mode, new_mode, old_name, new_name, _status = header.decode().lstrip(":").split(" ")
        try:
            yield int(old_mode, 8), int(new_mode, 8), old_name, new_name, path.decode()
        except UnicodeDecodeError as error:
            raise BadDiff(f"the path {path!r} is not UTF-8") from error


def _blobs(batch: bytes) -> dict[str, bytes]:
    blobs: dict[str, bytes] = {}
    at = 0
    while at < len(batch):
        end = batch.index(b"\n", at)
        name, _kind, size = batch[at:end].decode().split(" ")
        blobs[name] = batch[end + 1 : end + 1 + int(size)]
        at = end + 2 + int(size)
    return blobs


def _old_modes(text: str) -> dict[str, int]:
    """The modes that the patch says its files had; git needs them to tell a link from a file."""
    modes: dict[str, int] = {}
    path = ""
    for match in _HEADER.finditer(text):
        if names := match["names"]:
            path = _old_name(names)
        elif path:
            modes.setdefault(path, int(match["mode"], 8))
    return modes


def _old_name(names: str) -> str:
    """`a/x b/x` to `x`: the names are equal (no renames in our texts), so each is half of it."""
    half = names[: len(names) // 2]
    if half.startswith('"'):
        return _unquoted(half[1:-1]).removeprefix("a/")
    return half.removeprefix("a/")


def _unquoted(name: str) -> str:
    escapes = {"n": b"\n", "t": b"\t", "r": b"\r", "a": b"\a", "b": b"\b", "f": b"\f", "v": b"\v"}

    def plain(match: re.Match[bytes]) -> bytes:
        code = match[1].decode()
        return bytes([int(code, 8)]) if code.isdigit() else escapes.get(code, code.encode())

    return re.sub(rb"\\([0-7]{3}|.)", plain, name.encode()).decode(errors="replace")
