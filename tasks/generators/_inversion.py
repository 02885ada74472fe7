"""A commit taken back on a snapshot: of each of its files the old version, merged with what came later."""

import ast
from collections.abc import Callable
from dataclasses import dataclass

from tasks.history import FileEdit, merge_file
from tasks.source import Source


@dataclass(frozen=True)
class Inversion:
    """What differs from the snapshot afterwards. `kept`: documents that later commits changed too, left as they are."""

    files: dict[str, bytes]
    absent: tuple[str, ...]
    kept: tuple[str, ...] = ()


class DoesNotInvert(Exception):
    """A file has changed since in the same place; the message names it."""


def invert(source: Source, edits: list[FileEdit], documents: list[FileEdit], read: Callable[[str], bytes]) -> Inversion:
    """Take `edits` back, all or none, and of the `documents` those that can be. Raises DoesNotInvert."""
    states = {edit.path: _inverted(source, edit, read) for edit in edits}
    kept = []
    for edit in documents:
        try:
            states[edit.path] = _inverted(source, edit, read)
        except DoesNotInvert:
            kept.append(edit.path)
    files: dict[str, bytes] = {}
    absent = []
    for path, data in states.items():
        now = snapshot_file(source, path)
        if data is None and now is not None:
            absent.append(path)
        elif data is not None and data != now:
            files[path] = data
    return Inversion(files, tuple(absent), tuple(kept))


def snapshot_file(source: Source, path: str) -> bytes | None:
    file = source.code / path
    return file.read_bytes() if file.is_file() and not file.is_symlink() else None


def _inverted(source: Source, edit: FileEdit, read: Callable[[str], bytes]) -> bytes | None:
    """The file's content without the commit; None where it is not there then."""
    now = snapshot_file(source, edit.path)
    before = read(edit.old_blob) if edit.old_mode else None
    after = read(edit.new_blob) if edit.new_mode else None
    if now in (before, after):
        return before
    if now is None:
        raise DoesNotInvert(f"{edit.path} is not there any more")
    if after is None:
        raise DoesNotInvert(f"{edit.path} is there again")
    if before is None:
        raise DoesNotInvert(f"{edit.path} has changed since it was added")
    merged = merge_file(now, after, before)
    if merged is None:
        raise DoesNotInvert(f"{edit.path} has changed since in the same lines")
    if edit.path.endswith(".py") and not _parses(merged) and _parses(now):
        raise DoesNotInvert(f"{edit.path} would not parse")
    return merged


def _parses(data: bytes) -> bool:
    try:
        ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True
