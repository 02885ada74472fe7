"""Who calls whom, by name, from the syntax trees alone: nothing runs, and no type is known.

A name leads to the definitions that it can mean, the near ones first: of the same class (`self.x`), of the same file,
of the module that it is imported from; only where none of these has it, to all of that name. So a way may be shorter
than the real one (two methods of one name), and it is missing where a call goes by `getattr` or a registry.
"""

import ast
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Node(NamedTuple):
    """A function, method, class or variable of a file's own level. What is inside a function belongs to it."""

    path: str
    symbol: str


@dataclass
class _Scope:
    """What is looked at while one file is read."""

    path: str
    imported: dict[str, tuple[str, str]]  # local name -> module ('' for a module itself), its name there
    locals: frozenset[str]  # names of the file's own level


@dataclass
class CallGraph:
    """Edges from each definition to the names that it uses, resolved when a way is asked for."""

    _uses: dict[Node, set[tuple[str, str]]] = field(default_factory=dict)  # ("name" or "attribute", name)
    _scopes: dict[str, _Scope] = field(default_factory=dict)
    _by_name: defaultdict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    _bases: dict[Node, list[str]] = field(default_factory=dict)
    _lines: dict[Node, tuple[int, int]] = field(default_factory=dict)
    _callers: defaultdict[Node, list[Node]] | None = None

    def with_files(self, files: Mapping[str, bytes]) -> "CallGraph":
        """The same with more files, or other versions of some. Files that do not parse are left out."""
        more = CallGraph(
            {node: uses for node, uses in self._uses.items() if node.path not in files},
            {path: scope for path, scope in self._scopes.items() if path not in files},
            defaultdict(list, {name: [node for node in nodes if node.path not in files]
                               for name, nodes in self._by_name.items()}),
            {node: bases for node, bases in self._bases.items() if node.path not in files},
            {node: lines for node, lines in self._lines.items() if node.path not in files},
        )  # fmt: skip
        for path, data in sorted(files.items()):
            try:
                tree = ast.parse(data)
            except (SyntaxError, ValueError, RecursionError):
                continue
            more._read(path, tree)
        return more

    def at(self, path: str, symbol: str, line: int) -> frozenset[Node]:
        """The definition of that name, else the innermost around the line; of a class with what is in it."""
        node = Node(path, symbol)
        if node not in self._uses:
            around = [
                each for each, (first, last) in self._lines.items() if each.path == path and first <= line <= last
            ]
            if not around:
                return frozenset()
            node = max(around, key=lambda each: self._lines[each][0])
        inner = f"{node.symbol}."
        inside = (each for each in self._uses if each.path == path and each.symbol.startswith(inner))
        return frozenset((node, *inside))

    def distances(self, targets: Iterable[Node]) -> dict[Node, int]:
        """Calls on the shortest way from each definition to the nearest of the targets; 0 for these themselves."""
        if self._callers is None:
            self._callers = defaultdict(list)
            for node in self._uses:
                for called in self._called(node):
                    self._callers[called].append(node)
        found = dict.fromkeys(targets, 0)
        waiting = deque(found)
        while waiting:
            node = waiting.popleft()
            for caller in self._callers.get(node, ()):
                if caller not in found:
                    found[caller] = found[node] + 1
                    waiting.append(caller)
        return found

    def _read(self, path: str, tree: ast.Module) -> None:
        scope = _Scope(path, dict(_imports(path, tree)), frozenset())
        top: list[str] = []

        def define(node: Function | ast.ClassDef, prefix: str) -> None:
            at = Node(path, prefix + node.name)
            first = min((each.lineno for each in node.decorator_list), default=node.lineno)
            self._lines.setdefault(at, (first, node.end_lineno or node.lineno))
            self._by_name[node.name].append(at)
            if isinstance(node, ast.ClassDef):
                self._bases[at] = [name for base in node.bases if (name := _last_name(base))]
                uses = self._uses.setdefault(at, set())
                for part in (*node.decorator_list, *node.bases, *node.keywords):
                    uses |= set(_names(part))
                level(node.body, f"{prefix}{node.name}.", uses)
            else:
                self._uses[at] = self._uses.get(at, set()) | set(_names(node))

        def level(statements: Iterable[ast.stmt], prefix: str, uses: set[tuple[str, str]]) -> None:
            for statement in statements:
                if isinstance(statement, Function | ast.ClassDef):
                    if not prefix:
                        top.append(statement.name)
                    define(statement, prefix)
                elif isinstance(statement, ast.If | ast.Try | ast.With):
                    blocks = (getattr(statement, name, []) for name in ("body", "orelse", "finalbody"))
                    level((each for block in blocks for each in block), prefix, uses)
                elif not prefix and isinstance(statement, ast.Assign | ast.AnnAssign):
                    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                    for target in targets:
                        if isinstance(target, ast.Name):  # a table of functions leads to them
                            top.append(target.id)
                            at = Node(path, target.id)
                            self._by_name[target.id] += [at] if at not in self._uses else []
                            self._lines.setdefault(at, (statement.lineno, statement.end_lineno or statement.lineno))
                            self._uses[at] = self._uses.get(at, set()) | set(_names(statement))
                else:
                    uses |= set(_names(statement))

        level(tree.body, "", set())
        scope.locals = frozenset(top)
        self._scopes[path] = scope

    def _called(self, node: Node) -> set[Node]:
        scope = self._scopes[node.path]
        found: set[Node] = set()
        for kind, name in self._uses[node]:
            if kind == "attribute":
                found.update(self._method(node, name))
            elif kind == "self":
                found.update(self._of_class(node, name) or self._method(node, name))
            else:
                found.update(self._name(scope, name))
        for called in list(found):
            if (
                called in self._bases
            ):  # a class that is called makes an object: operators and `with` are not seen as names
                found.update(each for each in self._members(called) if each.symbol.rpartition(".")[2].startswith("__"))
        found.discard(node)
        return found

    def _name(self, scope: _Scope, name: str) -> list[Node]:
        known = self._by_name.get(name, [])
        if name in scope.locals:
            return [node for node in known if node == Node(scope.path, name)]
        if name in scope.imported:
            module, original = scope.imported[name]
            named = [node for node in self._by_name.get(original, []) if "." not in node.symbol]
            return [node for node in named if _is_module(node.path, module)] or named
        # A fixture or a star import: something of that name at the top of some file.
        return [node for node in known if "." not in node.symbol]

    def _method(self, node: Node, name: str) -> list[Node]:
        known = self._by_name.get(name, [])
        return [each for each in known if each.path == node.path] or known

    def _of_class(self, node: Node, name: str) -> list[Node]:
        """A method of the class that `node` is in, or of one of its bases."""
        start = Node(node.path, node.symbol.rpartition(".")[0])
        waiting, seen = deque([start]), {start}
        while waiting:
            each = waiting.popleft()
            member = Node(each.path, f"{each.symbol}.{name}")
            if member in self._uses:
                return [member]
            for base in self._bases.get(each, ()):
                for found in self._name(self._scopes[each.path], base):
                    if found in self._bases and found not in seen:
                        seen.add(found)
                        waiting.append(found)
        return []

    def _members(self, node: Node) -> Iterator[Node]:
        return (each for each in self._uses if each.path == node.path and each.symbol.startswith(f"{node.symbol}."))


def read_call_graph(folders: Iterable[Path]) -> CallGraph:
    """The Python files below some folders, by their paths relative to these."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
        if path.is_file()
    }
    return CallGraph().with_files(files)


def _names(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Names that a piece of code uses. Arguments count too: a test asks for its fixtures by them."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield "name", each.id
        elif isinstance(each, ast.Attribute):
            is_own = isinstance(each.value, ast.Name) and each.value.id in ("self", "cls")
            is_own = is_own or (isinstance(each.value, ast.Call) and _last_name(each.value.func) == "super")
            yield "self" if is_own else "attribute", each.attr
        elif isinstance(each, ast.arg) and each.arg not in ("self", "cls"):
            yield "name", each.arg


def _imports(path: str, tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                package = path.split("/")[: -node.level]
                module = ".".join([*package, *filter(None, [module])])
            for alias in node.names:
                yield alias.asname or alias.name, (module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], (alias.name, "")


def _is_module(path: str, module: str) -> bool:
    """A file is that module, wherever the import path starts (`src/`), or a part of that package."""
    dotted = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return f".{dotted}.".endswith(f".{module}.") if module else True


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
