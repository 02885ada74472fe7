"""Programs compared as what Python compiles them to: thirty times as fast as by their syntax trees."""

import re
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType

from tasks._pieces import pieces

_PARTS = ("co_name", "co_flags", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_names", "co_varnames",
          "co_freevars", "co_cellvars", "co_code", "co_exceptiontable")  # fmt: skip

_OBJECT_BASE = re.compile(rb"^([ \t]*class[ \t]+\w+)[ \t]*\([ \t]*(?:object[ \t]*)?\)[ \t]*:", re.M)  # said or not


@lru_cache(maxsize=64)
def compiled(content: bytes) -> CodeType:
    """The code of a module; only to be looked at. Raises SyntaxError, ValueError."""
    return compile(content, "", "exec", dont_inherit=True)


@lru_cache(maxsize=256)
def unlike_parts(before: bytes, after: bytes) -> tuple[CodeType, CodeType]:
    """What to compare instead of two modules: they are the same, or hold the same scopes, where these are and do.

    Raises SyntaxError, ValueError.
    """
    return pieces(before, after) or (compiled(before), compiled(after))


def check_compiles(before: bytes, after: bytes) -> None:
    """Raises SyntaxError, ValueError where `after` does not. `before`: what it was made of, if that is known."""
    try:
        unlike_parts(before, after)
    except (SyntaxError, ValueError):
        compiled(after)


def is_same_program(before: bytes, after: bytes) -> bool:
    """Both do the same, but for the numbers of their lines: the edit changed nothing that runs.

    Raises SyntaxError, ValueError.
    """
    if _is_same(*unlike_parts(before, after)):
        return True
    if before.count(b"object") == after.count(b"object"):
        return False
    plain = [_OBJECT_BASE.sub(rb"\1:", content) for content in (before, after)]
    return plain != [before, after] and _is_same(*map(compiled, plain))


def codes_of(code: CodeType) -> Iterator[CodeType]:
    """It and all that is in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_of(constant)


def _is_same(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return all(getattr(one, part) == getattr(other, part) for part in _PARTS) and _is_same(
            one.co_consts, other.co_consts
        )
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return one == other if isinstance(one, frozenset) else repr(one) == repr(other)
