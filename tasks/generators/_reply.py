"""A model's reply read strictly: one code block that is one function, whose body is spliced into the file."""

import ast
import re

import libcst as cst

from tasks.generators._indent import indent_of, reindented
from tasks.generators._source_file import Definition, Edit, SourceFile, parse_source_file
from tasks.generators._walk import is_docstring

BLOCK = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)


class UnusableReply(Exception):
    """Its `reason` is short and countable."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def edit_from_reply(file: SourceFile, definition: Definition, reply: str, kind: str) -> Edit:
    """Put the body of the reply's function in place of the definition's.

    Only statements that are different are replaced; signature, decorators, docstring and all else keep their bytes.
    Raises UnusableReply.
    """
    theirs, node = _function_of(reply)
    ours = definition.node
    assert isinstance(ours, cst.FunctionDef)
    if node.name.value != ours.name.value:
        raise UnusableReply("another function", node.name.value)
    if _signature(theirs, node) != _signature(file, ours):
        raise UnusableReply("another signature", theirs.text(node).decode().partition("\n")[0])
    before, after = body_of(ours), body_of(node)
    if not after:
        raise UnusableReply("reply has no body")
    old, new = [_meaning(file, each) for each in before], [_meaning(theirs, each) for each in after]
    if old == new:
        raise UnusableReply("unchanged")
    first = next(
        (at for at, (one, two) in enumerate(zip(old, new, strict=False)) if one != two), min(len(old), len(new))
    )
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    gone, come = before[first : len(old) - last], after[first : len(new) - last]
    text = reindented(theirs, come, indent_of(theirs, come[0]), indent_of(file, before[0])) if come else b""
    if text and not text.endswith(b"\n"):
        text += b"\n"
    if b"\r\n" in file.data:
        text = text.replace(b"\n", b"\r\n")
    edit = Edit(*_lines(file, before, gone, first), text, kind)
    try:
        ast.parse(file.applied(edit))
    except (SyntaxError, ValueError) as error:
        raise UnusableReply("reply does not parse", str(error)) from error
    return edit


def body_of(node: cst.FunctionDef) -> list[cst.BaseStatement]:
    """Statements of an indented body but its docstring; none for `def f(): return 1`."""
    statements = list(node.body.body) if isinstance(node.body, cst.IndentedBlock) else []
    return statements[1:] if statements and is_docstring(statements[0]) else statements


def _function_of(reply: str) -> tuple[SourceFile, cst.FunctionDef]:
    blocks = BLOCK.findall(reply.replace("\r\n", "\n"))
    if not blocks:
        raise UnusableReply("reply has no code", reply[:200])
    if len(blocks) > 1:
        raise UnusableReply("reply has several code blocks", reply[:200])
    text = blocks[0]
    is_indented = text.lstrip("\n")[:1] in (" ", "\t")
    if is_indented:  # a method as it stood in its class; to dedent it would change its strings
        text = f"if True:\n{text}"
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError) as error:
        raise UnusableReply("reply does not parse", str(error)) from error
    theirs = parse_source_file("reply", text.encode())
    if theirs is None:
        raise UnusableReply("reply does not parse", "LibCST does not give it back as it is")
    if is_indented and isinstance(statements[0], ast.If) and not statements[0].orelse:
        statements = [*statements[0].body, *statements[1:]]
    if (
        len(statements) != 1
        or len(theirs.definitions) != 1
        or not isinstance(theirs.definitions[0].node, cst.FunctionDef)
    ):
        raise UnusableReply("reply is not one function", text[:200])
    return theirs, theirs.definitions[0].node


def _signature(file: SourceFile, node: cst.FunctionDef) -> str:
    """What callers see: kind of function, parameters with defaults and annotations, result."""
    line = file.line_of(file.span(node)[0])
    for function in ast.walk(ast.parse(file.data)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.lineno == line:
            function.body, function.decorator_list = [], []
            return ast.dump(function)
    raise AssertionError(f"{file.path}: no function on line {line}")


def _meaning(file: SourceFile, statement: cst.CSTNode) -> str:
    """The statement's syntax tree: white space, quotes and comments aside."""
    return ast.dump(ast.parse(reindented(file, [statement], indent_of(file, statement), b"")))


def _lines(
    file: SourceFile, before: list[cst.BaseStatement], gone: list[cst.BaseStatement], first: int
) -> tuple[int, int]:
    """Whole lines of the statements that go, or the empty span where nothing goes."""
    if gone:
        return file.lines_of(file.span(gone[0])[0], file.span(gone[-1])[1])
    if first < len(before):
        start = file.lines_of(*file.span(before[first]))[0]
    else:
        start = file.lines_of(*file.span(before[-1]))[1]
    return start, start
