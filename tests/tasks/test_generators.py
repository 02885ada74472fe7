"""Generators: what each kind of bug does to a small text, and what it must leave alone."""

import ast
import sysconfig
from itertools import islice
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest

from tasks.errors import UnknownGenerator
from tasks.generate import in_turn
from tasks.generators import KINDS, get_generators
from tasks.generators._source_file import parse_source_file
from tasks.generators.procedural import Procedural, SourceFiles
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
        ("change_operator", "a //= b ** 2", {"a %= b ** 2", "a //= b * 2"}),
        ("flip_comparison", "return a is None", {"return a is not None"}),
        ("flip_comparison", "return 0 < a <= b", {"return 0 >= a <= b", "return 0 < a > b"}),
        ("move_boundary", "return a < b", {"return a <= b"}),
        ("flip_boolean", "return a and b", {"return a or b"}),
        ("negate_condition", "return 1 if a else 2", {"return 1 if not a else 2"}),
        ("negate_condition", "while not a: pass", {"while a: pass"}),
        ("negate_condition", "if not (a and\n        b): pass", {"if (a and"}),
        ("swap_operands", "return a - b", {"return b - a"}),
        ("swap_operands", "return a * b", set()),
        ("break_chain", "return a + b + c", {"return a + b"}),
        ("change_constant", "return f(2, True)", {"return f(3, True)", "return f(1, True)", "return f(2, False)"}),
        ("off_by_one", "return a[b:]", {"return a[b + 1:]", "return a[b - 1:]"}),
        ("off_by_one", "return range(n - 1)", {"return range(n)", "return range(1, n - 1)"}),
        ("off_by_one", "return enumerate(a)", {"return enumerate(a, 1)"}),
        ("off_by_one", "return enumerate(a, start=1)", {"return enumerate(a)"}),
        ("change_constant", "return 0.5", {"return 1.5"}),
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
    assert bugs("shuffle_methods", "class B: pass\n\n" + text.replace("(B, C)", "(B)")) == set()
    assert bugs("shuffle_lines", "def f():\n    a = 1\n    b = 2\n    return a\n") == {"- "}


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (
            "remove_handler",
            "try:\n    a()\nexcept (KeyError, IndexError):\n    b()\nfinally:\n    c()",
            {
                "except IndexError:",
                "except KeyError:",
                "- except (KeyError, IndexError):; b()",
                "- finally:; c()",
            },
        ),
        ("remove_handler", "try:\n    a()\nexcept KeyError:\n    b()", set()),
        ("swallow_exception", "try:\n    a()\nexcept KeyError as e:\n    b()\n    raise C from e", {"pass"}),
        (
            "break_comparison",
            "return 0 <= a < b",
            {
                "return 0 <= a or a < b",
                "return 0 <= a",
                "return a < b",
                "return (0 <= a) < b",
            },
        ),
        (
            "break_comparison",
            "return not a < b < 9",
            {"return not (a < b or b < 9)", "return not a < b", "return not b < 9", "return not (a < b) < 9"},
        ),
        ("break_comparison", "return a == 1 or a == 2", {"return a == 1 or 2"}),
        ("break_comparison", "return a == 1 or b == 2", set()),
        ("change_format", "return f'{a:>10}'", {"return f'{a}'", "return f'{a:<10}'"}),
        ("change_format", "return f'{a!r} {b}'", {"return f'{a} {b}'", "return f'{a!r} {b!r}'", "return f'{b!r} {a}'"}),
        (
            "change_format",
            "return f'{a:.2f}'",
            {"return f'{a}'", "return f'{a:.3f}'", "return f'{a:.1f}'", "return f'{a:.2e}'"},
        ),
        (
            "change_format",
            "return '%02d%% %s' % (a, b)",
            {"return '%2d%% %s' % (a, b)", "return '%02d%% %r' % (a, b)", "return '%02d%% %s' % (b, a)"},
        ),
        (
            "change_format",
            "return '%(x)s-%(y)d' % a",
            {"return '%(x)r-%(y)d' % a", "return '%(y)s-%(x)d' % a"},
        ),
        (
            "change_format",
            "return '{0} {1:>3} {{2}}'.format(a, b)",
            {
                "return '{0!r} {1:>3} {{2}}'.format(a, b)",
                "return '{0} {1} {{2}}'.format(a, b)",
                "return '{0} {1:<3} {{2}}'.format(a, b)",
                "return '{1} {0:>3} {{2}}'.format(a, b)",
            },
        ),
        ("change_format", "return a.strftime('%d.%y')", {"return a.strftime('%m.%y')"}),
        ("mix_up_name", "return a['x'] + a['y']", {"return a['y'] + a['y']", "return a['x'] + a['x']"}),
        ("mix_up_name", "return a.get('x', a['y'])", {"return a.get('y', a['y'])", "return a.get('x', a['x'])"}),
        ("mix_up_name", "return a.w * a.h", {"return a.h * a.h", "return a.w * a.w"}),
        ("mix_up_name", "return a.w() * a.h * b.d", set()),  # a call and a value; another object
        ("leave_open", "with open(a) as f:\n    b(f)\n    return 1", {"f = open(a); b(f); return 1"}),
        ("leave_open", "with lock(a) as f:\n    b(f)", set()),  # a generator's context is not its own result
        ("leave_open", "try:\n    a()\nfinally:\n    b.close()", {"pass"}),
    ],
)
def test_each_kind_that_few_others_have(kind: str, body: str, expected: set[str]) -> None:
    text = "def f(a, b):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    assert bugs(kind, text) == expected


def test_await_is_dropped() -> None:
    text = "async def f(a):\n    await a.start()\n    return (await a.b()).c\n"
    assert bugs("drop_await", text) == {"a.start()", "return (a.b()).c"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(a, b=None):\n    if b is None:\n        b = []\n    return b\n", "def f(a, b=[]):\n    return b\n"),
        ("def f(a, b=None):\n    # new\n    b = b or {}\n    return b\n", "def f(a, b={}):\n    # new\n    return b\n"),
        ("def f(a, b=None):\n    b = set() if b is None else b\n", "def f(a, b=set()):\n    pass\n"),
        (
            "def f(a: int = 1):\n    seen = set()\n    return seen\n",
            "def f(a: int = 1, seen=set()):\n    return seen\n",
        ),
        (
            "class A:\n    def __init__(self):\n        self.n = 0\n        self.items = []  # new\n",
            "class A:\n    items = []\n\n    def __init__(self):\n        self.n = 0\n",
        ),
        ("def f(a, *b):\n    seen = set()\n    return seen\n", None),
        ("def f(a, b=None):\n    if b is None:\n        b = a.copy()\n    return b\n", None),
    ],
)
def test_mutable_state_is_shared(text: str, expected: str | None) -> None:
    file = parse_source_file("x.py", text.encode())
    assert file is not None
    found = [file.applied(edit) for each in file.definitions for edit in KINDS["share_default"](file, each)]
    assert found == ([expected.encode()] if expected else [])


def test_attributes_of_self_are_mixed_up_with_those_of_the_methods_near_by() -> None:
    text = """
    class A:
        def width(self): return self.right - self.left
        def height(self): return self.bottom
        def name(self): return self.title
        def kind(self): return self.sort
    """
    assert bugs("mix_up_name", text) >= {"def height(self): return self.title", "def height(self): return self.left"}
    assert "def height(self): return self.sort" not in bugs("mix_up_name", text)


def test_methods_are_shuffled_only_where_their_order_can_be_seen() -> None:
    plain = "class A:\n    def m(self): pass\n\n    @property\n    def n(self): pass\n"
    assert bugs("shuffle_methods", plain) == set()
    registered = "class A:\n    @on(1)\n    def m(self): pass\n\n    @on(2)\n    def n(self): pass\n"
    file = parse_source_file("x.py", registered.encode())
    assert file is not None
    (edit,) = KINDS["shuffle_methods"](file, file.definitions[0])
    assert file.applied(edit) == (b"class A:\n    @on(2)\n    def n(self): pass\n\n    @on(1)\n    def m(self): pass\n")
    assert bugs("shuffle_methods", plain.replace("class", "@registered\nclass")) == {"- "}


def test_a_block_moves_left_without_its_strings() -> None:
    text = 'def f():\n    with open(a) as g:\n        x = """\n        deep\n    """\n        return x\n'
    file = parse_source_file("x.py", text.encode())
    assert file is not None
    (edit,) = KINDS["leave_open"](file, file.definitions[0])
    assert file.applied(edit) == (b'def f():\n    g = open(a)\n    x = """\n        deep\n    """\n    return x\n')


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
INSTALLED = Path(sysconfig.get_paths()["purelib"])
REAL_FILES = [
    STDLIB / "heapq.py",
    STDLIB / "shlex.py",
    STDLIB / "sched.py",
    STDLIB / "asyncio" / "locks.py",
    INSTALLED / "packaging" / "version.py",
    INSTALLED / "tomlkit" / "source.py",
    INSTALLED / "libcst" / "_nodes" / "whitespace.py",
    INSTALLED / "anyio" / "_core" / "_fileio.py",
    INSTALLED / "rich" / "bar.py",
]
MOST_OF_A_KIND = 12  # parsed for each kind and file; more of the same would only take time


@pytest.mark.parametrize("path", REAL_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_on_real_files_only_the_span_of_the_edit_changes_and_the_file_parses(path: Path) -> None:
    """On files that nobody wrote for this test."""
    data = path.read_bytes()
    file = parse_source_file(path.name, data)
    assert file is not None
    kinds = 0
    for kind, edits in KINDS.items():
        made = [(definition, edit) for definition in file.definitions for edit in edits(file, definition)]
        kinds += bool(made)
        for definition, edit in Random(1).sample(made, min(MOST_OF_A_KIND, len(made))):
            after = file.applied(edit)
            assert after[: edit.start] == data[: edit.start], (kind, edit)
            assert after.endswith(data[edit.end :]), (kind, edit)
            assert after != data, (kind, edit)
            assert definition.start <= edit.end and edit.start <= definition.end, (kind, edit)
            try:
                ast.parse(after)
            except SyntaxError as error:
                raise AssertionError((kind, edit, data[edit.start : edit.end])) from error
    assert kinds >= 15


def test_every_kind_finds_something_in_real_files() -> None:
    """No kind is so narrow that it is never used."""
    files = [parse_source_file(path.name, path.read_bytes()) for path in [*REAL_FILES, STDLIB / "tempfile.py"]]
    unused = set(KINDS)
    for file in files:
        assert file is not None
        for kind in set(unused):
            if any(True for definition in file.definitions for _ in KINDS[kind](file, definition)):
                unused.remove(kind)
    assert unused == set()


def test_the_same_seed_gives_the_same_candidates(tiny_repository: Repository) -> None:
    def ids(seed: int) -> list[str]:
        return [
            candidate.id
            for each in get_generators(list(KINDS))
            for candidate in each.candidates(tiny_repository, Random(seed))
            if candidate is not None
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


def test_of_a_large_source_some_files_are_parsed_at_a_time(tiny_repository: Repository) -> None:
    """All candidates come all the same, each once, and the seed fixes their order."""

    def drawn(shelf_bytes: int) -> list[str]:
        files = SourceFiles(shelf_bytes)
        kinds = [Procedural(name, KINDS[name], files) for name in ("flip_comparison", "remove_bases", "swap_returns")]
        found = in_turn(kinds, tiny_repository, seed=1)
        return [each.id for each in islice(found, 10_000) if each is not None and len(files._parsed) <= 3]

    whole, parts = drawn(10**9), drawn(1)
    assert sorted(whole) == sorted(parts) and len(set(whole)) == len(whole)
    assert drawn(1) == parts
