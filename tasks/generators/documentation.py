"""Code and documentation: the edit that a docstring asks for, and the docstring that the code has left behind.

The two directions of CoDocBench. Where there is history, pairs of revisions in which body and docstring of a function
changed together give both (`from_pair`). Without history the clean repository, whose docstrings are right, is one side,
and the other is made by a change whose effect is known from the text: the code loses what its docstring tells, or the
docstring tells what the code does not.
"""

import ast
import configparser
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

import libcst as cst

from tasks.candidate import Brief, Candidate, Place
from tasks.checks import check_file, code_digest, module_name
from tasks.checks.documentation import Function, entries
from tasks.generators import control, operators
from tasks.generators._docstrings import Docstring, docstring_of, examples_of, stale_forms
from tasks.generators._source_file import Definition, Edit, SourceFile, parse_source_file
from tasks.generators._without_parameter import is_passed_on, removable, without_parameter
from tasks.generators.procedural import Edits, SourceFiles
from tasks.repository import Repository

CHECK = "tests/test_gristmill_documentation.py"
FAMILY = "documentation"
MOST_OF_A_FUNCTION = 4  # candidates whose examples may show the change
_DOCTEST_FLAGS = frozenset(
    {"NORMALIZE_WHITESPACE", "ELLIPSIS", "IGNORE_EXCEPTION_DETAIL", "DONT_ACCEPT_TRUE_FOR_1", "DONT_ACCEPT_BLANKLINE"}
)
_EDITS: tuple[Edits, ...] = (
    operators.change_operator, operators.flip_comparison, operators.move_boundary, operators.flip_boolean,
    operators.drop_condition, operators.change_constant, operators.off_by_one, control.remove_conditional,
    control.remove_assignment, control.change_default, control.swap_returns,
)  # fmt: skip


@dataclass(frozen=True)
class Documented:
    """A function with its docstring, in its clean file."""

    file: SourceFile
    definition: Definition
    function: Function
    docstring: Docstring

    @property
    def place(self) -> Place:
        function = self.function
        last = function.end_lineno or function.lineno
        lines = tuple(range(function.lineno, last + 1))
        return Place(path=self.file.path, symbol=self.definition.name, first_line=function.lineno,
                     last_line=last, changed_lines=lines)  # fmt: skip


class CodeFromDocs:
    """The docstring says what the function is to do, the code does not yet: the code must follow."""

    name = "code_from_docs"

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate]:
        """A parameter that is documented and not there; behaviour that an example shows otherwise."""
        functions = list(documented_functions(repository))
        rng.shuffle(functions)
        trees = [ast.parse((repository.source.code / path).read_bytes()) for path in repository.source.python_files()]
        for each in functions:
            old = [*_without_parameters(each, trees), *_other_behaviour(each, rng)]
            for data, kind in old:
                yield code_candidate(repository, each, data, kind)


class DocsFromCode:
    """The code has changed and its docstring has not: the docstring must follow."""

    name = "docs_from_code"

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate]:
        """The clean code with a docstring of which one part is out of date."""
        functions = list(documented_functions(repository))
        rng.shuffle(functions)
        for each in functions:
            for stale in stale_forms(each.docstring, each.function, rng):
                yield docs_candidate(repository, each, stale.text, stale.kind)


def documented_functions(repository: Repository) -> Iterator[Documented]:
    """Those whose docstring can be checked: it has examples or documents parameters."""
    for file in SourceFiles().of(repository):
        yield from _documented(file)


def _documented(file: SourceFile) -> Iterator[Documented]:
    tree = ast.parse(file.data)
    at = {(node.name, node.lineno): node for node in ast.walk(tree) if isinstance(node, Function)}
    for definition in file.definitions:
        if not isinstance(definition.node, cst.FunctionDef):
            continue
        function = at.get((definition.node.name.value, file.line_of(definition.start)))
        docstring = docstring_of(file, definition)
        if function and docstring and (examples_of(docstring.text) or entries(docstring.text)):
            yield Documented(file, definition, function, docstring)


def _without_parameters(each: Documented, trees: list[ast.Module]) -> Iterator[tuple[bytes, str]]:
    named = [entry.name for entry in entries(each.docstring.text)]
    for name in removable(each.function, named):
        if not is_passed_on(trees, each.function, name):
            yield without_parameter(each.file.data, each.definition.name, name), f"without the parameter {name}"


def _other_behaviour(each: Documented, rng: Random) -> Iterator[tuple[bytes, str]]:
    """Which of these an example shows is found when the task is validated (the check asks for it)."""
    shown = any(each.function.name in example.source and example.want for example in examples_of(each.docstring.text))
    if not shown:
        return
    edits = [edit for kind in _EDITS for edit in kind(each.file, each.definition) if _is_outside(edit, each)]
    rng.shuffle(edits)
    for edit in edits[:MOST_OF_A_FUNCTION]:
        yield each.file.applied(edit), f"other behaviour: {edit.kind}"


def _is_outside(edit: Edit, each: Documented) -> bool:
    return edit.end <= each.docstring.start or edit.start >= each.docstring.end


def code_candidate(repository: Repository, each: Documented, old: bytes, kind: str) -> Candidate:
    """`old` is the clean file, its function's code from before: the task is to write the clean code again."""
    path = each.file.path
    data = {**_check_data(repository, each), "direction": "code", "old": old.decode()}
    return _candidate(CodeFromDocs.name, kind, each, {path: old}, data)


def docs_candidate(repository: Repository, each: Documented, stale: str, kind: str) -> Candidate:
    """`stale` is the docstring's text from before, as it stands between its quotes."""
    path = each.file.path
    data = {
        **_check_data(repository, each),
        "direction": "docstring",
        "clean": each.file.data.decode(),
        "others": code_digest(repository.source, path),
    }
    files = {path: each.file.applied(each.docstring.replaced(stale, kind))}
    return _candidate(DocsFromCode.name, kind, each, files, data)


def _candidate(
    generator: str, kind: str, each: Documented, files: dict[str, bytes], data: Mapping[str, object]
) -> Candidate:
    examples, documented = examples_of(each.docstring.text), entries(each.docstring.text)
    said = {
        "path": each.file.path,
        "symbol": each.definition.name,
        "has_examples": bool(examples),
        "has_parameters": bool(documented),
    }
    return Candidate(
        generator=generator,
        kind=kind,
        family=FAMILY,
        places=(each.place,),
        files=files,
        hidden={CHECK: check_file("documentation", data)},
        briefs=(Brief(template=f"{generator}.md.j2", context=said, shows_failures=False),),
        details={"examples": len(examples), "documented_parameters": len(documented)},
    )


def _check_data(repository: Repository, each: Documented) -> dict[str, object]:
    return {
        "path": each.file.path,
        "symbol": each.definition.name,
        "module": module_name(each.file.path, repository.recipe.import_paths),
        "docstring": ast.get_docstring(each.function),
        "flags": doctest_flags(repository),
    }


def doctest_flags(repository: Repository) -> list[str]:
    """Doctest's option flags that the repository's own pytest configuration sets."""
    found: list[str] = []
    for folder in (repository.source.protected, repository.source.code):
        for name in ("pytest.ini", "tox.ini", "setup.cfg"):
            if (folder / name).is_file():
                parser = configparser.ConfigParser(interpolation=None, strict=False)
                parser.read(folder / name, encoding="utf-8")
                for section in ("pytest", "tool:pytest"):
                    found += parser.get(section, "doctest_optionflags", fallback="").split()
        if (folder / "pyproject.toml").is_file():
            options = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
            value = options.get("tool", {}).get("pytest", {}).get("ini_options", {}).get("doctest_optionflags", [])
            found += value.split() if isinstance(value, str) else list(value)
    return sorted(set(found) & _DOCTEST_FLAGS)


def from_pairs(repository: Repository, pairs: Iterable[tuple[str, bytes, bytes]]) -> Iterator[Candidate]:
    """Both directions from history: (path, file before, file after a commit), newest commit first.

    Only functions that stand in the clean source as the commit left them: the clean source is their solved state.
    """
    for path, old, new in pairs:
        clean = parse_source_file(path, (repository.source.code / path).read_bytes())
        if clean is not None:
            for before, after in changed_together(path, old, new):
                yield from _from_change(repository, clean, before, after)


def changed_together(path: str, old: bytes, new: bytes) -> Iterator[tuple[Documented, Documented]]:
    """Functions (before, after) of which both docstring and code changed between two versions of a file."""
    files = parse_source_file(path, old), parse_source_file(path, new)
    if files[0] is None or files[1] is None:
        return
    before = {each.definition.name: each for each in _documented(files[0])}
    for each in _documented(files[1]):
        other = before.get(each.definition.name)
        if other is None or other.docstring.text == each.docstring.text:
            continue
        if _code_alone(other) != _code_alone(each):
            yield other, each


def _code_alone(each: Documented) -> str:
    function = ast.parse(ast.unparse(each.function)).body[0]
    assert isinstance(function, Function)
    function.body = function.body[1:]
    return ast.dump(function)


def _from_change(
    repository: Repository, clean: SourceFile, before: Documented, after: Documented
) -> Iterator[Candidate]:
    now = next((each for each in _documented(clean) if each.definition.name == after.definition.name), None)
    if now is None or now.file.text(now.definition.node) != after.file.text(after.definition.node):
        return
    old = before.file.text(before.definition.node)
    shift = before.docstring.start - before.definition.start
    size = before.docstring.end - before.docstring.start
    old = old[:shift] + now.docstring.text.encode() + old[shift + size :]
    start, end = now.definition.start, now.definition.end
    data = clean.data[:start] + old + clean.data[end:]
    yield code_candidate(repository, now, data, "from history")
    yield docs_candidate(repository, now, before.docstring.text, "from history")
