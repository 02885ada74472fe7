"""The trajectory of a rollout while it happens: steps are appended, results fill in, the end freezes it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from trajectories.atif import (
    AgentInfo,
    FinalMetrics,
    Metrics,
    Observation,
    ObservationResult,
    Step,
    ToolCall,
    Trajectory,
)


class Recorder:
    """Builds an ATIF trajectory. One instance a rollout."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cost_usd = 0.0
        self.extra: dict[str, Any] = {}
        self._steps: list[Step] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps)

    def amend_first(self, message: str, extra: Mapping[str, Any]) -> None:
        """The first message grows by what is added to the instruction."""
        first = self._steps[0]
        changes = {"message": message, "extra": {**(first.extra or {}), **extra}}
        self._steps[0] = first.model_copy(update=changes)

    def spend(self, metrics: Metrics) -> None:
        """Tokens and money of a call that is no step of this trajectory."""
        self.prompt_tokens += metrics.prompt_tokens or 0
        self.completion_tokens += metrics.completion_tokens or 0
        self.cost_usd += metrics.cost_usd or 0.0

    def take_over(self, steps: Sequence[Step]) -> None:
        """Append steps that were recorded elsewhere; their costs are told by `spend`."""
        for step in steps:
            self._steps.append(step.model_copy(update={"step_id": len(self._steps) + 1}))

    def say(self, source: str, message: str, *, extra: Mapping[str, Any] | None = None) -> None:
        """A message as a step of its own."""
        self._add(source=source, message=message, extra=dict(extra) if extra else None)

    def act(
        self,
        calls: Sequence[ToolCall],
        *,
        message: str = "",
        reasoning: str | None = None,
        model_name: str | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """A step of the agent: what it said, what it called."""
        if metrics is not None:
            self.prompt_tokens += metrics.prompt_tokens or 0
            self.completion_tokens += metrics.completion_tokens or 0
            self.cost_usd += metrics.cost_usd or 0.0
        self._add(
            source="agent",
            message=message,
            reasoning_content=reasoning,
            model_name=model_name,
            tool_calls=tuple(calls) or None,
            metrics=metrics,
        )

    def answer(self, call_id: str, content: str, *, is_error: bool = False, seconds: float | None = None) -> None:
        """The result of a call of the newest step that made it. `seconds`: how long the tool worked."""
        for index in range(len(self._steps) - 1, -1, -1):
            step = self._steps[index]
            if any(call.tool_call_id == call_id for call in step.tool_calls or ()):
                before = step.observation.results if step.observation else ()
                result = ObservationResult(source_call_id=call_id, content=content)
                extra = {**(step.extra or {}), "is_error": True} if is_error else step.extra
                if seconds is not None:  # of all its calls together
                    extra = {**(extra or {}), "seconds": round((extra or {}).get("seconds", 0.0) + seconds, 4)}
                changes = {"observation": Observation(results=(*before, result)), "extra": extra}
                self._steps[index] = step.model_copy(update=changes)
                return
        raise ValueError(f"no step made the call {call_id!r}")

    def replace(self, steps: Sequence[Step]) -> None:
        """Take these, recorded by an agent of its own, for what was recorded so far; tokens and costs stay counted."""
        self._steps = list(steps)

    def trajectory(
        self,
        *,
        agent: str,
        version: str,
        model_name: str | None,
        tool_definitions: Sequence[dict[str, Any]],
        extra: Mapping[str, Any],
    ) -> Trajectory:
        """What was recorded so far, frozen."""
        return Trajectory(
            session_id=self.session_id,
            agent=AgentInfo(
                name=agent, version=version, model_name=model_name, tool_definitions=tuple(tool_definitions) or None
            ),
            steps=tuple(self._steps),
            final_metrics=FinalMetrics(
                total_prompt_tokens=self.prompt_tokens,
                total_completion_tokens=self.completion_tokens,
                total_cost_usd=self.cost_usd,
                total_steps=len(self._steps),
            ),
            extra={**extra, **self.extra},
        )

    def _add(self, **fields: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._steps.append(Step(step_id=len(self._steps) + 1, timestamp=now, **fields))
