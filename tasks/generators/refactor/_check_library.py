"""What the check file of a refactor is made of: each task carries the functions that its own tests call.

Standard library only, no import from Gristmill: `_checks.py` copies from here as text. Formatting, comments,
docstrings, annotations, import style and order of definitions are free; names, signatures and calls are not.
"""

import ast
import importlib
from copy import deepcopy
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_CODE: tuple[str, ...] = ()
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@cache
def code() -> dict[str, ast.Module]:
    """Every Python file of the repository but its tests: path -> syntax tree."""
    paths = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
    paths = [path for path in paths if not any(path == each or path.startswith(f"{each}/") for each in NOT_CODE)]
    return {path: ast.parse((ROOT / path).read_bytes()) for path in paths}


def identifiers(tree: ast.AST) -> list[tuple[str, int]]:
    """Each name that is written in code, also as a string by itself ('name' or 'package.name'), with its line."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        for field in ("id", "attr", "arg", "name", "asname", "rest"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                found += [(part, line) for part in value.split(".")]
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            found += [(name, line) for name in node.names]
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
            last = node.value.replace(":", ".").split(".")[-1]
            found += [(last, line)] if last.isidentifier() else []
    return found


def mentions(name: str, besides: dict[str, int]) -> list[str]:
    """Where code has this name, as 'path:line'; `besides`: path -> how often it means something else there."""
    found: list[str] = []
    for path, tree in code().items():
        lines = [line for each, line in identifiers(tree) if each == name]
        if len(lines) > besides.get(path, 0):
            found += [f"{path}:{line}" for line in lines]
    return found


def top_level(tree: ast.AST) -> list[ast.stmt]:
    """Statements of a module or class, with those below its `if` and `try`."""
    found: list[ast.stmt] = []
    for node in getattr(tree, "body", []):
        found.append(node)
        if isinstance(node, (ast.If, ast.Try)):
            for part in (node, *getattr(node, "handlers", [])):
                found += top_level(part)
            for field in ("orelse", "finalbody"):
                found += top_level(ast.Module(getattr(node, field, []), []))
    return found


def find(path: str, qualified: str) -> list[ast.AST]:
    """The functions and classes of this qualified name in a file."""
    scopes: list[ast.AST] = [code()[path]] if path in code() else []
    for part in qualified.split("."):
        nodes = [node for scope in scopes for node in top_level(scope)]
        scopes = [node for node in nodes if isinstance(node, DEFINITIONS) and node.name == part]
    return scopes


def definition(path: str, qualified: str) -> ast.AST:
    """The one function or class of this qualified name."""
    found = find(path, qualified)
    assert len(found) == 1, f"{path} should define {qualified} once, not {len(found)} times"
    return found[0]


def assigned(path: str) -> list[str]:
    """Names that a file assigns at its top level."""
    found: list[str] = []
    for node in top_level(code().get(path, ast.Module([], []))):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        found += [target.id for target in targets if isinstance(target, ast.Name)]
    return found


def parameters(function: ast.AST) -> str:
    """Parameters with their defaults, without annotations: 'a, *, b=1'."""
    assert isinstance(function, FUNCTIONS), "a function is wanted"
    bare = deepcopy(function.args)
    for node in ast.walk(bare):
        if isinstance(node, ast.arg):
            node.annotation = None
    return ast.unparse(bare)


def parameters_of(text: str) -> str:
    """The same, of a text like 'a, *, b=1'."""
    return parameters(ast.parse(f"def f({text}): pass").body[0])


def parameter_names(function: ast.AST) -> list[str]:
    """Of every kind of parameter, in any order."""
    assert isinstance(function, FUNCTIONS), "a function is wanted"
    return [node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)]


def repeated_statements(function: ast.AST, most: dict[str, int]) -> list[str]:
    """Statements that a definition has more often than it may; statement -> how often it may."""
    own = [ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.stmt)]
    plain = {ast.unparse(ast.parse(text)): count for text, count in most.items()}
    return [text for text, count in plain.items() if own.count(text) > count]


def bases(klass: ast.AST) -> list[str]:
    """Last words of the names of a class's bases."""
    assert isinstance(klass, ast.ClassDef), "a class is wanted"
    return [ast.unparse(base).split(".")[-1] for base in klass.bases]


def users_without(name: str, users: list[tuple[str, str]]) -> list[str]:
    """Of these functions and classes, those that are there and do not use the name."""
    missing: list[str] = []
    for path, qualified in users:
        nodes = find(path, qualified)
        if nodes and not any(name == each for node in nodes for each, _ in identifiers(node)):
            missing.append(f"{path}: {qualified}")
    return missing


def has_at_runtime(module: str, qualified: str) -> bool:
    """A module, or a class in it, answers to this name."""
    owner: object = importlib.import_module(module)
    *scopes, name = qualified.split(".")
    for scope in scopes:
        owner = getattr(owner, scope)
    return hasattr(owner, name)


def imported_names(path: str) -> list[tuple[str, str, int]]:
    """What a file imports: absolute module, name in it ('' for the module itself), line."""
    package = path.removesuffix(".py").split("/")[:-1]
    found: list[tuple[str, str, int]] = []
    for node in ast.walk(code().get(path, ast.Module([], []))):
        if isinstance(node, ast.Import):
            found += [(alias.name, "", node.lineno) for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found += [(module, alias.name, node.lineno) for alias in node.names]
    return found


def imports_from(module_path: str, name: str) -> list[str]:
    """Where code imports a name from the module in this file, as 'path:line'."""
    dotted = "." + module_path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return [
        f"{path}:{line}"
        for path in code()
        for module, each, line in imported_names(path)
        if each == name and (dotted == f".{module}" or dotted.endswith(f".{module}"))
    ]


def reached_through(module_path: str, name: str) -> list[str]:
    """Where code takes a name from the module in this file as an attribute (`module.name`), as 'path:line'."""
    stem = module_path.removesuffix(".py").removesuffix("/__init__").split("/")[-1]
    found: list[str] = []
    for path, tree in code().items():
        imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
        aliases = [alias for node in imports for alias in node.names if alias.name.split(".")[-1] == stem]
        modules = {stem, *((alias.asname or alias.name).split(".")[-1] for alias in aliases)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == name:
                found += [f"{path}:{node.lineno}"] if ast.unparse(node.value).split(".")[-1] in modules else []
    return found


def bound(path: str) -> list[str]:
    """Names that imports bind in a file."""
    return [
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(code()[path])
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]


def idle_imports(path: str, names: list[str]) -> list[str]:
    """Of these names, those that the file imports and does not use (`__all__` is a use)."""
    written = [node.id for node in ast.walk(code()[path]) if isinstance(node, ast.Name)]
    written += [
        node.value for node in ast.walk(code()[path]) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [name for name in names if name in bound(path) and name not in written]


def written(path: str, name: str) -> list[int]:
    """Lines on which a file has this name, dotted or not, outside imports of other names."""
    nodes = [node for node in ast.walk(code()[path]) if isinstance(node, (ast.Name, ast.Attribute))]
    return [node.lineno for node in nodes if ast.unparse(node) == name]


def percent_formats(path: str) -> list[int]:
    """Lines on which a string literal is formatted by `%`."""
    nodes = [node for node in ast.walk(code()[path]) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)]
    return [node.lineno for node in nodes if isinstance(getattr(node.left, "value", None), str)]


def format_parts(node: ast.JoinedStr) -> list[str]:
    """The pieces of an f-string: text, and expressions with `!r` where it is asked for (`!s` is what goes without)."""
    found: list[str] = []
    for each in node.values:
        if isinstance(each, ast.FormattedValue):
            found.append(f"{{{ast.unparse(each.value)}{'!r' if each.conversion == 114 else ''}}}")
        else:
            found.append(str(getattr(each, "value", "")))
    return found


def missing_formats(path: str, wanted: list[str]) -> list[str]:
    """Of these f-strings, those that a file has not got in any way of writing them."""
    have = [format_parts(node) for node in ast.walk(code()[path]) if isinstance(node, ast.JoinedStr)]
    missing: list[str] = []
    for text in wanted:
        parts = next(format_parts(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.JoinedStr))
        missing += [] if parts in have else [text]
    return missing


def calls_of(tree: ast.AST, name: str) -> list[ast.Call]:
    """Calls of a function or method of this name, however it is reached."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and name in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
    ]


def with_too_many_positional(name: str, most: int) -> list[str]:
    """Calls that give more arguments by position, as 'path:line'."""
    return [
        f"{path}:{call.lineno}"
        for path, tree in code().items()
        for call in calls_of(tree, name)
        if len(call.args) > most
    ]


def with_keyword(name: str, keyword: str) -> list[str]:
    """Calls that give an argument by this keyword, as 'path:line'."""
    return [
        f"{path}:{call.lineno}"
        for path, tree in code().items()
        for call in calls_of(tree, name)
        if any(each.arg == keyword for each in call.keywords)
    ]


def arguments(call: ast.Call, order: list[str]) -> dict[str, str]:
    """Parameter -> argument, whichever way it is given; `order`: parameters by position."""
    given = dict(zip(order, (ast.unparse(each) for each in call.args), strict=False))
    given.update({each.arg or "**": ast.unparse(each.value) for each in call.keywords})
    return given


def given_to(name: str, path: str, order: list[str]) -> list[dict[str, str]]:
    """What the calls of `name` in a file give, without regard to the order of the calls."""
    return unordered([arguments(call, order) for call in calls_of(code()[path], name)])


def unordered(calls: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same list whichever order the calls came in, each argument written in one way."""
    plain = [{name: ast.unparse(ast.parse(text, mode="eval")) for name, text in call.items()} for call in calls]
    return sorted(plain, key=lambda call: sorted(call.items()))


class _Plain(ast.NodeTransformer):
    """Local names by number, dotted names by their last word, no annotations, docstrings and imports."""

    def __init__(self, renamed: dict[str, str]) -> None:
        self.renamed = renamed
        self.local: set[str] = set()
        self.numbers: dict[str, str] = {}

    def word(self, name: str) -> str:
        if name in self.local:
            return self.numbers.setdefault(name, f"v{len(self.numbers)}")
        return self.renamed.get(name, name)

    def visit(self, node: ast.AST) -> ast.AST | None:
        if isinstance(node, FUNCTIONS):
            self.local |= {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
            names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
            self.local |= {each.id for each in names if isinstance(each.ctx, ast.Store)}
            node.returns = None
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass)):
            return None
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id not in self.local:
            return ast.Name(self.renamed.get(node.attr, node.attr), node.ctx)
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            node = ast.Assign([node.target], node.value)
        self.generic_visit(node)
        if isinstance(node, ast.arg):
            node.annotation = None
            node.arg = self.word(node.arg)
        elif isinstance(node, ast.Name):
            node.id = self.word(node.id)
        elif isinstance(node, ast.Attribute):
            node.attr = self.renamed.get(node.attr, node.attr)
        elif isinstance(node, DEFINITIONS):
            node.name = self.renamed.get(node.name, node.name)
        return node


def plain(node: ast.AST, renamed: dict[str, str]) -> str:
    """The statements of a definition, free of what may differ; `renamed`: new name -> old."""
    node = deepcopy(node)
    eraser = _Plain(renamed)
    if isinstance(node, FUNCTIONS):
        eraser.local = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
        names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
        eraser.local |= {each.id for each in names if isinstance(each.ctx, ast.Store)}
    body = [eraser.visit(statement) for statement in getattr(node, "body", [])]
    return "\n".join(ast.dump(statement) for statement in body if statement is not None)


def plain_before(text: str) -> str:
    """The same, of a definition's text as it was."""
    return plain(ast.parse(text).body[0], {})
