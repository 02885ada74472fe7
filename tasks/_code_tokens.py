"""Code as words that say what it does: the syntax tree in reading order, without layout and comments.

A file is cut into pieces (functions, methods, the headers of classes, what is left of the module), so that a change is
compared within the definitions that it touches, wherever these stand. Files that are not Python are cut into words.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Word(NamedTuple):
    """One step of the reading. `kind`: '' for structure, 'name' for identifiers, else the type of a constant."""

    kind: str
    text: str


class ChangedPiece(NamedTuple):
    """A piece that differs: its words before and after; empty where it is not there on that side."""

    before: tuple[Word, ...]
    after: tuple[Word, ...]


_CLOSE, _OPEN, _END = Word("", ")"), Word("", "("), Word("", ";")
_PLAIN = re.compile(r"\w+|[^\w\s]")
_SKIPPED = ("ctx", "type_comment", "kind")
# Where one of these is empty, what comes next says so; the other lists need their brackets (`[f(), x]`, `[f(x)]`).
_SILENT = ("decorator_list", "posonlyargs", "kwonlyargs", "kw_defaults", "defaults", "keywords", "orelse", "finalbody",
           "type_params", "type_ignores", "ifs", "patterns", "kwd_attrs", "kwd_patterns")  # fmt: skip
_SINGLETONS = (None, True, False, Ellipsis)


def changed_pieces(before: Mapping[str, bytes | None], after: Mapping[str, bytes | None]) -> list[ChangedPiece]:
    """The pieces that two versions of some files differ in, in order of path and place. Layout alone is no change."""
    found: list[ChangedPiece] = []
    for path in sorted({*before, *after}):
        old, new = before.get(path) or b"", after.get(path) or b""
        if old == new:
            continue
        old_pieces, new_pieces = _both(path, old, new)
        names = [*new_pieces, *(name for name in old_pieces if name not in new_pieces)]
        for name in names:
            piece = ChangedPiece(old_pieces.get(name, ()), new_pieces.get(name, ()))
            if piece.before != piece.after:
                found.append(piece)
    return found


def _both(path: str, old: bytes, new: bytes) -> tuple[dict[str, tuple[Word, ...]], dict[str, tuple[Word, ...]]]:
    """Pieces of both sides, cut the same way: as Python only if both sides are."""
    if path.endswith((".py", ".pyi")):
        try:
            return _python_pieces(old), _python_pieces(new)
        except (SyntaxError, ValueError, RecursionError):
            pass
    return {"": tuple(_plain_words(old))}, {"": tuple(_plain_words(new))}


def _plain_words(data: bytes) -> Iterator[Word]:
    for text in _PLAIN.findall(data.decode("utf-8", "replace")):
        is_name = text[0].isalpha() or text[0] == "_"
        yield Word("name" if is_name else "int" if text[0].isdigit() else "", text)


def _python_pieces(data: bytes) -> dict[str, tuple[Word, ...]]:
    """Qualified name -> words. A name that stands twice gets a number; '' is the module's own level."""
    pieces: dict[str, tuple[Word, ...]] = {}

    def put(name: str, words: Sequence[Word]) -> None:
        number = 1
        while (numbered := name if number == 1 else f"{name} {number}") in pieces:
            number += 1
        pieces[numbered] = tuple(words)

    def level(statements: Sequence[ast.stmt], prefix: str) -> list[Word]:
        """Words of a level's own statements; definitions leave only their names there."""
        own: list[Word] = []
        for statement in statements:
            if isinstance(statement, Function):
                put(prefix + statement.name, list(_words(statement)))
                own += (Word("", "def"), Word("name", statement.name), _END)
            elif isinstance(statement, ast.ClassDef):
                header = [word for part in (*statement.decorator_list, *statement.bases, *statement.keywords)
                          for word in _words(part)]  # fmt: skip
                inner = level(statement.body, f"{prefix}{statement.name}.")
                name = Word("name", statement.name)
                put(prefix + statement.name, (Word("", "class"), name, _OPEN, *header, _CLOSE, *inner))
                own += (Word("", "class"), name, _END)
            else:
                own += (*_words(statement), _END)
        return own

    put("", level(ast.parse(data).body, ""))
    return pieces


def _words(node: ast.AST) -> Iterator[Word]:
    """A node and what is below it. Lists of other than one item are in brackets: nothing else tells where they end."""
    if isinstance(node, ast.Constant):
        if any(node.value is value for value in _SINGLETONS):
            yield Word("", str(node.value))
        else:
            yield Word(type(node.value).__name__, repr(node.value))
        return
    if isinstance(node, ast.Name):
        yield Word("name", node.id)
        return
    if not isinstance(node, ast.Expr):
        yield Word("", type(node).__name__)
    for name, value in ast.iter_fields(node):
        if name in _SKIPPED or value is None:
            continue
        if isinstance(value, ast.AST):
            yield from _words(value)
        elif isinstance(value, list):
            if value or name not in _SILENT:
                yield from _list(value)
        elif isinstance(value, str):
            yield Word("name", value)
        elif value:  # level of a relative import, conversion of an f-string's field
            yield Word("", f"{name} {value}")


def _list(items: list[object]) -> Iterator[Word]:
    is_bracketed = len(items) != 1 or isinstance(items[0], ast.stmt)
    if is_bracketed:
        yield _OPEN
    for item in items:
        if isinstance(item, ast.AST):
            yield from _words(item)
        elif isinstance(item, str):
            yield Word("name", item)
        else:  # the missing key of `{**other}`, the missing default of a keyword
            yield Word("", "none")
        if isinstance(item, ast.stmt):
            yield _END
    if is_bracketed:
        yield _CLOSE
