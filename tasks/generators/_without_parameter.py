"""A function as it was before it had one of its optional parameters: what is left is what its default does."""

import ast
from collections.abc import Iterator
from typing import Any, cast

import libcst as cst

from tasks.checks.documentation import Function

_LEAVES = (cst.Return, cst.Raise, cst.Continue, cst.Break)
_UNKNOWN = object()


def removable(function: Function, documented: list[str]) -> Iterator[str]:
    """Documented parameters with a constant for a default that the body only reads.

    Keyword-only ones, and the last of the others: no other argument changes its place.
    """
    arguments = function.args
    optional = {each.arg: value for each, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)}
    if arguments.defaults and arguments.args and not arguments.vararg:
        optional[arguments.args[-1].arg] = arguments.defaults[-1]
    for name, default in optional.items():
        is_plain = isinstance(default, ast.Constant) and isinstance(default.value, str | int | float | None)
        if is_plain and name in documented and _is_only_read(function, name):
            yield name


def _is_only_read(function: Function, name: str) -> bool:
    reads = 0
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id == name:
                if not isinstance(node.ctx, ast.Load):
                    return False
                reads += 1
            elif isinstance(node, ast.arg) and node.arg == name:
                return False  # another one of this name, of a function inside
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("locals", "vars", "eval", "exec"):
                return False
    return reads > 0


def is_passed_on(trees: list[ast.Module], function: Function, name: str) -> bool:
    """Code somewhere calls a function of this name and may give it the parameter."""
    positional = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    most = positional.index(name) if name in positional else len(positional) + 1
    for tree in trees:
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called not in (function.name, "super") and not (function.name == "__init__" and called[:1].isupper()):
                continue
            if any(each.arg in (name, None) for each in node.keywords) or len(node.args) >= most:
                return True
            if any(isinstance(each, ast.Starred) for each in node.args):
                return True
    return False


def without_parameter(data: bytes, symbol: str, parameter: str) -> bytes:
    """The file with this parameter of the function taken out and its default in its place.

    `data` must be parsable by LibCST.
    """
    return cst.parse_module(data).visit(_Remover(symbol, parameter)).bytes


class _Remover(cst.CSTTransformer):
    """Finds the function by its qualified name."""

    def __init__(self, symbol: str, parameter: str) -> None:
        super().__init__()
        self._symbol = symbol
        self._parameter = parameter
        self._scope: list[str] = []

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:
        self._scope.append(node.name.value)
        return True

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        self._scope.pop()
        return updated_node

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False  # functions inside are no definitions; the body of the wanted one is visited below

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        if ".".join([*self._scope, original_node.name.value]) != self._symbol:
            return updated_node
        params = original_node.params
        default = next(
            each.default for each in (*params.params, *params.kwonly_params) if each.name.value == self._parameter
        )
        assert default is not None
        kept = [each for each in params.params if each.name.value != self._parameter]
        kwonly = [each for each in params.kwonly_params if each.name.value != self._parameter]
        star = params.star_arg
        if not kwonly and isinstance(star, cst.ParamStar):
            star = cst.MaybeSentinel.DEFAULT
        last = kwonly or kept
        if last and not params.star_kwarg:
            last[-1] = last[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        changed = params.with_changes(params=kept, kwonly_params=kwonly, star_arg=star)
        body = original_node.body.visit(_Folder(self._parameter, default))
        return original_node.with_changes(params=changed, body=cast(cst.BaseSuite, body))


class _Folder(cst.CSTTransformer):
    """Puts the default for the parameter, and leaves out what is then never run."""

    def __init__(self, parameter: str, default: cst.BaseExpression) -> None:
        super().__init__()
        self._parameter = parameter
        self._default = default
        self._elifs: set[cst.If] = set()

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.Attribute:
        return updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        return self._default.deep_clone() if original_node.value == self._parameter else updated_node

    def leave_Comparison(self, original_node: cst.Comparison, updated_node: cst.Comparison) -> cst.BaseExpression:
        return self._folded(original_node, updated_node)

    def leave_UnaryOperation(
        self, original_node: cst.UnaryOperation, updated_node: cst.UnaryOperation
    ) -> cst.BaseExpression:
        return self._folded(original_node, updated_node)

    def leave_BooleanOperation(
        self, original_node: cst.BooleanOperation, updated_node: cst.BooleanOperation
    ) -> cst.BaseExpression:
        if self._is_same(original_node, updated_node):
            return updated_node
        left = _value(updated_node.left)
        if left is _UNKNOWN:
            return updated_node
        takes_right = bool(left) == isinstance(updated_node.operator, cst.And)
        return updated_node.right if takes_right else updated_node.left

    def leave_IfExp(self, original_node: cst.IfExp, updated_node: cst.IfExp) -> cst.BaseExpression:
        if original_node.test.deep_equals(updated_node.test) or (test := _value(updated_node.test)) is _UNKNOWN:
            return updated_node
        return updated_node.body if test else updated_node.orelse

    def visit_If(self, node: cst.If) -> None:
        if isinstance(node.orelse, cst.If):
            self._elifs.add(node.orelse)

    def leave_If(self, original_node: cst.If, updated_node: cst.If) -> Any:
        if original_node.test.deep_equals(updated_node.test) or (test := _value(updated_node.test)) is _UNKNOWN:
            return updated_node
        if original_node in self._elifs:
            if test:
                return cst.Else(body=updated_node.body, leading_lines=updated_node.leading_lines)
            return updated_node.orelse or cst.RemoveFromParent()
        if test:
            return _statements(updated_node.body, updated_node)
        if isinstance(updated_node.orelse, cst.If):
            return updated_node.orelse.with_changes(leading_lines=updated_node.leading_lines)
        if updated_node.orelse is not None:
            return _statements(updated_node.orelse.body, updated_node)
        return cst.RemoveFromParent()

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        """Nothing is run after a statement that leaves; a block is never empty."""
        if len(updated_node.body) == len(original_node.body) and updated_node.deep_equals(original_node):
            return updated_node
        kept: list[cst.BaseStatement] = []
        for statement in updated_node.body:
            kept.append(statement)
            if isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[-1], _LEAVES):
                break
        return updated_node.with_changes(body=kept or [cst.parse_statement("pass\n")])

    def _folded(self, original: cst.BaseExpression, updated: cst.BaseExpression) -> cst.BaseExpression:
        value = _UNKNOWN if self._is_same(original, updated) else _value(updated)
        return cst.Name(str(value)) if isinstance(value, bool) else updated

    @staticmethod
    def _is_same(original: cst.BaseExpression, updated: cst.BaseExpression) -> bool:
        return original.deep_equals(updated)


def _statements(body: cst.BaseSuite, parent: cst.If) -> Any:
    """The statements of a block in the place of the `if` that held it."""
    if isinstance(body, cst.IndentedBlock):
        return cst.FlattenSentinel(body.body)
    if isinstance(body, cst.SimpleStatementSuite):
        return cst.SimpleStatementLine(body=body.body, leading_lines=parent.leading_lines)
    return parent


def _value(node: cst.BaseExpression) -> Any:
    """What a constant expression of literals gives; _UNKNOWN for any other."""
    text = cst.Module([]).code_for_node(node)
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:
        return _UNKNOWN
    plain = (ast.Expression, ast.Constant, ast.Compare, ast.UnaryOp, ast.Not, ast.USub, ast.cmpop)
    if not all(isinstance(each, plain) for each in ast.walk(tree)):
        return _UNKNOWN
    if any(isinstance(each, ast.Is | ast.IsNot) for each in ast.walk(tree)) and "None" not in text:
        return _UNKNOWN
    try:
        return _constant(tree.body)
    except TypeError:
        return _UNKNOWN


def _constant(node: ast.expr) -> Any:
    """Of literals, `not`, `-` and comparisons alone. Raises TypeError where they cannot be compared."""
    if isinstance(node, ast.UnaryOp):
        operand = _constant(node.operand)
        return (not operand) if isinstance(node.op, ast.Not) else -operand
    if isinstance(node, ast.Compare):
        left, *others = (_constant(each) for each in (node.left, *node.comparators))
        for operator, right in zip(node.ops, others, strict=True):
            if not _compared(operator, left, right):
                return False
            left = right
        return True
    return node.value if isinstance(node, ast.Constant) else _UNKNOWN


def _compared(operator: ast.cmpop, left: Any, right: Any) -> bool:
    table: dict[type[ast.cmpop], bool | None] = {
        ast.Is: left is right, ast.IsNot: left is not right, ast.Eq: left == right, ast.NotEq: left != right,
    }  # fmt: skip
    if type(operator) in table:
        return bool(table[type(operator)])
    if isinstance(operator, ast.In | ast.NotIn):
        return bool((left in right) == isinstance(operator, ast.In))
    if isinstance(operator, ast.Lt | ast.GtE):
        return bool((left < right) == isinstance(operator, ast.Lt))
    return bool((left > right) == isinstance(operator, ast.Gt))
