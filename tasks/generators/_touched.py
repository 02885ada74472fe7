"""Where a change lies in the clean source: the functions that it touches, and names that only the clean side has."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from tasks.candidate import Place

MODULE = "<module>"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Touched:
    """What lies outside of functions has a place of its own: the whole file, since all of it runs at import.

    No place: both sides are the same program.
    """

    places: tuple[Place, ...]
    names: tuple[str, ...]  # defined in the clean file only, e.g. 'wrap' or 'Stack.peek'


def touched(path: str, clean: bytes, changed: bytes) -> Touched:
    """Both sides must be Python. Raises SyntaxError and ValueError."""
    lines = changed_lines(clean, changed)
    tree, other = ast.parse(clean), ast.parse(changed)
    definitions = list(_definitions(tree))
    names = {name for name, _ in definitions} - {name for name, _ in _definitions(other)}
    names |= _assigned(tree) - _assigned(other)
    if path.endswith("__init__.py"):  # elsewhere an import is for the module itself
        names |= _imported(tree) - _imported(other)
    functions = [(name, node) for name, node in definitions if isinstance(node, Function)]
    places = []
    left = set(lines)
    for name, node in functions:
        first, last = node.lineno, node.end_lineno or node.lineno
        inside = tuple(line for line in lines if first <= line <= last)
        if inside and _differs(name, node, other):
            places.append(Place(path=path, symbol=name, first_line=first, last_line=last, changed_lines=inside))
        left -= set(inside)
    if _skeleton(tree) != _skeleton(other):
        places.append(whole_file(path, clean, tuple(sorted(left or lines))))
    return Touched(tuple(places), tuple(sorted(names)))


def whole_file(path: str, clean: bytes, lines: tuple[int, ...] | None = None) -> Place:
    """Of all of a file; `lines`, where not all of it is changed."""
    last = max(1, len(clean.splitlines()))
    changed = tuple(range(1, last + 1)) if lines is None else lines
    return Place(path=path, symbol=MODULE, first_line=1, last_line=last, changed_lines=changed)


def changed_lines(clean: bytes, changed: bytes) -> tuple[int, ...]:
    """Lines of the clean file that differ, from 1; where something new stands, the lines on both sides of it."""
    old, new = clean.splitlines(), changed.splitlines()
    shortest = min(len(old), len(new))
    head = next((at for at in range(shortest) if old[at] != new[at]), shortest)
    tail = next((at for at in range(shortest - head) if old[-1 - at] != new[-1 - at]), shortest - head)
    matcher = SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail], autojunk=False)
    found: set[int] = set()
    for tag, start, end, _, _ in matcher.get_opcodes():
        if tag == "insert":
            found |= {head + start, head + start + 1}
        elif tag != "equal":
            found |= set(range(head + start + 1, head + end + 1))
    return tuple(sorted(line for line in found if 1 <= line <= max(1, len(old))))


def _definitions(tree: ast.Module) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Functions and classes of module and classes with their qualified names; what is nested in a function is its."""

    def below(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function | ast.ClassDef]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function | ast.ClassDef):
                yield prefix + child.name, child
                if isinstance(child, ast.ClassDef):
                    yield from below(child, f"{prefix}{child.name}.")
            else:  # `if` and `try` at the module's level hold definitions too
                yield from below(child, prefix)

    return below(tree, "")


def _differs(name: str, node: Function, other: ast.Module) -> bool:
    return ast.dump(node) not in {ast.dump(each) for each_name, each in _definitions(other) if each_name == name}


def _assigned(tree: ast.Module) -> set[str]:
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    targets += [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _imported(tree: ast.Module) -> set[str]:
    nodes = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return {(alias.asname or alias.name).split(".")[0] for node in nodes for alias in node.names}


def _skeleton(tree: ast.Module) -> str:
    """The program without the bodies of its functions; `tree` is good for nothing else afterwards."""
    for _, node in list(_definitions(tree)):
        if isinstance(node, Function):
            node.body = []
    return ast.dump(tree)
