"""Is a model trained on the prompt that it is asked by? What the server rendered is compared with what rows hold."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agents.training.errors import TrainingFault
from trajectories.errors import BadExport
from trajectories.exports.exporter import Calls, example_of
from trajectories.store import Store


class PromptCheck(BaseModel):
    """How many prompts of model calls were compared, token by token, and how many differ from the rows' own."""

    model_config = ConfigDict(frozen=True)

    compared: int
    differing: int
    first_difference: str = Field("", description="rollout, call, and where they part")


def check_prompts(store: Store, where: str, tokenizer: Any, *, calls: Calls, most: int = 200) -> PromptCheck:
    """Compare the prompts that a server told (`ModelConfig.tokens`) with the export's rendering of the same rollouts.

    Of a rollout with malformed calls only the first prompt: what was malformed has no exact form in an export.
    Raises TrainingFault where no rollout has a prompt to compare with.
    """
    compared = differing = 0
    first = ""
    for row in store.rollouts(where, limit=most):
        rollout = store.body(row)
        try:
            messages = example_of(store.body_text(row), calls).messages
        except BadExport:
            continue  # it said nothing
        said = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
        steps = [step for step in rollout.trajectory.steps if step.source == "agent" and step.metrics is not None]
        pairs = list(zip(said, steps, strict=False))
        for number, (at, step) in enumerate(pairs[:1] if rollout.invalid_tool_calls else pairs, start=1):
            shown = (step.metrics.extra or {}).get("prompt") if step.metrics else None
            if not isinstance(shown, str):
                continue
            ours = tokenizer.apply_chat_template(messages[:at], tokenize=False, add_generation_prompt=True)
            compared += 1
            ids, counted = _ids(tokenizer, ours), step.metrics.prompt_tokens if step.metrics else None
            if ids != _ids(tokenizer, shown):
                parting = _parting(shown, ours)
            elif counted and counted != len(ids):
                parting = f"the server counts {counted} tokens, the row's tokenizer {len(ids)}"
            else:
                continue
            differing += 1
            first = first or f"rollout {row.id}, call {number}: {parting}"
    if not compared:
        raise TrainingFault(f"no rollout of ({where}) has the prompt that its server rendered: nothing can be compared")
    return PromptCheck(compared=compared, differing=differing, first_difference=first)


def _ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _parting(shown: str, ours: str) -> str:
    at = next((at for at, (a, b) in enumerate(zip(shown, ours, strict=False)) if a != b), min(len(shown), len(ours)))
    return f"the server had {shown[at : at + 60]!r}, the row has {ours[at : at + 60]!r}"
