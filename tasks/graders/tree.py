"""The `tree` grader: which files lie below a folder, what is in them, and who may run them."""

import fnmatch
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tasks.graders._reading import plain, shown
from tasks.graders._sandboxed import NoAnswer, ask_inside
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed

_FIELDS = {"text", "sha256", "contains", "matches", "mode", "executable", "folder", "link", "ignore_space"}
_MOST_FILES = 20_000
_MOST_BYTES = 5_000_000
_MOST_PARTIAL = 0.999


@dataclass(frozen=True)
class TreeData:
    """`files`: path to a text (the content), null (must be there) or a mapping:

    text, sha256, contains (texts), matches (pattern, somewhere), ignore_space, executable, mode ("0644"), folder
    (true), link (target). `absent`: globs of what must not be there. `extra`: other files may be there too, else only
    those that `ignore` has globs for. Paths count from `output`, a folder.
    """

    files: dict[str, str | dict[str, Any] | None] = field(default_factory=dict)
    output: str = "."
    absent: list[str] = field(default_factory=list)
    extra: bool = True
    ignore: list[str] = field(default_factory=list)
    partial: bool = True


class TreeGrader:
    name = "tree"
    Data = TreeData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade for files with unknown fields, nothing to look at, or a sandbox without Python."""
        _check(data)
        request = {"folder": data.output, "most": _MOST_FILES}
        try:
            answer = await ask_inside(work, "list_tree", request, timeout_sec=30)
        except NoAnswer as reason:
            return failed(data.output, f"its files could not be listed: {reason}")
        if "error" in answer:
            return failed(data.output, str(answer["error"])[:300])
        there: dict[str, dict[str, Any]] = answer["entries"]
        parts = []
        for path, wanted in data.files.items():
            fault = await _fault(work, path, wanted if isinstance(wanted, dict | str) else {}, there.get(path), data)
            parts.append(Part(path, not fault, fault))
        for pattern in data.absent:
            found = [path for path in there if fnmatch.fnmatchcase(path, pattern)]
            parts.append(Part(f"no {pattern}", not found, shown(", ".join(found[:5]))))
        if not data.extra:
            known = {parent for path in data.files for parent in _parents(path)} | set(data.files)
            ignored = [path for path in there if any(fnmatch.fnmatchcase(path, each) for each in data.ignore)]
            known |= set(ignored) | {parent for path in ignored for parent in _parents(path)}
            more = [path for path in there if path not in known]
            parts.append(Part("nothing else", not more, shown(", ".join(more[:5]))))
        right = sum(part.passed for part in parts)
        if right == len(parts):
            return Grade(1.0, tuple(parts))
        return Grade(min(_MOST_PARTIAL, right / len(parts)) if data.partial else 0.0, tuple(parts))


def _check(data: TreeData) -> None:
    if not data.files and not data.absent and data.extra:
        raise CannotGrade("tree: `files` or `absent` must say something, or `extra` be false")
    for path, wanted in data.files.items():
        if path.startswith("/") or ".." in path.split("/"):
            raise CannotGrade(f"tree: {path}: paths are relative to `output`, without `..`")
        if isinstance(wanted, dict) and (unknown := set(wanted) - _FIELDS):
            raise CannotGrade(f"tree: {path} has unknown fields: {', '.join(sorted(unknown))}")


async def _fault(
    work: Work, path: str, wanted: str | dict[str, Any], entry: dict[str, Any] | None, data: TreeData
) -> str:
    """What is wrong with one path; empty where nothing is."""
    rules = {"text": wanted} if isinstance(wanted, str) else wanted
    if entry is None:
        return "not there"
    kind = "folder" if rules.get("folder") else "link" if "link" in rules else "file"
    if entry["kind"] != kind:
        return f"a {kind} is wanted, it is a {entry['kind']}"
    if "link" in rules:
        return "" if entry["target"] == rules["link"] else "it leads elsewhere"
    mode = int(entry["mode"], 8)
    if "mode" in rules and mode != int(str(rules["mode"]), 8):
        return f"its mode is {entry['mode']}"
    if "executable" in rules and bool(mode & 0o100) != rules["executable"]:
        return "it is not executable" if rules["executable"] else "it is executable"
    if not set(rules) & {"text", "sha256", "contains", "matches"}:
        return ""
    content = await work.read(path if data.output in ("", ".") else f"{data.output}/{path}", max_bytes=_MOST_BYTES)
    return "it cannot be read, or is too large" if content is None else _content_fault(content, rules)


def _content_fault(content: bytes, rules: dict[str, Any]) -> str:
    if "sha256" in rules and sha256(content).hexdigest() != rules["sha256"].lower():
        return "its content is another one"
    if not set(rules) & {"text", "contains", "matches"}:
        return ""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return "it is not UTF-8"
    if "text" in rules:
        same = text == rules["text"]
        if rules.get("ignore_space"):
            same = plain(text, ignore_case=False) == plain(rules["text"], ignore_case=False)
        if not same:
            return "its content is another one"
    contains = rules.get("contains", [])
    lacking = [each for each in ([contains] if isinstance(contains, str) else contains) if each not in text]
    if lacking:
        return f"it lacks {len(lacking)} of the texts that it must contain"
    if "matches" in rules and not re.search(rules["matches"], text[:200_000], re.MULTILINE):
        return "it does not match its pattern"
    return ""


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]
