"""Name, docstring and parameter names of a made tool, written by a model; what the tool does stays as it is."""

import json
import re
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.toolmaking.made_tool import MadeTool, filled

Complete = Callable[[str], Awaitable[str]]
"""A prompt to a model's answer."""


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str
    docstring: str
    parameters: dict[str, str] = {}


async def renamed(tool: MadeTool, complete: Complete) -> MadeTool:
    """The tool with a model's words; as it was where the model's answer cannot be used."""
    shown = {"docstring": tool.docstring, "parameters": [each.name for each in tool.parameters],
             "calls": [each.model_dump() for each in tool.calls], "task": tool.problems[0]}  # fmt: skip
    prompt = files("agents.toolmaking").joinpath("prompts/naming.md").read_text()
    answer = await complete(f"{prompt}\n{json.dumps(shown, ensure_ascii=False, indent=1)}")
    found = re.search(r"\{.*\}", answer, re.DOTALL)
    try:
        said = _Said.model_validate_json(found[0] if found else "")
        names = {each.name: said.parameters.get(each.name, each.name) for each in tool.parameters}
        if len(set(names.values())) < len(names) or not all(re.fullmatch(r"[a-z]\w*", name) for name in names.values()):
            return tool
        if set(names.values()) & {each.name for each in tool.derived}:
            return tool
        places = {old: "{{" + new + "}}" for old, new in names.items()}
        data: dict[str, Any] = tool.model_dump()
        data |= {"name": said.name, "docstring": said.docstring[:600] or tool.docstring}
        data["parameters"] = [{**each, "name": names[each["name"]]} for each in data["parameters"]]
        data["calls"] = filled(data["calls"], places)
        data["derived"] = filled(list(data["derived"]), places)
        return MadeTool.model_validate(data)
    except ValidationError:
        return tool
