"""Two versions of a module compared by the definitions in which they differ."""

import ast
from collections.abc import Callable

import pytest

from tasks._pieces import class_of, pieces
from tasks._program import _is_same, check_compiles, codes_of, compiled, is_same_program, unlike_parts
from tasks.selection import _scopes

MODULE = '''"""Shapes."""

import math

LIMIT = 3


def area(radius, precise=False):
    """Of a circle."""
    half = radius / 2
    return math.pi * (half * 2) ** 2


class Shape:
    """With a name."""

    sides = 0

    def __init__(self, name):
        self.__name = name
        super().__init__()

    @property
    def name(self):
        return self.__name  # mangled

    def each(self):
        for number in range(self.sides):
            print(number)
            return number


class Square(Shape):
    sides = 4

    def corner(self): return LIMIT
'''


def edited(old: str, new: str) -> bytes:
    assert MODULE.count(old) == 1, old
    return MODULE.replace(old, new).encode()


EDITS = {
    "an operator": ("radius / 2", "radius * 2"),
    "a comment": ("  # mangled", ""),
    "blank lines and a docstring's text": ('"""Of a circle."""\n', '"""Of a sphere."""\n\n\n'),
    "a local that is one no more": ("    half = radius / 2\n", ""),
    "a generator": ("            return number\n", "            yield number\n"),
    "no cell for super": ("        super().__init__()\n", ""),
    "a decorator": ("    @property\n", ""),
    "a method that is gone": ("    def corner(self): return LIMIT\n", ""),
    "a method more": ("    def corner", "    def middle(self):\n        return super().corner()\n\n    def corner"),
    "a method of another class": ("class Square(Shape):\n", "class Circle(Shape):\n"),
    "an argument's default": ("precise=False", "precise=True"),
    "a function that is one of the class before it": ("    def corner(self):", "def corner(self):"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_what_is_said_of_the_definitions_is_so_of_the_modules(edit: tuple[str, str]) -> None:
    before, after = MODULE.encode(), edited(*edit)
    whole = compiled(before), compiled(after)
    parts = pieces(before, after) or whole
    same_scopes = _scopes(parts[0]) == _scopes(parts[1])
    assert same_scopes == (_scopes(whole[0]) == _scopes(whole[1]))
    assert is_same_program(before, after) == _is_same(*whole)
    assert is_same_program(before, after) == (edit in (EDITS["a comment"],))


@pytest.mark.parametrize(
    ("old", "new", "compiled_names"),
    [
        ("radius / 2", "radius * 2", {"area"}),
        ("return self.__name", "return self.__name.lower()", {"Shape", "Shape.name"}),
        ("range(self.sides)", "range(3)", {"Shape", "Shape.each"}),
        ("    sides = 4\n", "    sides = 5\n", {"Square", "Square.corner"}),
    ],
)
def test_only_what_has_changed_is_compiled(old: str, new: str, compiled_names: set[str]) -> None:
    for module in unlike_parts(MODULE.encode(), edited(old, new)):
        assert {code.co_qualname for code in codes_of(module)} == {"<module>", *compiled_names}


NOT_IN_PARTS: dict[str, Callable[[], tuple[bytes, bytes]]] = {
    "a constant of the module": lambda: (MODULE.encode(), edited("LIMIT = 3", "LIMIT = 4")),
    "another encoding": lambda: (
        b"# coding: latin-1\ndef one():\n    return '\xc3\xa9'\n",
        b"# coding: latin-1\ndef one():\n    return '\xc3\xa8'\n",
    ),
    "other ends of lines": lambda: (
        b"x = 1\rdef one(): return 1\ndef two(): return 2\n",
        b"x = 1\rdef one(): return 1\ndef two(): return 3\n",
    ),
    "a global outside functions": lambda: (
        b"def one():\n    return 1\nglobal two\ntwo = 2\n",
        b"def two():\n    return 1\nglobal two\ntwo = 2\n",
    ),
    "an import from __future__ that is the first no more": lambda: (
        b"'''Text.'''\nfrom __future__ import annotations\n",
        b"'''Text.'''\ndef one(): pass\nfrom __future__ import annotations\n",
    ),
    "a class indented into the function before it": lambda: (
        b"class A:\n    def one(self):\n        return 1\nclass B:\n    '''Text.'''\n",
        b"class A:\n    def one(self):\n        return 1\n    class B:\n    '''Text.'''\n",
    ),
    "a class that has lost its body": lambda: (
        b"class A:\n    def one(self):\n        return 1\nb = 1\n",
        b"class A:\nb = 1\n",
    ),
    "a method deeper than the others": lambda: (
        b"class A:\n    x = 1\n    def one(self): return 1\n",
        b"class A:\n    x = 1\n      def one(self): return 1\n",
    ),
    "a method that has left its class": lambda: (
        b"class A:\n    x = 1\n    def one(self): return 1\n    y = 2\n",
        b"class A:\n    x = 1\ndef one(self): return 1\n    y = 2\n",
    ),
    "a method behind a tab": lambda: (
        b"class A:\n        x = 1\n        def one(self): return 1\n",
        b"class A:\n        x = 1\n\tdef one(self): return 1\n",
    ),
    "a statement that goes on in the next one": lambda: (
        b"def one(): return 1\nb = 1\n",
        b"def one(): return lambda: \\\nb = 1\n",
    ),
    "a decorator of what follows": lambda: (
        b"def one(): return 1\nclass B: pass\n",
        b"@print\nclass B: pass\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", NOT_IN_PARTS.values(), ids=NOT_IN_PARTS.keys())
def test_what_others_depend_on_is_looked_at_as_a_whole(make: Callable[[], tuple[bytes, bytes]]) -> None:
    before, after = make()
    assert pieces(before, after) is None


def test_what_is_no_python_is_refused_as_it_is_when_it_is_read_whole() -> None:
    before, after = MODULE.encode(), edited("return math.pi * (", "return math.pi * ((")
    with pytest.raises(SyntaxError) as said:
        check_compiles(before, after)
    with pytest.raises(SyntaxError) as said_of_all:
        compiled(after)
    assert str(said.value) == str(said_of_all.value)
    with pytest.raises(SyntaxError):
        is_same_program(before, after)
    check_compiles(b"this is none (", MODULE.encode())  # only the changed text is asked for


def test_flags_of_future_imports_hold_for_a_part() -> None:
    before = b"from __future__ import annotations\n\ndef one(a: int): return a\n"
    after = before.replace(b"a: int", b"a: undefined(1)")
    one, _ = unlike_parts(before, after)
    (function,) = (code for code in codes_of(one) if code.co_name == "one")
    (of_all,) = (code for code in codes_of(compiled(before)) if code.co_name == "one")
    assert function.co_flags == of_all.co_flags
    assert not is_same_program(before, after)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_class_of_the_changed_module_is_found_by_its_line(edit: tuple[str, str]) -> None:
    before, after = MODULE.encode(), edited(*edit)
    for line in range(1, MODULE.count("\n") + 1):
        found = class_of(before, after, line)
        classes = {node.lineno: node for node in ast.walk(ast.parse(after)) if isinstance(node, ast.ClassDef)}
        assert (found and ast.dump(found)) == (classes[line] and ast.dump(classes[line]) if line in classes else None)
