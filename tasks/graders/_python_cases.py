"""Calls of the agent's functions: a child process returns values, this side compares them.

The process with the agent's code learns a call's arguments and nothing of what is expected, so that there is nothing in
it that printing, exiting or an odd `__eq__` could forge.
"""

import ast
from dataclasses import dataclass
from typing import Any

from tasks.graders._encoded import Unfit, decoded, same_value, written
from tasks.graders._reading import shown
from tasks.graders._sandboxed import NoAnswer, ask_inside
from tasks.graders.grading import CannotGrade, Part, Work

_START_SEC = 1.0


@dataclass(frozen=True)
class CallCase:
    """`expression` is evaluated with the agent's code; `check` then decides, a Python expression over `_`."""

    name: str
    expression: str
    expected: Any = None
    raises: str = ""
    check: str = ""
    from_json: bool = False


def check_call_cases(data: Any) -> list[CallCase]:
    """Raises CannotGrade for a case or an assert that cannot be used, naming it."""
    found = []
    for number, case in enumerate(data.cases, start=1):
        if "stdout" in case:
            continue
        if ("expected" in case) == ("raises" in case):
            raise CannotGrade(f"program: case {number} needs `stdout`, `expected` or `raises`")
        function = case.get("function", data.function)
        if not function:
            raise CannotGrade(f"program: case {number}: `function` is needed, in the case or beside the cases")
        arguments = [repr(value) for value in case.get("arguments", [])]
        arguments += [f"{name}={value!r}" for name, value in case.get("keywords", {}).items()]
        expression = f"{function}({', '.join(arguments)})"
        name = str(case.get("name", f"case {number}"))
        found.append(CallCase(name, expression, case.get("expected"), case.get("raises", ""), from_json=True))
    return found + [_from_assert(text, number) for number, text in enumerate(data.asserts, start=1)]


def _from_assert(text: str, number: int) -> CallCase:
    """`assert f(..) == literal` gives a value to compare; other forms, the calls' values and a check over them."""
    where = f"assert {number}"
    try:
        (statement,) = ast.parse(text.strip()).body
    except (SyntaxError, ValueError) as error:
        raise CannotGrade(f"program: {where} is not one Python statement: {text[:100]}") from error
    if not isinstance(statement, ast.Assert):
        raise CannotGrade(f"program: {where} is no assert: {text[:100]}")
    test = statement.test
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        for left, right in ((test.left, test.comparators[0]), (test.comparators[0], test.left)):
            try:
                return CallCase(where, ast.unparse(left), ast.literal_eval(right))
            except (ValueError, TypeError, SyntaxError):
                continue
    calls = _Calls()
    check = ast.unparse(ast.fix_missing_locations(calls.visit(test)))
    if not calls.found:
        raise CannotGrade(f"program: {where} calls nothing of the agent's: {text[:100]}")
    return CallCase(where, f"[{', '.join(calls.found)}]", check=check)


class _Calls(ast.NodeTransformer):
    """Takes the outermost calls of the agent's functions out of an expression, and puts `_[i]` in their place."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func
        while isinstance(name, ast.Attribute):
            name = name.value
        is_ours = isinstance(name, ast.Name) and (name.id in _CHECKING or name.id == "math")
        if is_ours:
            return self.generic_visit(node)
        self.found.append(ast.unparse(node))
        index = ast.Constant(len(self.found) - 1)
        return ast.Subscript(ast.Name("_", ast.Load()), index, ast.Load())


_CHECKING = {"abs", "all", "any", "bool", "dict", "float", "frozenset", "int", "isinstance", "len", "list", "max",
             "min", "range", "round", "set", "sorted", "str", "sum", "tuple", "type", "zip"}  # fmt: skip


async def run_call_cases(work: Work, cases: list[CallCase], data: Any) -> list[Part]:
    """One part a case, each in its own process."""
    limit = data.time_limit_sec + _START_SEC
    parts = []
    for case in cases:
        request = {"path": data.output, "setup": data.setup, "expression": case.expression, "memory_mb": data.memory_mb}
        try:
            answer = await ask_inside(work, "call", request, timeout_sec=limit, isolated=False)
        except NoAnswer as reason:
            parts.append(Part(case.name, False, str(reason)))
            continue
        parts.append(await _judged(work, case, answer, data))
    return parts


async def _judged(work: Work, case: CallCase, answer: Any, data: Any) -> Part:
    """The answer comes out of the agent's process: it may be anything."""
    if not isinstance(answer, dict):
        return Part(case.name, False, "no answer that can be read")
    if "raised" in answer:
        raised = shown(answer["raised"])
        kinds = answer.get("kinds")
        is_wanted = bool(case.raises) and isinstance(kinds, list) and case.raises in kinds
        return Part(case.name, is_wanted, f"raised {raised}")
    if case.raises:
        return Part(case.name, False, "raised nothing")
    try:
        value = decoded(answer.get("value"))
    except Unfit as reason:
        return Part(case.name, False, str(reason))
    if case.check:
        return await _checked(work, case, answer["value"], data)
    is_right = same_value(value, case.expected, data.tolerance, from_json=case.from_json)
    return Part(case.name, is_right, "" if is_right else f"returned: {shown(written(value))}")


async def _checked(work: Work, case: CallCase, value: Any, data: Any) -> Part:
    """In a process of its own, which has none of the agent's code."""
    request = {"value": value, "check": case.check}
    try:
        answer = await ask_inside(work, "check", request, timeout_sec=data.time_limit_sec + _START_SEC)
    except NoAnswer as reason:
        return Part(case.name, False, str(reason))
    if "error" in answer:
        return Part(case.name, False, f"the check: {shown(answer['error'])}")
    return Part(case.name, answer["passed"] is True)
