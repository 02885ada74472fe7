"""Generators: what each kind of bug does to a small text, and what it must leave alone."""

import ast
import sysconfig
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest

from tasks.errors import UnknownGenerator
from tasks.generators import KINDS, get_generators
from tasks.generators._source_file import parse_source_file
from tasks.repository import Repository


def bugs(kind: str, text: str) -> set[str]:
    """Every bug of a kind in a text, as the lines that are then different or new (or '-' and the lines gone)."""
    before = dedent(text)
    file = parse_source_file("x.py", before.encode())
    assert file is not None
    found = set()
    for definition in file.definitions:
        for edit in KINDS[kind](file, definition):
            after = file.applied(edit).decode()
            new = [line.strip() for line in after.splitlines() if line not in before.splitlines()]
            gone = [line.strip() for line in before.splitlines() if line not in after.splitlines()]
            found.add("; ".join(new) if new else "- " + "; ".join(gone))
    return found


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("change_operator", "return a + b", {"return a - b"}),
        ("change_operator", "a += b", {"a -= b"}),
        ("flip_comparison", "return a is None", {"return a is not None"}),
        ("flip_comparison", "return 0 < a <= b", {"return 0 >= a <= b", "return 0 < a > b"}),
        ("move_boundary", "return a < b", {"return a <= b"}),
        ("flip_boolean", "return a and b", {"return a or b"}),
        ("negate_condition", "return 1 if a else 2", {"return 1 if not a else 2"}),
        ("negate_condition", "while not a: pass", {"while a: pass"}),
        ("swap_operands", "return a - b", {"return b - a"}),
        ("swap_operands", "return a * b", set()),
        ("break_chain", "return a + b + c", {"return a + b"}),
        ("change_constant", "return f(2, True)", {"return f(3, True)", "return f(1, True)", "return f(2, False)"}),
        ("off_by_one", "return a[b:]", {"return a[b + 1:]", "return a[b - 1:]"}),
        ("off_by_one", "return range(n - 1)", {"return range(n)"}),
        ("swap_arguments", "return f(a, b, k=1)", {"return f(b, a, k=1)"}),
        ("remove_assignment", "a.x = 1\nreturn a", {"- a.x = 1"}),
        ("remove_call", "a.close()\nreturn a", {"- a.close()"}),
        ("remove_call", "logger.info('x')\nreturn a", set()),
        ("remove_loop", "for x in a:\n    b(x)\nreturn b", {"- for x in a:; b(x)"}),
        ("remove_conditional", "if a:\n    return 1\nreturn 2", {"- if a:; return 1"}),
        ("invert_if_else", "if a:\n    x = 1\nelse:\n    x = 2\nreturn x", {"- "}),
        ("swap_returns", "if a:\n    return 1\nreturn 2", {"return 2; return 1"}),
        ("widen_handler", "try:\n    a()\nexcept KeyError:\n    b()", {"except Exception:", "pass"}),
        ("remove_wrapper", "with a:\n    b()\nreturn c", {"b()"}),
    ],
)
def test_each_kind(kind: str, body: str, expected: set[str]) -> None:
    text = "def f(a, b):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    assert bugs(kind, text) == expected


def test_defaults_classes_and_order() -> None:
    assert bugs("change_default", "def f(a=None, b='x', *, c=3): pass") == {
        "def f(a=False, b='x', *, c=3): pass",
        "def f(a=None, b='', *, c=3): pass",
        "def f(a=None, b='x', *, c=4): pass",
    }
    text = "class A(B, C):\n    x = 1\n    y = x\n\n    def __init__(self): pass\n\n    def m(self): pass\n"
    assert bugs("remove_bases", text) == {"class A(C):", "class A(B):"}
    assert bugs("remove_method", text) == {"- def m(self): pass"}
    assert bugs("shuffle_methods", text) == {"- "}
    assert bugs("shuffle_lines", "def f():\n    a = 1\n    b = 2\n    return a\n") == {"- "}


def test_docstrings_annotations_and_decorators_are_left_alone() -> None:
    text = '''
    @cache(maxsize=1)
    def f(a: Literal[1, 2]) -> "list[3]":
        """Adds 1 + 2."""
        return a
    '''
    assert {kind for kind in KINDS if bugs(kind, text)} == set()


def test_a_nested_function_belongs_to_the_one_around_it_and_a_method_to_itself() -> None:
    text = b"def f():\n    def g(): return 1\n    return g\n\nclass A:\n    def m(self): return 1\n"
    file = parse_source_file("x.py", text)
    assert file is not None
    assert [definition.name for definition in file.definitions] == ["f", "A", "A.m"]
    (klass,) = (definition for definition in file.definitions if definition.name == "A")
    assert list(KINDS["change_constant"](file, klass)) == []


STDLIB = Path(sysconfig.get_paths()["stdlib"])


@pytest.mark.parametrize("name", ["textwrap.py", "heapq.py", "configparser.py", "shlex.py"])
def test_only_the_span_of_the_edit_changes(name: str) -> None:
    """On files that nobody wrote for this test: bytes around the edit are the same, and nearly all bugs parse."""
    data = (STDLIB / name).read_bytes()
    file = parse_source_file(name, data)
    assert file is not None
    total = unparsable = 0
    for edits in KINDS.values():
        for definition in file.definitions:
            for edit in edits(file, definition):
                after = file.applied(edit)
                assert after[: edit.start] == data[: edit.start]
                assert after.endswith(data[edit.end :])
                assert definition.start <= edit.end and edit.start <= definition.end
                total += 1
                try:
                    ast.parse(after)
                except SyntaxError:
                    unparsable += 1
    assert total > 50
    assert unparsable / total < 0.02


def test_the_same_seed_gives_the_same_candidates(tiny_repository: Repository) -> None:
    def ids(seed: int) -> list[str]:
        return [
            candidate.id for each in get_generators() for candidate in each.candidates(tiny_repository, Random(seed))
        ]

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)
    assert sorted(ids(1)) == sorted(ids(2))


def test_an_unknown_generator_is_told_with_those_there_are() -> None:
    with pytest.raises(UnknownGenerator, match=r"no generator 'wizard'; there are: .*flip_comparison"):
        get_generators(["wizard"])


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("swap_operands", "return (a + b) - c", {"return c - (a + b)", "return (b + a) - c"}),
        ("swap_arguments", "return f((a, b), c)", {"return f(c, (a, b))"}),
        ("swap_returns", "if a:\n    return (a, b)\nreturn c", {"return c; return (a, b)"}),
        (
            "break_chain",
            "return (a or b) and c",
            {"return (a or b)", "return c", "return (a) and c", "return (b) and c"},
        ),
    ],
)
def test_parentheses_move_with_what_they_hold(kind: str, body: str, expected: set[str]) -> None:
    text = "def f(a, b):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    assert bugs(kind, text) == expected


@pytest.mark.parametrize(
    "text", [b"\x0cdef f(a):\r    return a\r", b"try: pass\nexcept (A, B) : pass\ndef f(a): return a\n"]
)
def test_a_file_that_libcst_does_not_give_back_byte_for_byte_is_left_out(text: bytes) -> None:
    """It drops some white space; spans after that would lie beside their nodes, and edits would spoil the code."""
    ast.parse(text)
    assert parse_source_file("x.py", text) is None
    assert parse_source_file("x.py", b"def f(a):\r\n    return a\r\n") is not None
