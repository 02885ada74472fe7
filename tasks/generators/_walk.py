"""Walking a definition: the expressions and blocks in which a bug may be planted, and those in which not."""

from collections.abc import Iterator

import libcst as cst

LOGGING = {"debug", "info", "warning", "warn", "error", "exception", "critical", "log"}
LOGGERS = {"log", "logger", "_log", "_logger", "logging", "warnings"}

SimpleStatement = cst.SimpleStatementLine


def nodes(root: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Every node below `root`, in order, but annotations, docstrings, decorators and logging calls.

    The methods and inner classes of a class are definitions of their own and are left out.
    """
    is_class = isinstance(root, cst.ClassDef)
    pending = [root]
    while pending:
        node = pending.pop()
        if node is not root:
            yield node
        for child in reversed(node.children):
            if isinstance(child, cst.Annotation | cst.Decorator) or is_docstring(child) or is_logging(child):
                continue
            if not (is_class and isinstance(child, cst.FunctionDef | cst.ClassDef)):
                pending.append(child)


def is_docstring(node: cst.CSTNode) -> bool:
    """A statement that is nothing but a string."""
    return (
        isinstance(node, cst.SimpleStatementLine)
        and len(node.body) == 1
        and isinstance(node.body[0], cst.Expr)
        and isinstance(node.body[0].value, cst.SimpleString | cst.ConcatenatedString)
    )


def is_logging(node: cst.CSTNode) -> bool:
    """A statement that only logs or warns: no test would tell."""
    if not (isinstance(node, cst.SimpleStatementLine) and len(node.body) == 1 and isinstance(node.body[0], cst.Expr)):
        return False
    call = node.body[0].value
    if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
        return False
    target = call.func.value
    name = target.value if isinstance(target, cst.Name) else ""
    return call.func.attr.value in LOGGING and name.lower() in LOGGERS
