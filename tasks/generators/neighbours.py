"""Keys and attributes mixed up with their neighbours."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from tasks.generators._source_file import Definition, Edit, SourceFile

KEYED = {"get", "pop", "setdefault"}


@dataclass(frozen=True)
class _Use:
    """One key or attribute at one place; `group` holds those that could stand there as well."""

    group: tuple[str, bytes, bool]
    start: int
    end: int
    text: bytes


def mix_up_name(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`a.width` → `a.height`, `d["x"]` → `d["y"]`: the next one of the same object that is used near by."""
    if not isinstance(definition.node, cst.FunctionDef):
        return
    here = list(_uses(file, definition))
    around = [use for other in _neighbours(file, definition) for use in _uses(file, other)]
    for group, uses in _by_group(here).items():
        # of another method, `self` is the same; other names may be anything
        near = uses if len({use.text for use in uses}) > 1 else uses + _by_group(around).get(group, [])
        if near is not uses and group[1] not in (b"self", b"cls"):
            continue
        near = sorted(near, key=lambda use: use.start)
        for use in uses:
            before = next(
                (each.text for each in reversed(near) if each.start < use.start and each.text != use.text), b""
            )
            after = next((each.text for each in near if each.start > use.start and each.text != use.text), b"")
            for other in sorted({before, after} - {b""}):
                yield Edit(use.start, use.end, other, f"{use.text.decode()} mixed up with {other.decode()}")


def _uses(file: SourceFile, definition: Definition) -> Iterator[_Use]:
    called = {node.func for node in file.nodes(definition.node) if isinstance(node, cst.Call)}
    for node in file.nodes(definition.node):
        if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name):
            # what is called and what is not would only give a TypeError at once
            group = ("attribute", file.text(node.value), node in called)
            yield _Use(group, *file.span(node.attr), file.text(node.attr))
        elif (key := _key_of(node)) is not None:
            owner, literal = key
            yield _Use(("key", file.whole_text(owner), False), *file.span(literal), file.text(literal))


def _key_of(node: cst.CSTNode) -> tuple[cst.BaseExpression, cst.SimpleString] | None:
    """The object and the literal key of `a["x"]` and `a.get("x")`."""
    if isinstance(node, cst.Subscript) and len(node.slice) == 1:
        index = node.slice[0].slice
        if isinstance(index, cst.Index) and isinstance(index.value, cst.SimpleString):
            return node.value, index.value
    if (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Attribute)
        and node.func.attr.value in KEYED
        and node.args
    ):
        first = node.args[0].value
        if isinstance(first, cst.SimpleString) and node.args[0].keyword is None:
            return node.func.value, first
    return None


def _by_group(uses: list[_Use]) -> dict[tuple[str, bytes, bool], list[_Use]]:
    groups: dict[tuple[str, bytes, bool], list[_Use]] = defaultdict(list)
    for use in uses:
        groups[use.group].append(use)
    return groups


def _neighbours(file: SourceFile, definition: Definition) -> list[Definition]:
    """The methods just before and just after a method in its class."""
    scope = definition.name.rpartition(".")[0]
    if not scope:
        return []
    siblings = [each for each in file.definitions
                if each.name.rpartition(".")[0] == scope and isinstance(each.node, cst.FunctionDef)]  # fmt: skip
    at = next(index for index, each in enumerate(siblings) if each.start == definition.start)
    return [*siblings[max(0, at - 1) : at], *siblings[at + 1 : at + 2]]
