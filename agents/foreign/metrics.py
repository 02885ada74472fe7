"""What the proxy counted, put on the steps that it belongs to."""

from collections.abc import Sequence

from agents.foreign.proxy import ModelCall
from agents.models import ModelConfig
from trajectories.atif import Step


def with_metrics(steps: Sequence[Step], calls: Sequence[ModelCall], model: ModelConfig | None) -> tuple[Step, ...]:
    """Steps numbered anew; an agent's step has the metrics of the first call after the last match that said it.

    Where the server's words are not known (other protocols than chat completions), calls and steps are paired in
    order if there are as many of each; else the steps keep what the agent wrote of them.
    """
    said = [step for step in steps if step.source == "agent" and not (step.extra or {}).get("is_demo")]
    in_order = len(said) == len(calls) and not any(call.message for call in calls)
    found, next_call = [], 0
    for number, step in enumerate(steps, start=1):
        changes: dict[str, object] = {"step_id": number}
        if step.source == "agent":
            for index in range(next_call, len(calls)):
                if in_order or _is_of(step, calls[index]):
                    changes["metrics"], next_call = calls[index].metrics, index + 1
                    break
            if model is not None:
                changes["model_name"] = model.model
        found.append(step.model_copy(update=changes))
    return tuple(found)


def _is_of(step: Step, call: ModelCall) -> bool:
    if call.message is None:
        return False
    ids = {str(each.get("id")) for each in call.message.get("tool_calls") or () if isinstance(each, dict)}
    if ids and ids & {each.tool_call_id for each in step.tool_calls or ()}:
        return True
    text = call.message.get("content")
    return (
        isinstance(text, str) and isinstance(step.message, str) and bool(text) and text.strip() == step.message.strip()
    )
