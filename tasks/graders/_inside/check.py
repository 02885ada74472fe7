"""Decide an expression over a value that another process gave. Nothing of the agent's is loaded here.

Request: {value, check}; the check is the task's, over `_`. Answer: {passed} or {error}.
"""

from __future__ import annotations

import json
import math
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing is an import that costs time
    from typing import Any


def main() -> None:
    given = json.loads(sys.stdin.buffer.read())
    request = given["request"]
    try:
        passed = eval(request["check"], {"math": math, "_": decoded(request["value"])})
        answer: dict[str, Any] = {"passed": bool(passed)}
    except Exception as error:  # noqa: BLE001 - whatever that code raises
        answer = {"error": f"{type(error).__name__}: {error}"[:300]}
    sys.stdout.write(f"\n{given['word']}{json.dumps(answer)}\n")


def decoded(form: Any) -> Any:
    kind, content = form
    if kind == "dict":
        return {decoded(key): decoded(value) for key, value in content}
    if kind in ("list", "tuple", "set", "frozenset"):
        makers = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
        return makers[kind](decoded(each) for each in content)
    if kind == "NoneType":
        return None
    if kind == "int":
        return int(content, 16)
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "bool":
        return content == "True"
    if kind in ("float", "complex"):
        return complex(content) if kind == "complex" else float(content)
    return content


main()
