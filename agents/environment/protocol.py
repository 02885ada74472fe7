"""OpenEnv's messages, as its clients send and read them: reset, step and state, the same over HTTP and WebSocket.

Every reply carries the `request_id` of its request, where that had one: a client that gave up waiting for a reply
can tell the late one from the next (OpenEnv's own protocol cannot).
"""

from typing import Any, Literal, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from agents.environment.errors import BadAction
from agents.environment.sessions import Reply, Session
from agents.tools import get_tools
from agents.tools.tool import definition_of

MOST_SEED = 2**63 - 1


class Message(BaseModel):
    """Fields that we do not know are left alone: clients send more than we use."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ResetRequest(Message):
    """`task_id`, or a `seed` that chooses the task; neither: chance chooses. `episode_id`: the client's own name."""

    task_id: str | None = None
    seed: int | None = Field(None, ge=0, le=MOST_SEED)
    episode_id: str | None = Field(None, max_length=255)


class Action(Message):
    """A tool call, also in the shape of OpenEnv's CallToolAction and ListToolsAction."""

    type: Literal["call_tool", "list_tools"] = "call_tool"
    tool_name: str = Field("", validation_alias=AliasChoices("tool_name", "tool"))
    arguments: dict[str, Any] = Field(default_factory=dict)


Shape = TypeVar("Shape", bound=Message)


async def reset(session: Session, request: ResetRequest) -> Reply:
    """Begin a rollout in a session. Raises BadTask, EnvironmentFault."""
    start = await session.environment.reset(request.task_id, request.seed)
    session.episode_id = request.episode_id or session.id
    observation = {"instruction": start.observation, "text": start.observation, "tool_definitions": start.tools}
    info = {**start.info, "instruction": start.observation, "episode_id": session.episode_id}
    return {"observation": observation, "reward": None, "done": False, "metadata": info}


async def step(session: Session, action: Action) -> Reply:
    """A tool call in a session, or the list of its tools. Raises BadAction, NoRollout."""
    if action.type == "list_tools":
        return {"observation": {"tools": _tools(session)}, "reward": None, "done": False}
    if not action.tool_name:
        raise BadAction('tool_name: missing; an action is {"tool_name": "bash", "arguments": {"command": "ls"}}')
    text, reward, done, info = await session.environment.step(action.tool_name, action.arguments)
    observation = {"tool_name": action.tool_name, "result": text, "text": text, "error": None}
    return {"observation": observation, "reward": reward, "done": done, "metadata": info}


def state(session: Session) -> Reply:
    return {"episode_id": session.episode_id or None, "session_id": session.id, **session.environment.state()}


def checked(shape: type[Shape], data: object) -> Shape:
    """Raises BadAction naming the fields that are wrong."""
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise BadAction(described(error.errors())) from error


def described(errors: Any) -> str:
    """Pydantic's errors as one line."""
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'message'}: {item['msg']}" for item in errors)


def schemas() -> dict[str, Any]:
    """What `/schema` answers."""
    observation = {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "what a model is shown: the instruction, or a tool's answer"},
            "instruction": {"type": "string"},
            "tool_definitions": {"type": "array", "description": "OpenAI function schemas, at reset"},
            "tool_name": {"type": "string"},
            "result": {"type": "string"},
        },
    }
    known = {
        "episode_id": {"type": ["string", "null"]},
        "task_id": {"type": ["string", "null"]},
        "step_count": {"type": "integer"},
        "done": {"type": "boolean"},
    }
    action = Action.model_json_schema(by_alias=False)
    return {"action": action, "observation": observation, "state": {"type": "object", "properties": known}}


def _tools(session: Session) -> list[dict[str, Any]]:
    """In MCP's shape, as OpenEnv's clients read it; before the first reset all that there are."""
    definitions = session.environment.tool_definitions() or [definition_of(tool) for tool in get_tools().values()]
    functions = [definition["function"] for definition in definitions]
    return [
        {"name": each["name"], "description": each["description"], "input_schema": each["parameters"]}
        for each in functions
    ]
