"""Load the agent's Python file, evaluate one expression with it, and write the value down as plain data.

Request: {path, setup, expression, memory_mb}. Answer: {value} or {raised, kinds}. The word that marks the answer is
known to this process before the agent's code runs; nothing here knows what is expected.
"""

from __future__ import annotations

import json
import os
import runpy
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing is an import that costs time
    from typing import Any

MOST_DEPTH = 60
MOST_VALUES = 200_000


def main() -> None:
    given = json.loads(sys.stdin.buffer.read())
    word, request = given["word"], given["request"]
    answers = os.dup(1)
    os.dup2(2, 1)  # what the agent's code prints does not come near the answer
    limit_memory(request["memory_mb"])
    try:
        answer = {"value": evaluate(request)}
        text = json.dumps(answer)
    except BaseException as error:  # noqa: BLE001 - whatever that code raises
        kinds = [kind.__name__ for kind in type(error).__mro__]
        text = json.dumps({"raised": describe(error), "kinds": kinds})
    with os.fdopen(answers, "wb", closefd=True) as stream:
        stream.write(f"\n{word}{text}\n".encode("utf-8", "backslashreplace"))
    os._exit(0)  # no exit handlers or threads of the agent's


def evaluate(request: dict[str, Any]) -> Any:
    folder = os.path.dirname(os.path.abspath(request["path"]))
    packages = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [folder, *packages, *sys.path]
    sys.argv[:] = [request["path"]]
    names = runpy.run_path(request["path"], run_name="solution")
    module = type(sys)("solution")
    module.__dict__.update(names)
    sys.modules["solution"] = module  # so that what it defines can be pickled or looked up
    exec(compile(request["setup"], "<setup>", "exec"), names)
    value = eval(compile(request["expression"], "<case>", "eval"), names)
    return encoded(value, [MOST_VALUES], 0)


def encoded(value: Any, left: Any, depth: int) -> Any:
    """[kind, content]; only exactly the built-in types, so that no method of the agent's is asked."""
    kind = type(value)
    left[0] -= 1
    if left[0] < 0 or depth > MOST_DEPTH:
        return ["other", "a value that is too large"]
    if kind in (list, tuple, set, frozenset):
        return [kind.__name__, [encoded(each, left, depth + 1) for each in value]]
    if kind is dict:
        pairs = [[encoded(key, left, depth + 1), encoded(each, left, depth + 1)] for key, each in value.items()]
        return ["dict", pairs]
    if kind is int:
        return ["int", hex(value)]
    if kind is bytes:
        return ["bytes", value.hex()]
    if kind is str:
        return ["str", value]
    if kind in (type(None), bool, float, complex):
        return [kind.__name__, repr(value)]
    as_list = {"range", "dict_keys", "dict_values", "dict_items", "deque", "generator", "map", "filter", "zip"}
    if kind.__name__ in as_list and kind.__module__ in ("builtins", "collections"):
        return ["other", f"{kind.__name__}; give a list"]
    return plain_subclass(value, left, depth)


def plain_subclass(value: Any, left: Any, depth: int) -> Any:
    """Some count as what they are: a Counter or defaultdict is a dict, a named tuple a tuple."""
    kind = type(value)
    if kind.__module__ == "collections" and isinstance(value, dict):
        return encoded(dict(value), left, depth)
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return encoded(tuple(tuple.__iter__(value)), left, depth)
    return ["other", kind.__name__]


def describe(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:300]
    except BaseException:  # noqa: BLE001 - whatever that code raises
        return type(error).__name__


def limit_memory(memory_mb: int) -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    except (ImportError, ValueError, OSError):
        return  # the sandbox's own limit holds


main()
