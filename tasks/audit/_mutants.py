"""Mutants of the lines that a reference changes, by the edits that the generators plant bugs with.

A mutant may compute the same as the reference: only a test can tell, so the whole suite is asked.
"""

import ast
from collections.abc import Iterator
from functools import lru_cache
from random import Random

from tasks.audit._altered import Altered, changed_lines, spread
from tasks.generators import KINDS
from tasks.generators._source_file import Definition, Edit, SourceFile, parse_source_file


def mutants(path: str, before: bytes | None, after: bytes, rng: Random, most: int) -> list[Altered]:
    """At most `most` mutants of a Python file: of the changed lines, then of the definitions around them.

    Each parses, differs from both `before` and `after` in its syntax tree, and is spread over the kinds of edits.
    """
    file = _parsed(path, after)
    if file is None:
        return []
    lines = changed_lines(before, after)
    edits = [(kind, definition, edit) for definition in _around(file, lines)
             for kind, edit in _edits(file, definition)]  # fmt: skip
    near = [each for each in edits if lines & _lines_of(file, each[2])]
    given = _same_as_given(file, before)
    chosen = _chosen(file, near, given, rng, most)
    if len(chosen) < most:
        known = {mutant.text for mutant in chosen}
        far = [each for each in edits if each not in near]
        chosen += [each for each in _chosen(file, far, given, rng, most) if each.text not in known]
    return chosen[:most]


@lru_cache(maxsize=64)
def _parsed(path: str, data: bytes) -> SourceFile | None:
    """Most tasks of a repository change the same few files, whose clean text is then the same."""
    return parse_source_file(path, data)


def _around(file: SourceFile, lines: set[int]) -> list[Definition]:
    """The innermost definition around each changed line."""
    found: list[Definition] = []
    for line in sorted(lines):
        around = [each for each in file.definitions
                  if file.line_of(each.start) <= line <= file.line_of(each.end - 1)]  # fmt: skip
        if around and (innermost := max(around, key=lambda each: each.start)) not in found:
            found.append(innermost)
    return found


def _edits(file: SourceFile, definition: Definition) -> Iterator[tuple[str, Edit]]:
    for kind, edits in KINDS.items():
        for edit in sorted(set(edits(file, definition)), key=lambda edit: (edit.start, edit.end, edit.text)):
            yield kind, edit


def _lines_of(file: SourceFile, edit: Edit) -> set[int]:
    return set(range(file.line_of(edit.start), file.line_of(max(edit.start, edit.end - 1)) + 1))


def _chosen(
    file: SourceFile, edits: list[tuple[str, Definition, Edit]], given: set[str], rng: Random, most: int
) -> list[Altered]:
    """Spread first, then checked: most edits are good ones, and comparing syntax trees is the dear part."""
    by_text = {file.applied(edit): (kind, definition, edit) for kind, definition, edit in edits}
    items = [Altered(kind, text, file.line_of(edit.start), edit.kind) for text, (kind, _, edit) in by_text.items()]
    chosen: list[Altered] = []
    trees: set[str] = set()
    for item in spread(items, rng, len(items)):
        if len(chosen) == most:
            break
        _, definition, _ = by_text[item.text]
        tree = _tree(item.text, definition.start, definition.end + len(item.text) - len(file.data))
        if tree is None or tree in given or tree in trees or tree == _tree(file.data, definition.start, definition.end):
            continue
        trees.add(tree)
        chosen.append(item)
    return chosen


def _same_as_given(file: SourceFile, before: bytes | None) -> set[str]:
    """The syntax trees that the given file has at the place of each definition: no mutant may be the bug itself."""
    if before is None:
        return set()
    given = _parsed(file.path, before)
    if given is None:
        return set()
    names = {each.name for each in _around(file, changed_lines(before, file.data))}
    trees = (_tree(given.data, each.start, each.end) for each in given.definitions if each.name in names)
    return {tree for tree in trees if tree is not None}


def _tree(data: bytes, start: int, end: int) -> str | None:
    """The syntax tree of one definition; None where it does not parse."""
    indent = data[data.rfind(b"\n", 0, start) + 1 : start]
    text = b"if 1:\n" + indent + data[start:end] if indent and not indent.strip() else data[start:end]
    try:
        return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError):
        return None
