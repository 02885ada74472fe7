"""Who can notice that a class has lost methods, or has them in another order: tests that run their bodies.

The body of a class runs when it is imported, so its lines do not tell. But a method without decorators registers
nothing, and whoever calls it runs its lines. Left to the general rule is all that is asked for without a call: special
methods that Python looks for, names in strings (`hasattr`), methods that a base may demand, and what import has run.
"""

import ast
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

from tasks._pieces import class_of
from tasks._statements import clean_text, is_plain
from tasks.candidate import Candidate, Place
from tasks.repository import Repository

_Method = ast.FunctionDef | ast.AsyncFunctionDef
# Their being there is asked without a call: `isinstance` with an abstract class, hashing beside `__eq__`, the making of
# a class. All others are called, or nothing happens.
_LOOKED_FOR = {
    "__aiter__", "__anext__", "__await__", "__bool__", "__buffer__", "__call__", "__class_getitem__", "__contains__",
    "__del__", "__delete__", "__dir__", "__eq__", "__get__", "__getattr__", "__getattribute__", "__getitem__",
    "__hash__", "__init_subclass__", "__iter__", "__len__", "__new__", "__next__", "__reversed__", "__set__",
    "__set_name__", "__slots__", "__subclasshook__",
}  # fmt: skip


def tests_of_methods(candidate: Candidate, place: Place, repository: Repository) -> set[int] | None:
    """Indexes into the stable tests; None: the change is of another kind, or others may notice it."""
    clean, changed = clean_text(repository.source.code / place.path) or b"", candidate.files.get(place.path)
    touched = None if changed is None else _touched(clean, changed, place.first_line)
    if not touched or any(is_asked_for(method.name, repository) for method in touched):
        return None
    lines = {line for method in touched for line in range(method.body[0].lineno, (method.end_lineno or 0) + 1)}
    if lines.intersection(repository.import_lines.get(place.path, ())):
        return None
    reached = repository.reached_by.get(place.path, {})
    return {at for line in lines for at in reached.get(line, ())}


def _touched(clean: bytes, changed: bytes, first_line: int) -> list[_Method]:
    """Methods that are gone or stand elsewhere, where nothing else of the class has changed; else none."""
    before = class_of(clean, clean, first_line)
    after = None if before is None else class_of(clean, changed, first_line)
    if before is None or after is None or _head(before) != _head(after):
        return []
    old, new = ([ast.dump(each) for each in node.body] for node in (before, after))
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    if come - Counter([ast.dump(ast.Pass())]):
        return []
    stay = zip([each for each in old if not gone[each]], [each for each in new if not come[each]], strict=True)
    moved = {each for pair in stay if pair[0] != pair[1] for each in pair}
    touched = [node for node, text in zip(before.body, old, strict=True) if gone[text] or text in moved]
    names = Counter(node.name for node in before.body if isinstance(node, _Method))
    methods = [
        node
        for node in touched
        if isinstance(node, _Method) and not node.decorator_list and names[node.name] == 1
    ]  # fmt: skip
    may_be_demanded = bool(gone) and bool(before.bases)
    return methods if len(methods) == len(touched) and is_plain(before) and not may_be_demanded else []


def _head(node: ast.ClassDef) -> str:
    """A metaclass or another keyword makes it unlike all."""
    parts = [*map(ast.dump, node.bases), *map(ast.dump, node.decorator_list)]
    return "\n".join([node.name, *parts]) if not node.keywords else f"{id(node)}"


def is_asked_for(name: str, repository: Repository) -> bool:
    """Somebody may look whether a method of that name is there, without a call of it."""
    if name in _LOOKED_FOR:
        return True
    pattern = re.compile(rb"['\"]" + re.escape(name.encode()) + rb"['\"]")
    return any(pattern.search(content) for content in _contents(repository.source.code, repository.source.protected))


@lru_cache(maxsize=2)
def _contents(*folders: Path) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for folder in folders for path in folder.rglob("*.py") if path.is_file())
