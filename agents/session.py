"""One rollout as the agent sees it: dispatches tool calls, keeps the limits, records the trajectory."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from agents.agent import AgentLimits, LimitReached, Submitted, ToolAnswer
from agents.models import ModelConfig
from agents.recorder import Recorder
from agents.tools import Toolbox, ToolsConfig, get_tools, open_tools
from agents.tools.bash import Bash
from agents.tools.tool import Place
from environments.diff import Diff
from trajectories.atif import Metrics, ToolCall

if TYPE_CHECKING:
    from agents.memory.piece import Piece


class RolloutSession:
    """The Session of every agent. Holds no reference and no tests: those stay with the engine."""

    def __init__(
        self,
        place: Place,
        *,
        seed: int,
        limits: AgentLimits,
        recorder: Recorder,
        model: ModelConfig | None,
        instruction: str | None = None,
    ) -> None:
        self.task_id = place.task.id
        self.instruction = place.task.instruction if instruction is None else instruction
        self.seed = seed
        self.limits = limits
        self.recorder = recorder
        self.model = model
        self.steps = 0
        self.invalid_calls = 0
        self.pieces: tuple[Piece, ...] = ()
        self._invalid_in_a_row = 0
        self._place = place
        self._tools: Toolbox = get_tools(place.task.tools)
        self._foreign_tools: tuple[dict[str, Any], ...] | None = None
        self._deadline = time.monotonic() + limits.seconds
        recorder.say("user", self.instruction)

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    @property
    def place(self) -> Place:
        """For agents that are programs of their own in the sandbox."""
        return self._place

    def add(self, piece: str, text: str) -> None:
        """What a piece adds to the instruction; the trajectory tells how much of the text is the task's own."""
        if text:
            self.instruction = f"{self.instruction}\n\n{text}"
            added = {"own_characters": len(self._place.task.instruction)}
            self.recorder.amend_first(self.instruction, added)

    def branch(
        self,
        *,
        place: Place | None = None,
        instruction: str | None = None,
        seed: int | None = None,
        limits: AgentLimits,
        recorder: Recorder | None = None,
    ) -> "RolloutSession":
        """A session for a part of this rollout: in another sandbox (`place`), or on another instruction in this one.

        It has `limits` of its own, counted from now; whoever branches counts what it did (`join`). With a `recorder`
        its steps are recorded there, else among this session's.
        """
        if recorder is None:  # what is counted already stays counted
            spent = self.recorder.prompt_tokens + self.recorder.completion_tokens
            absolute = {"steps": self.steps + limits.steps, "tokens": spent + limits.tokens}
            limits = limits.model_copy(update={**absolute, "cost_usd": self.recorder.cost_usd + limits.cost_usd})
        child = RolloutSession(
            place or self._place,
            seed=self.seed if seed is None else seed,
            limits=limits,
            recorder=recorder or self.recorder,
            model=self.model,
            instruction=self.instruction if instruction is None else instruction,
        )
        child.pieces = self.pieces
        if recorder is None:
            child.steps = self.steps
        elif child.instruction != self._place.task.instruction:
            recorder.amend_first(child.instruction, {"own_characters": len(self._place.task.instruction)})
        return child

    def join(self, child: "RolloutSession") -> None:
        """Count what a branch did."""
        self.steps = child.steps if child.recorder is self.recorder else self.steps + child.steps
        self.invalid_calls += child.invalid_calls

    async def open(self, config: ToolsConfig | None = None) -> None:
        """Take all tools: also those that are found in the sandbox, and those that the user adds.

        Raises AgentFault for one that is not there, EnvironmentFault.
        """
        self._tools = await open_tools(self._place, config)

    async def close(self) -> None:
        """End what tools keep open (shell, jobs, connections), so that nothing writes on. Idempotent."""
        await self._place.close()

    def use_tools(self, definitions: Sequence[dict[str, Any]]) -> None:
        """An agent with tools of its own: what the trajectory shall say of them."""
        self._foreign_tools = tuple(definitions)

    def tool_definitions(self) -> tuple[dict[str, Any], ...]:
        """OpenAI function schemas of the tools allowed in this task."""
        if self._foreign_tools is not None:
            return self._foreign_tools
        return self._tools.definitions()

    def say(self, message: str, *, source: str = "agent") -> None:
        """Record a message as a step of its own."""
        self.recorder.say(source, message)

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
        """Call a tool as one recorded step. See Session.call."""
        self.begin_step()
        call = ToolCall(tool_call_id=f"call_{self.steps}", function_name=tool, arguments=dict(arguments))
        self.recorder.act([call])
        return await self.answer(call)

    def begin_step(self) -> None:
        """Count a step. Raises LimitReached where a limit is hit already."""
        recorder = self.recorder
        if self.steps >= self.limits.steps:
            raise LimitReached("step_limit", f"{self.limits.steps} steps")
        if self.seconds_left <= 0:
            raise LimitReached("time_limit", f"{self.limits.seconds:g} s")
        if recorder.prompt_tokens + recorder.completion_tokens >= self.limits.tokens:
            raise LimitReached("token_limit", f"{self.limits.tokens} tokens")
        if recorder.cost_usd >= self.limits.cost_usd:
            raise LimitReached("cost_limit", f"{self.limits.cost_usd:g} US dollars")
        self.steps += 1

    def record_model(
        self,
        *,
        message: str,
        reasoning: str | None,
        calls: list[ToolCall],
        prompt_tokens: int,
        completion_tokens: int,
        metrics: Metrics | None = None,
    ) -> None:
        """A model's answer as one step, with its tokens and its cost."""
        assert self.model is not None
        found = metrics or Metrics()
        self.recorder.act(
            calls,
            message=message,
            reasoning=reasoning,
            model_name=self.model.model,
            metrics=found.model_copy(
                update={
                    "prompt_tokens": prompt_tokens,
                    "completion_tokens": completion_tokens,
                    "cost_usd": self.model.cost(prompt_tokens, completion_tokens),
                }
            ),
        )

    async def answer(self, call: ToolCall) -> ToolAnswer:
        """Carry out a call that was recorded. Raises Submitted, LimitReached, EnvironmentFault."""
        tool = self._tools.get(call.function_name)
        if tool is None:
            return self.refuse(
                call, f"there is no tool {call.function_name!r}; there are: {', '.join(self._tools.shown)}"
            )
        try:
            arguments = tool.arguments.model_validate(call.arguments)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
            return self.refuse(call, f"wrong arguments of {tool.name}: {problems}. Call it again, corrected.")
        self._invalid_in_a_row = 0
        began = time.monotonic()
        result = await tool.call(self._place, arguments)
        seconds = time.monotonic() - began
        if self.pieces and tool.name != "submit":
            notes = [await piece.after_call(self, call, result) for piece in self.pieces]
            result = result.model_copy(update={"note": "\n\n".join(note for note in notes if note)})
        self.recorder.answer(call.tool_call_id, result.shown, is_error=result.is_error, seconds=seconds)
        if tool.name == "submit":
            raise Submitted
        return result

    def refuse(self, call: ToolCall, reason: str) -> ToolAnswer:
        """Tell the caller that a call was malformed, and count it. Raises LimitReached for too many in a row."""
        self.recorder.answer(call.tool_call_id, reason, is_error=True)
        self.count_invalid(reason)
        return ToolAnswer(text=reason, is_error=True)

    def count_invalid(self, reason: str) -> None:
        self.invalid_calls += 1
        self._invalid_in_a_row += 1
        if self._invalid_in_a_row >= self.limits.invalid_calls:
            raise LimitReached("invalid_calls", f"{self._invalid_in_a_row} in a row; the last: {reason}")


class PrivilegedSession(RolloutSession):
    """For agents that declare `needs_reference`: the engine's own measure of a task, never a policy to train on."""

    reference: Diff | None = None
    solve_script: bytes | None = None

    async def open(self, config: ToolsConfig | None = None) -> None:
        await super().open(config)
        if "bash" in self._tools:  # they make one call: starting a shell to keep would be half of a short rollout
            self._tools["bash"] = Bash(keeps_shell=False)
