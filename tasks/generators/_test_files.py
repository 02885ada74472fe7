"""Test files with some of their tests taken out; what else they hold (imports, fixtures, helpers) stays."""

import re
from collections.abc import Collection

import libcst as cst

from tasks.generators._source_file import Definition, SourceFile


def split_id(node_id: str) -> tuple[str, str]:
    """File and qualified name of a test: 'tests/test_a.py::TestB::test_c[1]' → ('tests/test_a.py', 'TestB.test_c')."""
    path, _, rest = node_id.partition("::")
    return path, rest.partition("[")[0].replace("::", ".")


def tests_of(file: SourceFile) -> dict[str, Definition]:
    """Test functions and methods by qualified name; a name that is defined twice is left out."""
    found = [each for each in file.definitions if is_test(each)]
    names = [each.name for each in found]
    return {each.name: each for each in found if names.count(each.name) == 1}


def is_test(definition: Definition) -> bool:
    return isinstance(definition.node, cst.FunctionDef) and definition.node.name.value.startswith("test")


def without_tests(file: SourceFile, names: Collection[str]) -> bytes:
    """The file without these tests; where a class would be left empty, `pass` stands in it."""
    return _spliced(file, [each for each in file.definitions if is_test(each) and each.name in names])


def only_tests(file: SourceFile, names: Collection[str]) -> bytes:
    """The file with no other tests than these; classes that held others alone go, unless something names them."""
    gone = [each for each in file.definitions if is_test(each) and each.name not in names]
    for each in file.definitions:
        if isinstance(each.node, cst.ClassDef) and _has_only(each, gone, names) and not _is_named(file, each):
            gone = [other for other in gone if not other.name.startswith(f"{each.name}.")] + [each]
    return _spliced(file, gone)


def _has_only(owner: Definition, gone: list[Definition], names: Collection[str]) -> bool:
    prefix = f"{owner.name}."
    return any(each.name.startswith(prefix) for each in gone) and not any(name.startswith(prefix) for name in names)


def _is_named(file: SourceFile, definition: Definition) -> bool:
    name = definition.name.rpartition(".")[2]
    return len(re.findall(rf"\b{re.escape(name)}\b".encode(), file.data)) > 1


def _spliced(file: SourceFile, gone: list[Definition]) -> bytes:
    data = file.data
    nodes = {each.node for each in gone}
    owners = [each.node for each in file.definitions if isinstance(each.node, cst.ClassDef)]
    emptied = {
        owner.body.body[-1]
        for owner in owners
        if isinstance(owner.body, cst.IndentedBlock) and all(child in nodes for child in owner.body.body)
    }
    for each in sorted(gone, key=lambda each: each.start, reverse=True):
        first = each.node.decorators[0] if each.node.decorators else each.node
        start, end = file.lines_of(file.span(first)[0], each.end)
        text = b""
        if each.node in emptied:
            text = data[start : file.span(first)[0]] + b"pass\n"
        data = data[:start] + text + data[end:]
    return data
