"""Every place that means a symbol, in code and in tests; or why that cannot be said for sure."""

import builtins
import importlib
import inspect
import keyword
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

import libcst as cst

from tasks.generators.refactor._plan import NotSure, Splice
from tasks.generators.refactor._project import Definition, File, Project, below, top_level

# Objects of these modules are everywhere in code: an attribute that one of their classes has may be theirs.
_COMMON = (
    "abc argparse array ast asyncio base64 collections collections.abc configparser contextlib copy csv "
    "datetime decimal difflib email.message enum fractions functools hashlib http.client inspect io "
    "itertools json logging os pathlib pickle queue random re shutil socket sqlite3 string struct "
    "subprocess tempfile threading time tokenize traceback types typing unittest unittest.mock "
    "urllib.parse urllib.request uuid weakref xml.etree.ElementTree zipfile "
)


@dataclass(frozen=True)
class Symbol:
    """A function, class or constant at module level, or a method (`holder` is its class)."""

    file: File
    name: str
    node: cst.CSTNode
    holder: cst.ClassDef | None = None

    @property
    def qualified(self) -> str:
        return f"{self.holder.name.value}.{self.name}" if self.holder else self.name

    @property
    def dotted(self) -> str:
        return f"{self.file.module}.{self.qualified}"

    @property
    def what(self) -> str:
        if isinstance(self.node, cst.FunctionDef):
            return "method" if self.holder else "function"
        return "class" if isinstance(self.node, cst.ClassDef) else "constant"


@dataclass
class References:
    """`found`: nodes that mean the symbol, by path, its own definition among them; `others`: the same word for
    something else, counted by path (code that the agent sees only)."""

    symbol: Symbol
    found: list[tuple[File, cst.Name | cst.SimpleString]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def renamed(self, new: str) -> tuple[Splice, ...]:
        """The symbol's name replaced at each place."""
        edits = []
        for file, node in self.found:
            start, end = file.span(node)
            if isinstance(node, cst.SimpleString):
                start, end = start + len(node.prefix) + len(node.quote), end - len(node.quote)
            edits.append(Splice(file.path, start, end, new.encode()))
        return tuple(edits)

    def uses(self) -> list[tuple[File, cst.Name]]:
        """Reads of the symbol: neither its definition, nor an import, nor a string."""
        return [
            (file, node)
            for file, node in self.found
            if isinstance(node, cst.Name) and not _is_definition(file, node) and not is_import(file, node)
        ]

    def users(self) -> list[tuple[str, str]]:
        """Definitions of visible files, outside the symbol's own, that use it: path and qualified name."""
        own = self.symbol.qualified
        found = {(file.path, file.owner(node)) for file, node in self.uses() if not file.is_test}
        return sorted(
            (path, owner)
            for path, owner in found
            if owner and not (path == self.symbol.file.path and (owner == own or owner.startswith(f"{own}.")))
        )

    def visible_paths(self) -> list[str]:
        return sorted({file.path for file, _ in self.found if not file.is_test})


def references(project: Project, symbol: Symbol) -> References:
    """Raises NotSure."""
    name = symbol.name
    if name.startswith("__") or keyword.iskeyword(name) or hasattr(builtins, name):
        raise NotSure("special name", name)
    _check_texts(project, name)
    return _of_method(project, symbol) if symbol.holder is not None else _of_module(project, symbol)


def _of_module(project: Project, symbol: Symbol) -> References:
    result = References(symbol)
    found_definition = 0
    for file in project.files.values():
        for node in file.names.get(symbol.name, ()):
            above = file.parent(node)
            if _is_definition(file, node):
                if node is _name_of(symbol.node) or _means(project, file, node, symbol):
                    found_definition += 1
                    result.found.append((file, node))
                else:
                    _other(result, file)
            elif isinstance(above, cst.Param | cst.Arg) and node is not getattr(above, "value", None):
                if isinstance(above, cst.Param) and above.default is node:
                    _reference_or_other(project, result, file, node)
                else:
                    _other(result, file)
            elif is_import(file, node):
                _of_import(project, result, file, node)
            elif isinstance(above, cst.Attribute) and above.attr is node:
                meanings = project.meanings(file, above)
                if symbol.dotted in meanings:
                    result.found.append((file, node))
                elif meanings or symbol.name in common_attributes() or _is_attribute_of_classes(project, symbol.name):
                    _other(result, file)
                else:
                    raise NotSure("attribute of something unknown", f"{file.path}:{file.line(node)}")
            else:
                _reference_or_other(project, result, file, node)
        for string in file.exported:
            if string.evaluated_value == symbol.name:
                if project.canonical(f"{file.module}.{symbol.name}") != symbol.dotted:
                    raise NotSure("named in another `__all__`", file.path)
                result.found.append((file, string))
    if isinstance(symbol.node, cst.Name):
        found_definition = sum(file is symbol.file and _is_assigned(file, node) for file, node in result.found)
    if found_definition != 1:
        raise NotSure("defined more than once", symbol.dotted)
    return result


def _is_assigned(file: File, node: cst.CSTNode) -> bool:
    return isinstance(file.parent(node), cst.AssignTarget | cst.AnnAssign | cst.AugAssign | cst.NamedExpr)


def _reference_or_other(project: Project, result: References, file: File, node: cst.Name) -> None:
    meanings = project.meanings(file, node)
    if result.symbol.dotted in meanings:
        if len(meanings) > 1:
            raise NotSure("may mean two things", f"{file.path}:{file.line(node)}")
        result.found.append((file, node))
    elif not meanings:
        raise NotSure("a name that nothing binds", f"{file.path}:{file.line(node)}")
    else:
        _other(result, file)


def _of_import(project: Project, result: References, file: File, node: cst.Name) -> None:
    statement = next(each for each in file.ancestors(node) if isinstance(each, cst.Import | cst.ImportFrom))
    alias = next((each for each in file.ancestors(node) if isinstance(each, cst.ImportAlias)), None)
    if isinstance(statement, cst.ImportFrom) and alias is not None and alias.name is node:
        if project.canonical(f"{file.imported_module(statement)}.{node.value}") == result.symbol.dotted:
            result.found.append((file, node))
            return
    elif alias is not None and alias.asname is not None and node in set(below(alias.asname)):
        full = alias.evaluated_name
        module = f"{file.imported_module(statement)}." if isinstance(statement, cst.ImportFrom) else ""
        if project.canonical(module + full) == result.symbol.dotted:
            raise NotSure("imported under its own name", file.path)
    _other(result, file)


def _of_method(project: Project, symbol: Symbol) -> References:
    """Sure where no class but this one, and nothing else, has an attribute of that name."""
    assert symbol.holder is not None
    name = symbol.name
    if name in common_attributes():
        raise NotSure("attribute of common types", name)
    _check_bases(project, symbol.file, symbol.holder)
    result = References(symbol)
    definitions = 0
    for file in project.files.values():
        for node in file.names.get(name, ()):
            above = file.parent(node)
            if _is_definition(file, node):
                holder = next((each for each in file.ancestors(above or node) if isinstance(each, Definition)), None)
                if not isinstance(holder, cst.ClassDef):
                    _other(result, file)
                    continue
                if holder is not symbol.holder:
                    raise NotSure("several classes define it", f"{file.path}:{file.line(node)}")
                definitions += 1
                result.found.append((file, node))
            elif isinstance(above, cst.Attribute) and above.attr is node:
                if _is_stored(file, above):
                    raise NotSure("assigned as an attribute", f"{file.path}:{file.line(node)}")
                meanings = project.meanings(file, above)
                receiver = project.meanings(file, above.value)
                if symbol.dotted not in meanings and any(each in project.by_module for each in receiver):
                    _other(result, file)
                else:
                    result.found.append((file, node))
            elif symbol.dotted in project.meanings(file, node) and not isinstance(above, cst.Param | cst.Arg):
                result.found.append((file, node))
            else:
                scope = next((each for each in file.ancestors(node) if isinstance(each, Definition)), None)
                if isinstance(scope, cst.ClassDef) and not isinstance(above, cst.Arg):
                    raise NotSure("several classes define it", f"{file.path}:{file.line(node)}")
                _other(result, file)
    if definitions != 1:
        raise NotSure("defined more than once", symbol.dotted)
    return result


def _check_bases(project: Project, file: File, node: cst.ClassDef, depth: int = 0) -> None:
    """All bases are classes of this repository, or builtin; a base from elsewhere may ask for the method's name."""
    for base in node.bases:
        for dotted in project.meanings(file, base.value) or {""}:
            if dotted.startswith("builtins."):
                continue
            module, rest = project.split(dotted)
            home = project.by_module.get(module)
            classes = [each for each in top_level(home) if isinstance(each, cst.ClassDef)] if home else []
            found = next((each for each in classes if each.name.value == rest), None)
            if home is None or found is None or depth > 10:
                raise NotSure("a base class from elsewhere", dotted or file.text(base.value))
            _check_bases(project, home, found, depth + 1)


def _check_texts(project: Project, name: str) -> None:
    """Strings that may reach the symbol by name: exactly its name, a dotted path, a piece of a name put together."""
    whole = re.compile(rf"(?<![\w]){re.escape(name)}(?![\w])")
    for path, text in project.unread.items():
        if whole.search(text):
            raise NotSure("named in a file that cannot be parsed", path)
    for file in project.files.values():
        exported = set(file.exported)
        for node, text in file.strings:
            if node in exported or not (name in text or _is_piece(text, name)):
                continue
            where = f"{file.path}:{file.line(node)}"
            if text == name or re.fullmatch(rf"[\w.:]*[.:]{re.escape(name)}(\.\w+)*", text):
                raise NotSure("named in a string", where)
            if _is_piece(text, name):
                raise NotSure("a string is a piece of its name", where)
            if whole.search(text) and (
                ">>>" in text or any(isinstance(e, cst.Annotation) for e in file.ancestors(node))
            ):
                raise NotSure("named in a doctest or an annotation in quotes", where)
    for path, text in project.configuration:
        if re.search(rf"[:.]{re.escape(name)}(?!\w)", text):
            raise NotSure("named in configuration", path)


def _is_piece(text: str, name: str) -> bool:
    """`'visit_'` or `'visit_%s'` of `visit_name`."""
    match = re.fullmatch(r"([A-Za-z_]\w*_)(%s|\{\w*\})?|(%s|\{\w*\})?(_\w+)", text)
    if match is None or len(text) < 4 or text == name:
        return False
    head, tail = match.group(1), match.group(4)
    return bool((head and name.startswith(head)) or (tail and not text.endswith("_") and name.endswith(tail)))


@lru_cache(maxsize=1)
def common_attributes() -> frozenset[str]:
    """Attributes of builtin types and of the classes of common modules of the standard library."""
    found: set[str] = set()
    for kind in vars(builtins).values():
        if isinstance(kind, type):
            found.update(dir(kind))
    for name in _COMMON.split():
        module = importlib.import_module(name)
        found.update(vars(module))
        for _, kind in inspect.getmembers(module, inspect.isclass):
            found.update(dir(kind))
    return frozenset(found)


def _is_attribute_of_classes(project: Project, name: str) -> bool:
    """Some class of the repository, or an assignment to an attribute, has it."""
    for file in project.files.values():
        for node in file.names.get(name, ()):
            above = file.parent(node)
            if isinstance(above, cst.Attribute) and above.attr is node and _is_stored(file, above):
                return True
            around = next(
                (each for each in file.ancestors(node) if isinstance(each, Definition) and each is not above), None
            )
            if isinstance(around, cst.ClassDef) and isinstance(above, Definition | cst.AssignTarget | cst.AnnAssign):
                return True
    return False


def _is_stored(file: File, node: cst.Attribute) -> bool:
    above = file.parent(node)
    return (isinstance(above, cst.AssignTarget | cst.AnnAssign | cst.AugAssign | cst.Del) and above is not None
            and getattr(above, "target", getattr(above, "expression", None)) is node)  # fmt: skip


def _is_definition(file: File, node: cst.Name) -> bool:
    above = file.parent(node)
    if isinstance(above, Definition):
        return above.name is node
    return False


def is_import(file: File, node: cst.CSTNode) -> bool:
    """The name stands in an import statement."""
    return any(isinstance(each, cst.Import | cst.ImportFrom) for each in file.ancestors(node))


def _name_of(node: cst.CSTNode) -> cst.CSTNode | None:
    return node.name if isinstance(node, Definition) else node


def _means(project: Project, file: File, node: cst.Name, symbol: Symbol) -> bool:
    return not file.owner(file.parent(node) or node) and f"{file.module}.{node.value}" == symbol.dotted


def _other(result: References, file: File) -> None:
    if not file.is_test:
        result.others[file.path] += 1
