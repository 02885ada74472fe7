"""Tool calls as constrained JSON text, for models without native tool calling.

The tools are described in the system prompt in a few lines; the server is asked (`response_format`, a JSON
schema) for `{"thought", "tool", "arguments"}`; the answer is parsed strictly into an ordinary tool call, so that
the loop around it need not know.
"""

import json
import uuid
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.tool import invalid_tool_call, tool_call
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from openai import LengthFinishReasonError

from trajectories.text_calls import call_text, result_text, system_text

CHARACTERS_A_TOKEN = 3  # careful: code has shorter tokens than prose


class JsonCalls(BaseChatModel):
    """Wraps a chat model without tools as one with tools."""

    client: BaseChatModel
    context_length: int
    max_tokens: int

    @property
    def _llm_type(self) -> str:
        return "json-calls"

    def bind_tools(self, tools: Sequence[Any], **settings: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """The tools travel as a setting of each call."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **settings: Any,
    ) -> ChatResult:
        raise TypeError("this model is asynchronous: use ainvoke")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **settings: Any,
    ) -> ChatResult:
        tools = settings.get("tools", [])
        room = (self.context_length - self.max_tokens) * CHARACTERS_A_TOKEN
        try:
            reply = await self.client.ainvoke(
                as_plain_messages(messages, tools, room=room), response_format=schema_of(tools), stop=stop
            )
        except LengthFinishReasonError as error:
            reply = cut_off(error)
        assert isinstance(reply, AIMessage)
        return ChatResult(generations=[ChatGeneration(message=parsed(reply))])


def cut_off(error: LengthFinishReasonError) -> AIMessage:
    """An answer that reached `max_tokens`: the model's own fault, told to it as a call that cannot be read."""
    answer = error.completion
    used = answer.usage
    return AIMessage(
        answer.choices[0].message.content or "",
        response_metadata={"id": answer.id, "finish_reason": "length"},
        usage_metadata={
            "input_tokens": used.prompt_tokens,
            "output_tokens": used.completion_tokens,
            "total_tokens": used.total_tokens,
        }
        if used
        else None,
    )


def schema_of(tools: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One branch a tool, so that a name comes with its own arguments."""
    branches = [
        {
            "type": "object",
            "properties": {
                "thought": {"type": "string", "maxLength": 200},
                "tool": {"const": tool["function"]["name"]},
                "arguments": tool["function"]["parameters"],
            },
            "required": ["thought", "tool", "arguments"],
            "additionalProperties": False,
        }
        for tool in tools
    ]
    return {"type": "json_schema", "json_schema": {"name": "call", "schema": {"anyOf": branches}}}


def as_plain_messages(
    messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]], *, room: int
) -> list[BaseMessage]:
    """The conversation without tool messages, in at most `room` characters: the oldest steps go first."""
    plain: list[BaseMessage] = []
    said = "\n\n".join(str(message.text) for message in messages if isinstance(message, SystemMessage))
    system = system_text(said, tools)
    for message in messages:
        if isinstance(message, SystemMessage):
            continue
        if isinstance(message, AIMessage) and message.tool_calls:
            call = message.tool_calls[0]
            plain.append(AIMessage(call_text(str(message.text), call["name"], call["args"])))
        elif isinstance(message, ToolMessage):
            plain.append(HumanMessage(result_text(_shortened(str(message.text), room // 6))))
        elif isinstance(message, HumanMessage):
            plain.append(HumanMessage(_shortened(str(message.text), room // 3)))
        else:
            plain.append(AIMessage(str(message.text)))
    first, rest = plain[:1], plain[1:]
    left = room - len(system) - sum(len(str(message.text)) for message in first)
    kept: list[BaseMessage] = []
    for message in reversed(rest):
        left -= len(str(message.text))
        if left < 0:
            break
        kept.append(message)
    return [SystemMessage(system), *first, *reversed(kept)]


def parsed(reply: AIMessage) -> AIMessage:
    """The reply with its JSON as a tool call, or as an invalid one with what is wrong."""
    text = str(reply.text)
    call_id = f"call_{uuid.uuid4().hex[:12]}"
    try:
        said = json.loads(text)
        call = tool_call(name=said["tool"], args=dict(said["arguments"]), id=call_id)
        if not isinstance(said["tool"], str):
            raise ValueError("`tool` is not a text")
    except (ValueError, KeyError, TypeError) as error:
        wrong = invalid_tool_call(name="", args=text[:2000], id=call_id, error=f"{type(error).__name__}: {error}")
        return reply.model_copy(update={"content": "", "invalid_tool_calls": [wrong]})
    return reply.model_copy(update={"content": str(said.get("thought", "")), "tool_calls": [call]})


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit * 2 // 3]}\n[…]\n{text[-limit // 3 :]}"
