"""Values of Python expressions that are constant, whatever pieces they are written in."""

import ast
import base64
import binascii
import codecs
import posixpath
from collections.abc import Callable
from typing import TypeAlias

LIBRARIES = "/usr/lib/python3/dist-packages"
TEST_TOOLS = frozenset({"pytest", "_pytest", "pluggy", "unittest"})
MAX_TEXT = 100_000
MAX_DEPTH = 40
MAX_FOLDS = 200_000  # of one source: an expression may be written so that it is looked at again and again


class PathText(str):
    """A text that is known to be a path (`pathlib.Path`, a glob)."""

    __slots__ = ()


Folded: TypeAlias = "str | bytes | int | float | bool | tuple[Folded, ...] | None"
"""None where it cannot be known."""


class Folder:
    """Folds with what is known of names: `values` of variables, `aliases` of imports (name -> dotted)."""

    def __init__(self) -> None:
        self.values: dict[str, Folded] = {}
        self.aliases: dict[str, str] = {}
        self.left = MAX_FOLDS

    def dotted(self, node: ast.expr, depth: int = 0) -> str:
        """`a.b.c` by full names of modules, getattr and __import__ looked through; empty where it is no such thing."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        base = ""
        if isinstance(node, ast.Name):
            base = self.aliases.get(node.id, node.id)
        elif isinstance(node, ast.Call) and depth < 5:
            called = self.dotted(node.func, depth + 1)
            if called in ("__import__", "importlib.import_module", "builtins.__import__") and node.args:
                first = self.fold(node.args[0], depth + 1)
                base = first if isinstance(first, str) else ""
            elif called == "getattr" and len(node.args) > 1:
                attribute = self.fold(node.args[1], depth + 1)
                owner = self.dotted(node.args[0], depth + 1)
                base = f"{owner}.{attribute}" if owner and isinstance(attribute, str) else ""
        return ".".join([base, *reversed(names)]) if base else ""

    def text(self, node: ast.expr | None) -> str:
        """The value as a text; empty where it is none."""
        value = self.fold(node) if node is not None else None
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        return value if isinstance(value, str) else ""

    def fold(self, node: ast.expr, depth: int = 0) -> Folded:
        self.left -= 1
        if depth > MAX_DEPTH or self.left < 0:
            return None
        value = self._fold(node, depth + 1)
        return value[:MAX_TEXT] if isinstance(value, str | bytes) and len(value) > MAX_TEXT else value

    def _fold(self, node: ast.expr, depth: int) -> Folded:
        match node:
            case ast.Constant(value=str() | bytes() | int() | float() | bool() as value):
                return value
            case ast.Name(id=name):
                return self.values.get(name)
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return tuple(self.fold(part, depth) for part in parts[:1000])
            case ast.JoinedStr(values=values):
                pieces = [
                    self.fold(part.value if isinstance(part, ast.FormattedValue) else part, depth) for part in values
                ]
                return "".join("" if piece is None else str(piece) for piece in pieces)
            case ast.BinOp():
                return self._operation(node, depth)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                number = self.fold(operand, depth)
                return -number if isinstance(number, int | float) else None
            case ast.Subscript():
                return self._subscript(node, depth)
            case ast.IfExp(body=body):
                return self.fold(body, depth)
            case ast.Attribute():
                return self._attribute(node, depth)
            case ast.Call():
                return self._call(node, depth)
        return None

    def _operation(self, node: ast.BinOp, depth: int) -> Folded:
        left, right = self.fold(node.left, depth), self.fold(node.right, depth)
        match node.op, left, right:
            case ast.Add(), str(), str():
                joined = left + right
                return PathText(joined) if isinstance(left, PathText) else joined
            case ast.Add(), bytes(), bytes():
                return left + right
            case ast.Add(), tuple(), tuple():
                return (*left, *right)[:1000]
            case ast.Add(), str(), None:
                return left  # the beginning of a path says where it leads
            case ast.Div(), str(), str():
                return PathText(posixpath.join(left, right))
            case ast.Div(), None, str():
                return PathText(right)
            case ast.Mod(), str(), _:
                given = right if isinstance(right, tuple) else (right,)
                for part in given[:50]:
                    left = left.replace("%s", str(part), 1) if isinstance(part, str | int) else left
                return left
            case ast.Mult(), str(), int() if 0 <= right * len(left) <= MAX_TEXT:
                return left * right
        return None

    def _subscript(self, node: ast.Subscript, depth: int) -> Folded:
        value = self.fold(node.value, depth)
        if isinstance(node.slice, ast.Slice):
            bounds = [self._bound(part, depth) for part in (node.slice.lower, node.slice.upper, node.slice.step)]
            if isinstance(value, str):
                return value[slice(bounds[0], bounds[1], bounds[2] or None)]
        elif isinstance(value, tuple) and value and isinstance(value[0], PathText):
            return value[0]
        return None

    def _bound(self, node: ast.expr | None, depth: int) -> int | None:
        value = None if node is None else self.fold(node, depth)
        return value if isinstance(value, int) else None

    def _attribute(self, node: ast.Attribute, depth: int) -> Folded:
        dotted = self.dotted(node)
        if dotted in ("os.sep", "os.path.sep"):
            return "/"
        if dotted.endswith(".__file__") and dotted.partition(".")[0] in TEST_TOOLS:
            return PathText(f"{LIBRARIES}/{dotted.removesuffix('.__file__').replace('.', '/')}.py")
        value = self.fold(node.value, depth)
        if isinstance(value, str) and node.attr == "parent":
            return PathText(posixpath.dirname(value) or "..")
        return None

    def _call(self, node: ast.Call, depth: int) -> Folded:
        called = self.dotted(node.func)
        given = [self.fold(argument, depth) for argument in node.args[:20]]
        texts = [value for value in given if isinstance(value, str)]
        first = given[0] if given else None
        match called:
            case "pathlib.Path" | "Path" | "pathlib.PurePosixPath" | "pathlib.PosixPath":
                return PathText(posixpath.join(*texts)) if texts else PathText(".")
            case "os.path.join":
                return PathText(posixpath.join(*texts)) if texts else None
            case "os.path.expanduser" | "os.path.abspath" | "os.path.realpath" | "str" | "os.fspath":
                return first
            case "pathlib.Path.home" | "Path.home":
                return PathText("~")
            case "pathlib.Path.cwd" | "Path.cwd" | "os.getcwd":
                return PathText(".")
            case "site.getsitepackages":
                return (PathText(LIBRARIES),)
            case "site.getusersitepackages":
                return PathText("~/.local/lib/python3/site-packages")
            case "sysconfig.get_path":
                return PathText(LIBRARIES)
            case "os.path.dirname" if isinstance(first, str):
                return PathText(posixpath.dirname(first) or ".")
            case "chr" if isinstance(first, int) and 0 < first < 0x110000:
                return chr(first)
            case "glob.glob" | "glob.iglob" if isinstance(first, str):
                return PathText(first)
            case "os.listdir" | "os.scandir" if isinstance(first, str):
                return PathText(first.rstrip("/") + "/*")
            case "bytes.fromhex" | "binascii.unhexlify" if isinstance(first, str):
                return _decoded(lambda: bytes.fromhex(first))
            case "base64.b64decode" | "binascii.a2b_base64" if isinstance(first, str | bytes):
                return _decoded(lambda: base64.b64decode(first))
            case "codecs.decode" if isinstance(first, str) and given[1:2] in (["rot13"], ["rot_13"]):
                return codecs.decode(first, "rot13")
        if isinstance(node.func, ast.Attribute):
            return self._method(node.func, given, node, depth)
        return None

    def _method(self, function: ast.Attribute, given: list[Folded], node: ast.Call, depth: int) -> Folded:
        owner = self.fold(function.value, depth)
        first = given[0] if given else None
        match function.attr, owner, first:
            case "join", str(), tuple():
                return owner.join(str(part) for part in first if isinstance(part, str))
            case "join", str(), _ if node.args and isinstance(node.args[0], ast.GeneratorExp | ast.ListComp):
                return self._joined(owner, node.args[0], depth)
            case (("decode" | "encode" | "resolve" | "absolute" | "as_posix" | "expanduser"), str() | bytes(), _):
                return owner.decode(errors="replace") if isinstance(owner, bytes) else owner
            case (("joinpath" | "with_name"), str(), str()):
                joined = posixpath.join(owner if function.attr == "joinpath" else posixpath.dirname(owner), first)
                return PathText(joined)
            case (("glob" | "rglob"), str(), str()):
                return PathText(posixpath.join(owner, first))
            case "iterdir", str(), _:
                return PathText(owner.rstrip("/") + "/*")
            case "replace", str(), str() if len(given) == 2 and isinstance(given[1], str) and len(owner) < 10_000:
                return owner.replace(first, given[1])[:MAX_TEXT]
            case (("strip" | "lower" | "upper" | "lstrip" | "rstrip"), str(), None):
                changed = {"lower": owner.lower(), "upper": owner.upper()}.get(function.attr, owner.strip())
                return changed
            case "split", str(), None:
                return tuple(owner.split()[:1000])
            case "format", str(), _:
                for part in given:
                    owner = owner.replace("{}", str(part), 1) if isinstance(part, str | int) else owner
                return owner
        return None

    def _joined(self, owner: str, node: "ast.GeneratorExp | ast.ListComp", depth: int) -> Folded:
        """''.join(chr(c) for c in (103, 105, 116))"""
        generator = node.generators[0]
        parts = self.fold(generator.iter, depth)
        if not isinstance(parts, tuple) or not isinstance(generator.target, ast.Name):
            return None
        before, pieces = self.values.get(generator.target.id), list[str]()
        for part in parts:
            self.values[generator.target.id] = part
            piece = self.fold(node.elt, depth)
            pieces.append(piece if isinstance(piece, str) else "")
        self.values[generator.target.id] = before
        return owner.join(pieces)


def _decoded(decode: Callable[[], bytes]) -> Folded:
    try:
        return decode()
    except (ValueError, binascii.Error):
        return None
