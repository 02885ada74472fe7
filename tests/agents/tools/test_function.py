"""Plain functions as tools."""

from typing import Literal

import pytest

from agents.errors import AgentFault
from agents.tools import FunctionTool, Place
from agents.tools.tool import definition_of


def convert(amount: float, to: Literal["EUR", "USD"] = "EUR") -> dict[str, float]:
    """Convert an amount of money.

    Args:
        amount: in pounds
        to (str): currency
    """
    if amount < 0:
        raise ValueError("negative")
    return {to: amount * 2}


async def where(place: Place, name: str) -> str:
    """Run a program in the sandbox.

    :param name: of the program
    """
    return (await place.sandbox.run([name], timeout_sec=5)).stdout


async def test_the_schema_comes_from_types_and_docstring(place: Place) -> None:
    tool = FunctionTool(convert)
    function = definition_of(tool)["function"]
    assert (function["name"], function["description"]) == ("convert", "Convert an amount of money.")
    fields = function["parameters"]["properties"]
    assert fields["amount"] == {"type": "number", "description": "in pounds"}
    assert (fields["to"]["enum"], fields["to"]["default"], fields["to"]["description"]) == (
        ["EUR", "USD"],
        "EUR",
        "currency",
    )
    assert function["parameters"]["required"] == ["amount"]
    assert (await tool.call(place, tool.arguments(amount=2))).text == '{\n "EUR": 4.0\n}'
    failed = await tool.call(place, tool.arguments(amount=-1))
    assert failed.is_error and failed.text == "convert failed: ValueError: negative"


async def test_a_function_may_act_in_the_sandbox(place: Place) -> None:
    tool = FunctionTool(where)
    assert list(definition_of(tool)["function"]["parameters"]["properties"]) == ["name"]
    assert (await tool.call(place, tool.arguments(name="pwd"))).text.strip() == "/workspace"


def test_what_gives_no_schema_is_told() -> None:
    with pytest.raises(AgentFault, match="parameter x has no type"):
        FunctionTool(lambda x: x, name="f")

    def many(*values: int) -> None: ...

    with pytest.raises(AgentFault, match="parameter values has no name of its own"):
        FunctionTool(many)
