"""One step as a person reads it: its texts, cut where they are long, its calls with what answered them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.difflines import DiffLine, diff_lines, looks_like_diff
from trajectories.atif import Step, ToolCall


@dataclass(frozen=True)
class Shown:
    """A text, or its head and tail with the number of characters between; coloured where it is a diff."""

    head: str
    left_out: int = 0
    tail: str = ""
    is_diff: bool = False

    def lines(self) -> Iterator[DiffLine]:
        return diff_lines(self.head)


@dataclass(frozen=True)
class ShownCall:
    """A tool call with its answers. `summary`: its arguments in one line."""

    name: str
    summary: str
    arguments: tuple[tuple[str, Shown], ...]
    results: tuple[Shown, ...]


def parts_of(step: Step) -> Iterator[tuple[str, str]]:
    """(name of the part, text) of all that a step says."""
    if message := text_of(step.message):
        yield "message", message
    if step.reasoning_content:
        yield "reasoning", step.reasoning_content
    for call in step.tool_calls or ():
        yield "call", f"{call.function_name} " + "\n".join(_value(value) for value in call.arguments.values())
    for result in step.observation.results if step.observation else ():
        if content := text_of(result.content):
            yield "output", content


def text_of(content: str | Sequence[dict[str, Any]] | None) -> str:
    """A message's text; parts that are no text (images) by what they are, without their data."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(str(part["text"]) if "text" in part else f"[{part.get('type', 'part')}]" for part in content)


def is_error(step: Step) -> bool:
    return bool((step.extra or {}).get("is_error", False))


def shown(text: str, cut: int | None) -> Shown:
    if cut is None or len(text) <= cut:
        return Shown(text, is_diff=looks_like_diff(text))
    head, tail = cut * 3 // 4, cut // 4
    return Shown(text[:head], len(text) - head - tail, text[-tail:])


def action_of(step: Step) -> str:
    """What a step does, as a text to compare: its calls; of a step without one, its message."""
    calls = [f"{call.function_name}\n" + _arguments(call) for call in step.tool_calls or ()]
    return "\n".join(calls) or text_of(step.message)


def _arguments(call: ToolCall) -> str:
    if len(call.arguments) == 1:
        return _value(next(iter(call.arguments.values())))
    return "\n".join(f"{name}: {_value(value)}" for name, value in call.arguments.items())


def calls_of(step: Step, cut: int | None) -> tuple[tuple[ShownCall, ...], tuple[Shown, ...]]:
    """The calls with what answered them, and answers that belong to none."""
    answers: dict[str | None, list[Shown]] = {}
    calls = step.tool_calls or ()
    for number, result in enumerate(step.observation.results if step.observation else ()):
        key = result.source_call_id
        if key is None and len(calls) > number:
            key = calls[number].tool_call_id
        answers.setdefault(key, []).append(shown(text_of(result.content), cut))
    made = tuple(
        ShownCall(
            name=call.function_name,
            summary=" ".join(_arguments(call)[:400].split())[:160],
            arguments=tuple((name, shown(_value(value), cut)) for name, value in call.arguments.items()),
            results=tuple(answers.pop(call.tool_call_id, ())),
        )
        for call in calls
    )
    return made, tuple(each for rest in answers.values() for each in rest)


def metadata_of(step: Step) -> dict[str, Any]:
    """What is in no other part, without token ids and log probabilities, which are thousands of numbers."""
    found: dict[str, Any] = dict(step.extra or {}) | dict(step.model_extra or {})
    if step.metrics:
        numbers = step.metrics.model_dump(exclude_none=True)
        for name in ("prompt_token_ids", "completion_token_ids", "logprobs"):
            if name in numbers:
                numbers[name] = f"{len(numbers[name])} values"
        found["metrics"] = numbers
    return found


def _value(value: Any) -> str:
    return value if isinstance(value, str) else as_json(value)


def as_json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)
