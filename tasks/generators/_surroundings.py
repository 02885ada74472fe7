"""What may be shown of a function whose body is not: its head, and the outline of what stands around it."""

import ast
from collections.abc import Iterator, Sequence

import libcst as cst

from tasks.generators._indent import indent_of, reindented
from tasks.generators._source_file import Definition, SourceFile

LONGEST = 4_000  # characters of the outline
LONGEST_INIT = 1_500
LONGEST_VALUE = 120

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def signature_and_docstring(file: SourceFile, definition: Definition) -> str:
    """Decorators, signature and docstring, indented as a function of its own. The function has a docstring."""
    node = definition.node
    assert isinstance(node, cst.FunctionDef) and isinstance(node.body, cst.IndentedBlock)
    whole: list[cst.CSTNode] = [*node.decorators[:1], node]
    first, after = file.lines_of(file.span(whole[0])[0], file.span(node.body.body[0])[1])
    lines = reindented(file, whole, indent_of(file, node), b"").splitlines()
    return b"\n".join(lines[: file.data[first:after].count(b"\n")]).decode().rstrip()


def surroundings(file: SourceFile, definition: Definition) -> str:
    """Imports, the module's values and signatures; of a method also its class: head, fields, `__init__`, signatures."""
    tree = ast.parse(file.data)
    scope, _, name = definition.name.rpartition(".")
    owner = _class(tree.body, scope.split(".")) if scope else None
    of_class = "\n".join([_head(owner), *_outline(owner.body, name, depth=1)])[:LONGEST] if owner else ""
    module: list[str] = []
    room = LONGEST - len(of_class)
    for line in _outline(tree.body, "" if owner else name, depth=0):
        if (room := room - len(line) - 1) < 0:
            break
        module.append(line)
    return "\n".join([*module, "", of_class]).strip()


def _outline(body: Sequence[ast.stmt], left_out: str, *, depth: int) -> Iterator[str]:
    indent = "    " * depth
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom) and depth == 0:
            yield ast.unparse(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            text = ast.unparse(node)
            yield indent + (text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…")
        elif isinstance(node, _Function) and node.name != left_out:
            text = ast.unparse(node) if depth and node.name == "__init__" else ""
            if text and len(text) <= LONGEST_INIT:
                yield "\n".join(indent + line for line in text.splitlines())
            else:
                yield indent + _signature(node)


def _signature(node: _Function) -> str:
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{keyword} {node.name}({ast.unparse(node.args)}){result}: ..."


def _head(node: ast.ClassDef) -> str:
    bases = ", ".join(ast.unparse(each) for each in (*node.bases, *node.keywords))
    docstring = (ast.get_docstring(node) or "").strip().partition("\n")[0]
    return f"class {node.name}{f'({bases})' if bases else ''}:" + (f'\n    """{docstring}"""' if docstring else "")


def _class(body: Sequence[ast.stmt], names: Sequence[str]) -> ast.ClassDef | None:
    """The class of this dotted name; also one that is defined under `if` or `try`."""
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name == names[0]:
            return node if len(names) == 1 else _class(node.body, names[1:])
        if isinstance(node, ast.If | ast.Try) and (found := _class([*node.body, *node.orelse], names)) is not None:
            return found
    return None
