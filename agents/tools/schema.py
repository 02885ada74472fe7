"""Arguments of a tool whose schema is given as JSON Schema: of an OpenAPI operation, of an MCP server's tool."""

import copy
import re
from collections.abc import Collection
from typing import Any, ClassVar

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]
from jsonschema.validators import validator_for  # type: ignore[import-untyped]
from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from agents.errors import AgentFault
from agents.tools.tool import Arguments

_MOST_NAME = 64  # characters of a tool's name, as OpenAI's API allows them


class SchemaArguments(Arguments):
    """What was given, checked against `schema`; `values` are as they came, nothing is coerced."""

    values: dict[str, Any]
    schema_: ClassVar[dict[str, Any]] = {}

    @classmethod
    def model_validate(cls, obj: Any, **_: Any) -> "SchemaArguments":
        """Raises ValidationError that names each wrong argument."""
        validator = validator_for(cls.schema_, default=Draft202012Validator)(cls.schema_)
        errors = [
            InitErrorDetails(
                type=PydanticCustomError("schema", "{problem}", {"problem": error.message[:300]}),
                loc=tuple(error.absolute_path),
                input=None,
            )
            for error in sorted(validator.iter_errors(obj), key=lambda each: [str(part) for part in each.absolute_path])
        ]
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors[:10])
        return cls.model_construct(values=dict(obj))

    @classmethod
    def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
        return copy.deepcopy(cls.schema_)


def arguments_of(name: str, schema: dict[str, Any]) -> type[Arguments]:
    """A class of arguments for a schema of an object. Raises AgentFault for a schema that is none."""
    if schema.get("type", "object") != "object":
        raise AgentFault(f"tool {name}: its arguments must be an object, not {schema['type']!r}")
    schema = {"type": "object", "properties": {}, **schema}
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        raise AgentFault(f"tool {name}: its schema is wrong: {error.message}") from error
    return type("SchemaArguments", (SchemaArguments,), {"schema_": schema, "__module__": __name__})


def tool_name(text: str, taken: Collection[str] = ()) -> str:
    """A name that OpenAI's API accepts and that is not taken."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_")[:_MOST_NAME] or "tool"
    number, found = 2, name
    while found in taken:
        found = f"{name[: _MOST_NAME - len(str(number)) - 1]}_{number}"
        number += 1
    return found
