"""react: a model that thinks and calls tools in turn (Yao et al., 2022), by LangChain's `create_agent`.

Works against any OpenAI-compatible endpoint. Models without native tool calling are spoken to in JSON text
(`_json_calls.py`); the loop is the same. How a rollout ends is decided here, by the session's limits, never by
LangGraph's recursion limit, which counts something else.
"""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, AgentState, hook_config
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.runtime import Runtime
from langsmith import tracing_context

from agents._chat_model import call_with_retries, chat_model, tokens_of
from agents.agent import Session
from agents.errors import AgentFault
from agents.session import RolloutSession
from trajectories.atif import ToolCall

SYSTEM = """You mend software in a sandbox. Work by calling tools, one step at a time: find the cause, change \
the source, check it with run_tests, then call submit. An answer without a tool call does nothing."""

NO_CALL = "Nothing was called. Go on by calling a tool; call submit when your change is done."


class React:
    """See the module. Options: `system`, the system prompt."""

    name: ClassVar[str] = "react"
    version: ClassVar[str] = "1"
    needs_model: ClassVar[bool] = True

    def __init__(self, system: str = SYSTEM) -> None:
        self.system = system

    async def act(self, session: Session) -> None:
        if not isinstance(session, RolloutSession) or session.model is None:
            raise AgentFault("agent react needs a model: give --model NAME")
        session.say(self.system, source="system")
        graph = create_agent(
            chat_model(session.model, seed=session.seed),
            tools=[_as_langchain_tool(session, definition) for definition in session.tool_definitions()],
            system_prompt=self.system,
            middleware=[_Bounds(session)],
        )
        # Four graph steps an agent step (model, hook, tools, and a margin): our own limits end it first.
        config: Any = {"recursion_limit": 4 * session.limits.steps + 20}
        with tracing_context(enabled=False):
            await graph.ainvoke({"messages": [HumanMessage(session.instruction)]}, config)


def _as_langchain_tool(session: RolloutSession, definition: dict[str, Any]) -> StructuredTool:
    """LangChain carries the call; checking its arguments is the session's, so that it is counted in one place."""
    function = definition["function"]

    async def nobody(**arguments: Any) -> str:
        raise AssertionError("calls go through _Bounds.awrap_tool_call")

    return StructuredTool(
        name=function["name"],
        description=function["description"],
        args_schema=function["parameters"],
        coroutine=nobody,
    )


class _Bounds(AgentMiddleware[AgentState[Any], Any]):
    """Between LangChain's loop and the session: limits, recording, retries, and what is no call."""

    def __init__(self, session: RolloutSession) -> None:
        super().__init__()
        self.session = session

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        session = self.session
        assert session.model is not None
        session.begin_step()
        response = await call_with_retries(lambda: handler(request), session.model, session.seconds_left)
        message = response.result[-1]
        assert isinstance(message, AIMessage)
        prompt, completion, metrics = tokens_of(message, session.model)
        session.record_model(
            message=str(message.text),
            reasoning=message.additional_kwargs.get("reasoning_content"),
            calls=[
                *(_recorded(call["id"], call["name"], call["args"]) for call in message.tool_calls),
                *(
                    _recorded(call["id"], call["name"] or "", {"malformed": call["args"]})
                    for call in message.invalid_tool_calls
                ),
            ],
            prompt_tokens=prompt,
            completion_tokens=completion,
            metrics=metrics,
        )
        return response

    @hook_config(can_jump_to=["model"])
    async def aafter_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """A call that cannot be read, and an answer without any, are told to the model, within a bound."""
        message = state["messages"][-1]
        if not isinstance(message, AIMessage):
            return None
        told: list[Any] = []
        for call in message.invalid_tool_calls:
            reason = f"the arguments are not JSON ({call['error'] or 'cannot be read'}). Call it again, corrected."
            self.session.refuse(_recorded(call["id"], call["name"] or "", {}), reason)
            told.append(ToolMessage(reason, tool_call_id=call["id"] or "", status="error"))
        if not message.tool_calls and not told:
            self.session.count_invalid("an answer without a tool call")
            self.session.say(NO_CALL, source="user")
            told.append(HumanMessage(NO_CALL))
        if not told:
            return None
        return {"messages": told} if message.tool_calls else {"messages": told, "jump_to": "model"}

    async def awrap_tool_call(self, request: Any, handler: Any) -> ToolMessage:
        call = request.tool_call
        answer = await self.session.answer(_recorded(call["id"], call["name"], call["args"]))
        return ToolMessage(
            answer.shown, tool_call_id=call["id"], name=call["name"], status="error" if answer.is_error else "success"
        )


def _recorded(call_id: str | None, name: str, arguments: dict[str, Any]) -> ToolCall:
    return ToolCall(tool_call_id=call_id or "", function_name=name, arguments=arguments)
