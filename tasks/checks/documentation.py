"""Code and docstring of one definition agree: examples run, parameters and defaults are those of the signature.

`DATA["direction"]` is "code" where the code had to follow a new docstring, "docstring" where the docstring had to
follow the code. What had to stay is compared with the clean file.
"""

import ast
import doctest
import hashlib
import importlib
import inspect
import re
import types
from pathlib import Path
from typing import Any

import pytest

DATA: dict[str, Any] = {}

WORKDIR = Path(__file__).resolve().parents[1]
Function = ast.FunctionDef | ast.AsyncFunctionDef
Defined = Function | ast.ClassDef

GOOGLE = re.compile(r"^(\s*)(?:Args|Arguments|Parameters|Params|Keyword Args|Keyword Arguments)\s*:\s*$")
GOOGLE_ENTRY = re.compile(r"^(\s*)\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:(?:\s|$)")
NUMPY = re.compile(r"^(\s*)(?:Parameters|Other Parameters)\s*$")
NUMPY_ENTRY = re.compile(r"^(\s*)\*{0,2}(\w+)\s*(?::.*)?$")
REST_ENTRY = re.compile(r"^(\s*):(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:\n]*?[\s*])?\*{0,2}(\w+)\s*:")
DEFAULT = re.compile(
    r"\bdefault(?:s|ed)?(?:\s+value)?(?:\s+(?:to|is))?\s*[:=]?\s*"
    r"(?P<tick>`{1,2})?(?P<value>-?\d+(?:\.\d+)?|True|False|None|'[^'\n]*'|\"[^\"\n]*\")(?(tick)`{1,2})",
    re.IGNORECASE,
)


class Entry:
    """One parameter of a docstring's parameter section: its name, and its lines (first, one past the last)."""

    def __init__(self, name: str, first: int, last: int, text: str) -> None:
        self.name, self.first, self.last, self.text = name, first, last, text

    @property
    def default(self) -> str | None:
        """The default that the text states, as written."""
        found = DEFAULT.search(self.text)
        return found["value"] if found else None


def entries(docstring: str) -> list[Entry]:
    """Parameters that a docstring documents, in Google's, NumPy's or reST's way. Lines may be indented anyhow."""
    lines = docstring.expandtabs().splitlines()
    found: list[Entry] = []
    at = 0
    while at < len(lines):
        rest = REST_ENTRY.match(lines[at])
        google, numpy = GOOGLE.match(lines[at]), NUMPY.match(lines[at])
        if rest:
            last = _end_of_entry(lines, at, len(rest[1]))
            found.append(Entry(rest[2], at, last, "\n".join(lines[at:last])))
            at = last
        elif google:
            at = _section(lines, at + 1, GOOGLE_ENTRY, len(google[1]) + 1, found)
        elif numpy and at + 1 < len(lines) and set(lines[at + 1].strip()) == {"-"}:
            at = _section(lines, at + 2, NUMPY_ENTRY, len(numpy[1]), found)
        else:
            at += 1
    return found


def _section(lines: list[str], at: int, entry: re.Pattern[str], least: int, found: list[Entry]) -> int:
    """Read a section's entries, all indented like the first; the line after it."""
    indent: int | None = None
    while at < len(lines):
        line = lines[at]
        depth = len(line) - len(line.lstrip())
        is_next_section = at + 1 < len(lines) and set(lines[at + 1].strip()) == {"-"}
        if line.strip() and (depth < least or is_next_section):
            break
        named = entry.match(line)
        if named and (indent is None or depth == indent):
            indent = depth
            last = _end_of_entry(lines, at, depth)
            found.append(Entry(named[2], at, last, "\n".join(lines[at:last])))
            at = last
        elif line.strip() and indent is not None and depth <= indent:
            break
        else:
            at += 1
    return at


def _end_of_entry(lines: list[str], at: int, indent: int) -> int:
    """One past its last line: what follows is indented more."""
    last = at + 1
    for number in range(at + 1, len(lines)):
        if lines[number].strip():
            if len(lines[number]) - len(lines[number].lstrip()) <= indent:
                break
            last = number + 1
    return last


def find(tree: ast.Module, symbol: str) -> Defined | None:
    """The definition of a qualified name; those guarded by `if` and `try` count."""
    scope: list[ast.stmt] = tree.body
    node: Defined | None = None
    for name in symbol.split("."):
        node = next((each for each in _definitions(scope) if each.name == name), None)
        if node is None:
            return None
        scope = node.body
    return node


def _definitions(body: list[ast.stmt]) -> list[Defined]:
    found: list[Defined] = []
    for node in body:
        if isinstance(node, Defined):
            found.append(node)
        elif isinstance(node, ast.If | ast.Try):
            found += _definitions([*node.body, *node.orelse])
    return found


def signature(node: Defined) -> dict[str, ast.expr | None]:
    """Parameter -> default, in order, of a function, or of a class's `__init__`."""
    if isinstance(node, ast.ClassDef):
        init = next((each for each in _definitions(node.body) if each.name == "__init__"), None)
        return signature(init) if init else {}
    arguments = node.args
    positional = arguments.posonlyargs + arguments.args
    missing = len(positional) - len(arguments.defaults)
    named: dict[str, ast.expr | None] = {
        each.arg: arguments.defaults[at - missing] if at >= missing else None for at, each in enumerate(positional)
    }
    if arguments.vararg:
        named[arguments.vararg.arg] = None
    named.update({each.arg: value for each, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)})
    if arguments.kwarg:
        named[arguments.kwarg.arg] = None
    return named


def disagreements(node: Defined, docstring: str, *, wanted: list[str] | None = None) -> list[str]:
    """Where the parameter section and the signature differ. `wanted`: names that must be documented."""
    named, documented = signature(node), entries(docstring)
    names = [entry.name for entry in documented]
    found = [f"{name!r} is documented and no parameter" for name in names if name not in named]
    found += [f"{name!r} is not documented" for name in wanted or () if name in named and name not in names]
    for entry in documented:
        default = named.get(entry.name)
        if entry.default is not None and isinstance(default, ast.Constant):
            stated = ast.literal_eval(entry.default)
            if (type(stated), stated) != (type(default.value), default.value):
                found.append(f"{entry.name!r}: the default is {default.value!r}, documented as {entry.default}")
    return found


def examples(docstring: str) -> list[doctest.Example]:
    """Raises ValueError where the examples cannot be parsed."""
    return doctest.DocTestParser().get_examples(docstring)


def call(example: doctest.Example) -> str:
    """An example's source, whatever its spacing."""
    text: str = ast.unparse(ast.parse(example.source))
    return text


def run_examples(docstring: str, module: types.ModuleType) -> str:
    """What doctest says against the examples, run with the module's names; '' where they hold."""
    test = doctest.DocTestParser().get_doctest(docstring, dict(vars(module)), DATA["symbol"], DATA["path"], 0)
    said: list[str] = []
    flags = sum(doctest.OPTIONFLAGS_BY_NAME[name] for name in DATA["flags"])
    doctest.DocTestRunner(verbose=False, optionflags=flags).run(test, out=said.append)
    return "".join(said)


def prose(docstring: str) -> list[str]:
    """Words outside examples."""
    shown = {line for each in examples(docstring) for line in (each.source + each.want).splitlines()}
    lines = (line for line in docstring.splitlines() if ">>>" not in line and line.strip() not in shown)
    return re.findall(r"\w+", " ".join(lines))


def without_docstrings(text: str) -> str:
    """A file's syntax tree as text, without the docstring of any definition."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, Defined | ast.Module) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def is_direction(direction: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(DATA.get("direction") != direction, reason="of the other direction")


@pytest.fixture(name="text")
def _text() -> str:
    return (WORKDIR / str(DATA["path"])).read_text(encoding="utf-8")


@pytest.fixture(name="node")
def _node(text: str) -> Defined:
    node = find(ast.parse(text), DATA["symbol"])
    assert node is not None, f"{DATA['path']} has no {DATA['symbol']} any more"
    return node


@pytest.fixture(name="docstring")
def _docstring(node: Defined) -> str:
    """The one that counts: the given one where code had to be written, else what was written."""
    if DATA["direction"] == "code":
        return str(DATA["docstring"])
    written = ast.get_docstring(node)
    assert written, f"{DATA['symbol']} has no docstring"
    return written


def test_examples_hold(docstring: str) -> None:
    failed = run_examples(docstring, importlib.import_module(DATA["module"]))
    assert not failed, failed


def test_parameters_are_those_of_the_signature(node: Defined, docstring: str) -> None:
    wanted = [entry.name for entry in entries(DATA["docstring"])]
    found = disagreements(node, docstring, wanted=wanted)
    assert not found, "; ".join(found)


@is_direction("code")
def test_the_docstring_is_kept(node: Defined) -> None:
    assert ast.get_docstring(node) == inspect.cleandoc(DATA["docstring"])


@is_direction("code")
def test_the_docstring_tells_what_to_do() -> None:
    """The code as it was given does not do what the docstring says: else the task asks for nothing that it tells."""
    node = find(ast.parse(DATA["old"]), DATA["symbol"])
    assert node is not None
    if disagreements(node, DATA["docstring"]):
        return
    module = types.ModuleType(DATA["module"])
    imported = importlib.import_module(DATA["module"])
    module.__dict__.update({name: vars(imported)[name] for name in ("__file__", "__package__", "__spec__")})
    exec(compile(DATA["old"], DATA["path"], "exec"), module.__dict__)
    assert run_examples(DATA["docstring"], module)


@is_direction("docstring")
def test_only_the_docstring_is_changed(text: str, node: Defined) -> None:
    assert without_docstrings(text) == without_docstrings(DATA["clean"]), "the code is changed"
    digest = hashlib.sha256()
    for path in DATA["others"]["paths"]:
        digest.update(path.encode() + b"\0" + hashlib.sha256((WORKDIR / path).read_bytes()).digest())
    assert digest.hexdigest() == DATA["others"]["digest"], "another file is changed"


@is_direction("docstring")
def test_every_call_is_still_shown(docstring: str) -> None:
    shown = [call(example) for example in examples(docstring)]
    missing = [wanted for wanted in map(call, examples(DATA["docstring"])) if wanted not in shown]
    assert not missing, f"no example of: {missing}"


@is_direction("docstring")
def test_results_are_written_out(docstring: str) -> None:
    """No example is skipped or leaves out of its result what the clean docstring shows."""
    clean = examples(DATA["docstring"])
    allowed = {(call(each), bool(each.options), "..." in each.want) for each in clean}
    for each in examples(docstring):
        if each.options or "..." in each.want:
            assert (call(each), bool(each.options), "..." in each.want) in allowed, each.source


@is_direction("docstring")
def test_the_words_are_kept(docstring: str) -> None:
    """What the docstring tells besides is still there, give or take what had to change."""
    before, after = prose(DATA["docstring"]), prose(docstring)
    kept = sum(min(before.count(word), after.count(word)) for word in set(before))
    assert kept >= 0.8 * len(before), f"{len(before) - kept} of {len(before)} words are gone"
