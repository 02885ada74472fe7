"""Plain Python functions as tools: the schema from type hints, the descriptions from the docstring.

    def convert(amount: float, to: Literal["EUR", "USD"] = "EUR") -> str:
        \"\"\"Convert an amount of money.

        Args:
            amount: in pounds
        \"\"\"

A function runs in the process that runs the rollout, with that process's rights, and not in the sandbox: give only
functions that may be called with any argument. One that has a parameter of type `Place` is given the rollout's and acts
in its sandbox; that parameter is no part of the schema. Plain functions run in a thread of their own.
"""

import asyncio
import inspect
import json
import re
from collections.abc import Callable
from typing import Any, get_type_hints

from pydantic import BaseModel, Field, create_model

from agents.agent import ToolAnswer
from agents.errors import AgentFault
from agents.tools.schema import tool_name
from agents.tools.tool import Arguments, Place, cut, failed
from environments.errors import EnvironmentFault

CALL_SEC = 120.0

_GOOGLE = re.compile(r"^ {0,8}(?:\s*)(\w+)(?: ?\([^)]*\))?: +(\S.*)$")
_SPHINX = re.compile(r"^\s*:param (?:[\w\[\], |]+ )?(\w+): *(.+)$")
_HEADINGS = ("args:", "arguments:", "parameters:")


class FunctionTool:
    """See the module. `timeout_sec`: until the caller is told that it took too long; a thread cannot be killed."""

    def __init__(self, function: Callable[..., Any], *, name: str = "", timeout_sec: float = CALL_SEC) -> None:
        """Raises AgentFault for a function whose parameters have no types, or that takes any number of them."""
        self.name = tool_name(name or function.__name__)
        text = inspect.getdoc(function) or ""
        self.description = text.partition("\n\n")[0].replace("\n", " ").strip() or self.name.replace("_", " ")
        self._function = function
        self._timeout_sec = timeout_sec
        self._place_as = ""
        self.arguments: type[Arguments] = self._arguments(inspect.signature(function), text)

    def _arguments(self, signature: inspect.Signature, text: str) -> type[Arguments]:
        try:
            hints = get_type_hints(self._function, include_extras=True)
        except (NameError, TypeError) as error:
            raise AgentFault(f"function {self.name}: its type hints cannot be read: {error}") from error
        told = described(text)
        fields: dict[str, Any] = {}
        for name, parameter in signature.parameters.items():
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise AgentFault(f"function {self.name}: parameter {name} has no name of its own that a call can give")
            if name not in hints:
                raise AgentFault(f"function {self.name}: parameter {name} has no type; a schema needs one")
            if hints[name] is Place:
                self._place_as = name
                continue
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (hints[name], Field(default, description=told.get(name)))
        return create_model(f"{self.name}_arguments", __base__=Arguments, **fields)

    async def call(self, place: Place, arguments: Arguments) -> ToolAnswer:
        given = {name: getattr(arguments, name) for name in type(arguments).model_fields}
        if self._place_as:
            given[self._place_as] = place
        try:
            async with asyncio.timeout(self._timeout_sec):
                if inspect.iscoroutinefunction(self._function):
                    result = await self._function(**given)
                else:
                    result = await asyncio.to_thread(self._function, **given)
        except EnvironmentFault:
            raise
        except TimeoutError:
            return failed(f"{self.name} took more than {self._timeout_sec:g} s")
        except Exception as error:  # noqa: BLE001  what a user's function raises is for the caller to read
            return failed(f"{self.name} failed: {type(error).__name__}: {error}")
        return result if isinstance(result, ToolAnswer) else ToolAnswer(text=cut(shown(result)) or "[nothing]")


def described(docstring: str) -> dict[str, str]:
    """What a docstring says of each parameter, in Google's or Sphinx's form."""
    found: dict[str, str] = {}
    is_inside = False
    for line in docstring.splitlines():
        if match := _SPHINX.match(line):
            found[match[1]] = match[2].strip()
            continue
        if line.strip().lower() in _HEADINGS:
            is_inside = True
        elif is_inside and line and not line.startswith(" "):
            is_inside = False
        elif is_inside and (match := _GOOGLE.match(line)):
            found[match[1]] = match[2].strip()
    return found


def shown(value: Any) -> str:
    """A value as a model reads it: text as it is, everything else as JSON where that can be."""
    if isinstance(value, str):
        return value
    if isinstance(value, BaseModel):
        return value.model_dump_json(indent=1)
    try:
        return json.dumps(value, ensure_ascii=False, indent=1)
    except (TypeError, ValueError):
        return str(value)
