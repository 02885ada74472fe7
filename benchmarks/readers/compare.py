"""A trainer's reading of a conversation beside what the conversation is."""

import json
import re
from collections.abc import Sequence
from typing import Any

FRAME = re.compile(r"(?:\s|</?tool_call>|</?think>|<\|im_end\|>)*")
"""What templates put around what the agent said: the marks of a call, of a thought and of a turn's end."""


def faults(row: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """How a reading differs; empty where the trained tokens are exactly the assistant's, and all the rest is there."""
    found = [f"not in the text: {given[:40]!r}" for given in wanted["given"] if given not in row["text"]]
    found += [f"tool {name!r} is not in the text" for name in wanted["tools"] if name not in row["text"]]
    turns, runs = wanted["turns"], row["trained"]
    if len(turns) != len(runs):
        return [*found, f"{len(runs)} runs of trained tokens for {len(turns)} turns of the assistant"]
    for number, (turn, run) in enumerate(zip(turns, runs, strict=True), start=1):
        if fault := _turn_fault(turn, run):
            found.append(f"turn {number}: {fault}")
    return found


def _turn_fault(turn: dict[str, Any], run: str) -> str:
    at = run.find(turn["text"])
    if at < 0:
        return f"{turn['text'][:40]!r} is not in the trained {run[:60]!r}"
    before = run[:at]
    calls, rest = _calls(run[at + len(turn["text"]) :])
    if calls != turn["calls"]:
        return f"calls {turn['calls']} are read as {calls}"
    if not FRAME.fullmatch(before + rest):
        return f"{(before + rest)[:60]!r} is trained, too"
    return ""


def _calls(text: str) -> tuple[list[dict[str, Any]], str]:
    """JSON objects with name and arguments, and what is left without them."""
    decoder, found, rest, at = json.JSONDecoder(), [], [], 0
    while (start := text.find("{", at)) >= 0:
        rest.append(text[at:start])
        try:
            value, at = decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            return found, text
        if isinstance(value.get("arguments"), str):  # some templates write arguments as a text
            value["arguments"] = json.loads(value["arguments"])
        found.append({"name": value.get("name"), "arguments": value.get("arguments")})
    return found, "".join(rest) + text[at:]


def prompt_faults(row: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """The same for a prompt of RL, which has no turn of the assistant."""
    fields = row["fields"]
    found = []
    if [each["content"] for each in fields["prompt"]] != wanted["prompt"]:
        found.append(f"the prompt is read as {fields['prompt']}")
    if fields["ground_truth"] != wanted["task"]:
        found.append(f"the task is read as {fields['ground_truth']!r}")
    found += [f"not in the text: {each[:40]!r}" for each in wanted["prompt"] if each not in fields["text"]]
    return found


def pair_faults(row: dict[str, Any], rendered: Sequence[str]) -> list[str]:
    """Preferences: all ids of a row together hold each of its rendered conversations, the prompt once or each time."""
    fields = row["fields"]
    prompt = fields.get("prompt_ids", fields.get("prompt_input_ids", ""))
    texts = [prompt + text for name, text in fields.items() if not name.startswith("prompt")] + list(fields.values())
    return [f"no ids of the row are {each[-80:]!r}" for each in rendered if each not in texts]
