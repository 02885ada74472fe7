"""All Python files of a repository, visible and hidden, as refactors see them: what each name and import means."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath

import libcst as cst
from libcst.helpers import get_full_name_for_node
from libcst.metadata import (
    ByteSpanPositionProvider,
    CodeSpan,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
    QualifiedName,
    Scope,
    ScopeProvider,
)

from tasks.paths import is_junk
from tasks.repository import Repository

_CONFIGURATION = (".toml", ".cfg", ".ini", ".in", ".yaml", ".yml", ".json")
_LARGEST_CONFIGURATION = 200_000  # bytes: larger ones are data

Function = cst.FunctionDef
Definition = cst.FunctionDef | cst.ClassDef


@dataclass(eq=False)
class File:
    """One file. `module` is its dotted name; `is_test`: the agent does not see it."""

    path: str
    data: bytes
    module: str
    is_test: bool
    tree: cst.Module = field(repr=False)
    _spans: Mapping[cst.CSTNode, CodeSpan] = field(repr=False)
    _parents: Mapping[cst.CSTNode, cst.CSTNode] = field(repr=False)
    _scopes: Mapping[cst.CSTNode, Scope | None] = field(repr=False)

    @property
    def is_package(self) -> bool:
        return self.path.endswith("__init__.py")

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """First byte and one past the last, parentheses around an expression left out."""
        span = self._spans[node]
        return span.start, span.start + span.length

    def text(self, node: cst.CSTNode) -> str:
        start, end = self.span(node)
        return self.data[start:end].decode()

    def whole_text(self, node: cst.BaseExpression) -> str:
        """With the parentheses around it."""
        start, end = self.span(node)
        if node.lpar:
            start, end = self.span(node.lpar[0])[0], self.span(node.rpar[-1])[1]
        return self.data[start:end].decode()

    def line(self, node: cst.CSTNode) -> int:
        return self.data.count(b"\n", 0, self.span(node)[0]) + 1

    def lines(self, node: cst.CSTNode) -> tuple[int, int]:
        """First and last line of a node, from 1."""
        start, end = self.span(node)
        return self.data.count(b"\n", 0, start) + 1, self.data.count(b"\n", 0, max(start, end - 1)) + 1

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        return self._parents.get(node)

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        above = self._parents.get(node)
        while above is not None:
            yield above
            above = self._parents.get(above)

    def scope(self, node: cst.CSTNode) -> Scope | None:
        for each in (node, *self.ancestors(node)):
            if (scope := self._scopes.get(each)) is not None:
                return scope
        return None

    def owner(self, node: cst.CSTNode) -> str:
        """Qualified name of the function, method or class around a node; '' at module level."""
        names = [each.name.value for each in self.ancestors(node) if isinstance(each, Definition)]
        kept: list[str] = []
        for name, is_function in zip(
            reversed(names),
            reversed([isinstance(each, Function) for each in self.ancestors(node) if isinstance(each, Definition)]),
            strict=True,
        ):
            kept.append(name)
            if is_function:
                break
        return ".".join(kept)

    @cached_property
    def nodes(self) -> tuple[cst.CSTNode, ...]:
        """Every node, in order."""
        found: list[cst.CSTNode] = []
        pending: list[cst.CSTNode] = [self.tree]
        while pending:
            node = pending.pop()
            found.append(node)
            pending.extend(reversed(node.children))
        return tuple(found)

    @cached_property
    def names(self) -> Mapping[str, tuple[cst.Name, ...]]:
        """Identifier -> its nodes, in order."""
        found: dict[str, list[cst.Name]] = {}
        for node in self.nodes:
            if isinstance(node, cst.Name):
                found.setdefault(node.value, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    @cached_property
    def strings(self) -> tuple[tuple[cst.SimpleString | cst.FormattedStringText, str], ...]:
        """String literals and the literal parts of f-strings, with their text."""
        found: list[tuple[cst.SimpleString | cst.FormattedStringText, str]] = []
        for node in self.nodes:
            if isinstance(node, cst.SimpleString) and isinstance(node.evaluated_value, str):
                found.append((node, node.evaluated_value))
            elif isinstance(node, cst.FormattedStringText):
                found.append((node, node.value))
        return tuple(found)

    @cached_property
    def exported(self) -> tuple[cst.SimpleString, ...]:
        """The strings of `__all__`."""
        found: list[cst.SimpleString] = []
        for name in self.names.get("__all__", ()):
            statement = next((each for each in self.ancestors(name) if isinstance(each, cst.BaseSmallStatement)), None)
            if isinstance(statement, cst.Assign | cst.AugAssign | cst.AnnAssign) and statement.value is not None:
                found += [node for node in below(statement.value) if isinstance(node, cst.SimpleString)]
        return tuple(found)

    def absolute(self, relative: int, module: str) -> str:
        """The dotted name that a relative import (as many dots) means in this file."""
        if not relative:
            return module
        package = self.module.split(".") if self.is_package else self.module.split(".")[:-1]
        base = package[: len(package) - relative + 1]
        return ".".join([*base, module] if module else base)

    def imported_module(self, node: cst.ImportFrom) -> str:
        return self.absolute(len(node.relative), (get_full_name_for_node(node.module) or "") if node.module else "")


class Project:
    """The files, and what a dotted name means across them. Files that cannot be parsed are in `unread`."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.files: dict[str, File] = {}
        self.unread: dict[str, str] = {}  # path -> text
        for root, is_test in ((repository.source.code, False), (repository.source.protected, True)):
            for path in sorted(each.relative_to(root).as_posix() for each in root.rglob("*.py") if each.is_file()):
                if not is_junk(path):
                    self._read(root, path, is_test)
        self.code = {path: file for path, file in self.files.items() if not file.is_test}
        self.targets = {path: self.code[path] for path in repository.source.python_files() if path in self.code}
        self.by_module = {file.module: file for file in self.files.values()}
        self._exports = {file.module: self._exports_of(file) for file in self.files.values()}

    def _read(self, root: Path, path: str, is_test: bool) -> None:
        data = (root / path).read_bytes()
        try:
            wrapper = MetadataWrapper(cst.parse_module(data), unsafe_skip_copy=True)
            if wrapper.module.bytes != data or wrapper.module.encoding.lower().replace("-", "") not in (
                "utf8",
                "ascii",
            ):
                raise UnicodeError
            spans = wrapper.resolve(ByteSpanPositionProvider)
            wrapper.resolve(PositionProvider)  # scopes of names in string annotations ask for it
            parents = wrapper.resolve(ParentNodeProvider)
            scopes = wrapper.resolve(ScopeProvider)
        except (cst.ParserSyntaxError, UnicodeError):
            self.unread[path] = data.decode(errors="replace")
            return
        module = module_name(path, self.repository.recipe.import_paths)
        self.files[path] = File(path, data, module, is_test, wrapper.module, spans, parents, scopes)

    def _exports_of(self, file: File) -> dict[str, str]:
        """What module-level imports bind: name -> dotted name; '*' -> modules, joined by spaces."""
        found: dict[str, str] = {}
        for node in file.nodes:
            if not isinstance(node, cst.ImportFrom) or file.owner(node):
                continue
            module = file.imported_module(node)
            if isinstance(node.names, cst.ImportStar):
                found["*"] = f"{found.get('*', '')} {module}".strip()
                continue
            for alias in node.names:
                found[bound_name(alias)] = f"{module}.{alias.evaluated_name}"
        return found

    def canonical(self, dotted: str) -> str:
        """The module and name at which a thing is defined, through imports and re-exports."""
        for _ in range(10):
            module, rest = self.split(dotted)
            if not module or not rest:
                return dotted
            first, _, more = rest.partition(".")
            exports = self._exports.get(module, {})
            if first in self.defined(module):
                return dotted
            target = exports.get(first) or self._through_star(exports.get("*", ""), first)
            if target is None:
                return dotted
            dotted = f"{target}.{more}" if more else target
        return dotted

    def split(self, dotted: str) -> tuple[str, str]:
        """The longest module of this repository at the beginning of a dotted name, and the rest."""
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            if ".".join(parts[:length]) in self.by_module:
                return ".".join(parts[:length]), ".".join(parts[length:])
        return "", dotted

    def defined(self, module: str) -> frozenset[str]:
        """Names that a module defines or assigns itself at its top level."""
        return self._defined.get(module, frozenset())

    @cached_property
    def _defined(self) -> dict[str, frozenset[str]]:
        return {file.module: frozenset(_own_names(file)) for file in self.files.values()}

    def _through_star(self, modules: str, name: str) -> str | None:
        if name.startswith("_"):
            return None
        return next(
            (
                f"{each}.{name}"
                for each in modules.split()
                if name in self.defined(each) or name in self._exports.get(each, {})
            ),
            None,
        )

    def meanings(self, file: File, node: cst.CSTNode) -> set[str]:
        """Canonical dotted names that a name or attribute may stand for; locals keep `<locals>` in theirs."""
        scope = file.scope(node)
        found: set[QualifiedName] = set(scope.get_qualified_names_for(node)) if scope else set()
        dotted: set[str] = set()
        for each in found:
            if each.source.name == "LOCAL":
                dotted.add(f"{file.module}.{each.name}")
            elif each.source.name == "IMPORT":
                level = len(each.name) - len(each.name.lstrip("."))
                dotted.add(file.absolute(level, each.name.lstrip(".")))
            else:
                dotted.add(each.name)
        if not found or all(name.startswith("builtins.") for name in dotted):
            full = get_full_name_for_node(node) or ""
            if full and (star := self._through_star(self._exports[file.module].get("*", ""), full.split(".")[0])):
                dotted = {star + full[len(full.split(".")[0]) :]}
        return {self.canonical(name) for name in dotted}

    @cached_property
    def configuration(self) -> tuple[tuple[str, str], ...]:
        """Path and text of files that may name a symbol for a tool: entry points, settings."""
        found = []
        for root in (self.repository.source.code, self.repository.source.protected):
            for file in sorted(each for each in root.rglob("*") if each.suffix in _CONFIGURATION and each.is_file()):
                path = file.relative_to(root).as_posix()
                if file.stat().st_size < _LARGEST_CONFIGURATION and not is_junk(path):
                    found.append((path, file.read_text(encoding="utf-8", errors="replace")))
        return tuple(found)

    @cached_property
    def not_code(self) -> tuple[str, ...]:
        """Folders of which the agent sees nothing, single hidden files, and files that no parser reads."""
        visible = {path for path in self.unread if (self.repository.source.code / path).is_file()}
        seen = {parent for path in (*self.code, *visible) for parent in _folders(path)}
        hidden = [path for path, file in self.files.items() if file.is_test]
        hidden += [path for path in self.unread if path not in visible]
        found = {next((folder for folder in _folders(path) if folder not in seen), path) for path in hidden}
        found |= visible | {path for path, file in self.code.items() if not is_python(file.data)}
        return tuple(sorted(found))

    def reachable(self, module: str) -> set[str]:
        """Modules of the repository that importing this one leads to, itself among them."""
        seen: set[str] = set()
        pending = [module]
        while pending:
            each = pending.pop()
            if each not in seen and each in self._imports:
                seen.add(each)
                pending += self._imports[each]
        return seen

    @cached_property
    def _imports(self) -> dict[str, frozenset[str]]:
        """Module -> modules of the repository that it imports, anywhere in it."""
        found: dict[str, frozenset[str]] = {}
        for file in self.files.values():
            names: set[str] = set()
            for node in file.nodes:
                if isinstance(node, cst.Import):
                    names |= {alias.evaluated_name for alias in node.names}
                elif isinstance(node, cst.ImportFrom):
                    base = file.imported_module(node)
                    names.add(base)
                    if not isinstance(node.names, cst.ImportStar):
                        names |= {f"{base}.{alias.evaluated_name}" for alias in node.names}
            found[file.module] = frozenset(self.split(name)[0] for name in names) - {""}
        return found

    @cached_property
    def methods(self) -> frozenset[str]:
        """Names of all methods: some are looked up by the name of a class (`visit_Token`)."""
        functions = [node for file in self.code.values() for node in file.nodes if isinstance(node, Function)]
        return frozenset(node.name.value for node in functions)

    @cached_property
    def identifiers(self) -> Counter[str]:
        """How often each identifier is written, in all files."""
        found: Counter[str] = Counter()
        for file in self.files.values():
            found.update({name: len(nodes) for name, nodes in file.names.items()})
        return found


def module_name(path: str, roots: tuple[str, ...]) -> str:
    """Of the longest import path that holds it."""
    for root in sorted(roots, key=len, reverse=True):
        if not root or path.startswith(f"{root}/"):
            path = path[len(root) + 1 :] if root else path
            break
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@lru_cache(maxsize=4096)
def is_python(data: bytes) -> bool:
    """The `ast` module reads it."""
    try:
        ast.parse(data)
    except (SyntaxError, ValueError):
        return False
    return True


def _folders(path: str) -> list[str]:
    """From the outermost inwards."""
    return [str(each) for each in reversed(PurePosixPath(path).parents) if str(each) != "."]


def bound_name(alias: cst.ImportAlias) -> str:
    """The name that an alias binds: of `import a.b`, it is `a`."""
    return alias.evaluated_alias or alias.evaluated_name.split(".")[0]


def below(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and all below it, in order."""
    pending = [node]
    while pending:
        each = pending.pop()
        yield each
        pending.extend(reversed(each.children))


def top_level(file: File) -> Iterator[cst.CSTNode]:
    """Statements of a module, with those below its `if` and `try`."""
    pending: list[cst.CSTNode] = list(reversed(file.tree.body))
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, cst.If | cst.Try | cst.TryStar | cst.Else | cst.ExceptHandler | cst.Finally):
            pending.extend(
                reversed(
                    [
                        c
                        for c in node.children
                        if isinstance(
                            c,
                            cst.BaseCompoundStatement | cst.IndentedBlock | cst.Else | cst.ExceptHandler | cst.Finally,
                        )
                    ]
                )
            )
        elif isinstance(node, cst.IndentedBlock):
            pending.extend(reversed(node.body))


def _own_names(file: File) -> Iterator[str]:
    for node in top_level(file):
        if isinstance(node, Definition):
            yield node.name.value
        elif isinstance(node, cst.SimpleStatementLine):
            for statement in node.body:
                targets = (
                    [each.target for each in statement.targets]
                    if isinstance(statement, cst.Assign)
                    else [statement.target]
                    if isinstance(statement, cst.AnnAssign | cst.AugAssign)
                    else []
                )
                for target in targets:
                    yield from (each.value for each in below(target) if isinstance(each, cst.Name))
