"""Twins: code that does the same, but is another text and other bytecode."""

import ast


def twin_of(path: str, text: str) -> str | None:
    """A Python file written anew, with a name of no use bound at the start of each function; None for other files."""
    if not path.endswith(".py"):
        return None
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    return ast.unparse(ast.fix_missing_locations(_Twin().visit(module))) + "\n"


class _Twin(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._with_name(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._with_name(node)

    def _with_name(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        has_docstring = ast.get_docstring(node, clean=False) is not None
        unused = ast.Assign(targets=[ast.Name("_unused_here", ast.Store())], value=ast.Constant(None))
        node.body.insert(int(has_docstring), unused)
        return node
