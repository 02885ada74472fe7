"""A conversation as the tokens that a model is trained on, with a mask that says which of them the agent produced.

Stock chat templates lack the markers by which trainers find the assistant's tokens, and some of them render earlier
turns otherwise once later ones follow. So the mask is made here, from the text that the tokenizer's own template
renders: what is added by an assistant message after the generation prompt, up to and with the token that ends its turn.
A conversation for which that cannot be told exactly is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from trajectories.errors import BadExport
from trajectories.exports.exporter import ORIGIN, Example, OneByOne, Row
from trajectories.messages import Message

IGNORED = -100
"""The label of a token that is not learned: PyTorch's cross entropy leaves it out."""


@dataclass(frozen=True)
class Tokens:
    """`ids` and, for each, whether the agent produced it."""

    ids: tuple[int, ...]
    is_said: tuple[bool, ...]


def load_tokenizer(place: Path) -> Any:
    """A tokenizer of transformers from its folder, or from a GGUF file. Raises BadExport saying what to do."""
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise BadExport("--tokenizer needs transformers: pip install 'gristmill[train]'") from error
    try:
        if place.suffix == ".gguf":
            found = AutoTokenizer.from_pretrained(place.parent, gguf_file=place.name)
        else:
            found = AutoTokenizer.from_pretrained(place)
    except (OSError, ValueError, ImportError) as error:
        raise BadExport(
            f"--tokenizer {place}: cannot be loaded ({str(error).splitlines()[0]}); give the folder of a tokenizer "
            "(tokenizer.json and its configuration) or a GGUF file"
        ) from error
    if not getattr(found, "chat_template", None):
        raise BadExport(f"--tokenizer {place}: has no chat template, so no conversation can be rendered with it")
    return found


def tokens_of(example: Example, tokenizer: Any) -> Tokens:
    """Raises BadExport where the mask would not be exactly what the agent said."""
    text, spans = _rendered(example.messages, example.tools, tokenizer)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
    is_said = [any(first <= start and end <= last for first, last in spans) for start, end in offsets]
    for (start, end), said in zip(offsets, is_said, strict=True):
        if not said and any(start < last and first < end for first, last in spans):
            raise BadExport(f"a token ({text[start:end]!r}) is partly the agent's: the mask cannot be exact")
    if not any(is_said):
        raise BadExport("no token is the agent's: training on it would learn nothing")
    return Tokens(tuple(ids), tuple(is_said))


def _rendered(messages: Sequence[Message], tools: Sequence[Any], tokenizer: Any) -> tuple[str, list[tuple[int, int]]]:
    """The text of a conversation, and the spans of it that the agent produced, in characters."""

    def render(part: Sequence[Message], *, is_asked: bool = False) -> str:
        try:
            rendered: str = tokenizer.apply_chat_template(
                list(part), tools=list(tools) or None, tokenize=False, add_generation_prompt=is_asked
            )
        except Exception as error:
            raise BadExport(f"the chat template fails: {type(error).__name__}: {error}") from error
        return rendered

    whole = render(messages)
    return whole, list(_spans(messages, whole, render, tokenizer.eos_token or ""))


def _spans(messages: Sequence[Message], whole: str, render: Any, end_of_turn: str) -> Iterator[tuple[int, int]]:
    for at, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before, after = render(messages[:at], is_asked=True), render(messages[: at + 1])
        if not (after.startswith(before) and whole.startswith(after)):
            raise BadExport(
                f"message {at + 1}: the chat template renders it otherwise once later messages follow; train on "
                "`steps` instead, or with another template"
            )
        said = after[len(before) :]
        if message.get("tool_calls") and not all(_name(call) in said for call in message["tool_calls"]):
            raise BadExport(
                f"message {at + 1}: the chat template leaves its tool calls out; export with --calls json, or use a "
                "model whose template knows tools"
            )
        ended = said.rfind(end_of_turn) if end_of_turn else -1
        yield len(before), len(before) + (ended + len(end_of_turn) if ended >= 0 else len(said))


def _name(call: dict[str, Any]) -> str:
    return str(call["function"]["name"])


class TokenRows(OneByOne):
    """`input_ids`, `labels` (the same, -100 where nothing is learned), `assistant_masks`; `source` says from what.

    Ids are encoded anew from the text, unless the server gave those that it sampled: `source` is then `sampled`.
    """

    name: ClassVar[str] = "tokens"
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("input_ids", pa.list_(pa.int32())),
            ("labels", pa.list_(pa.int32())),
            ("assistant_masks", pa.list_(pa.int8())),
            ("source", pa.string()),
            *ORIGIN,
        ]
    )
    tokenizer: Any = None

    def row(self, example: Example) -> Row:
        if (sampled := sampled_tokens(example)) is not None:
            return _row(sampled, "sampled")
        if self.tokenizer is None:
            raise BadExport("the server gave no token ids, and no tokenizer was given: --tokenizer FOLDER")
        return _row(tokens_of(example, self.tokenizer), "re-encoded")


def sampled_tokens(example: Example) -> Tokens | None:
    """The ids that the server gave with the last step: the prompt that it saw, and what it sampled; None without.

    What earlier steps sampled is found in the last prompt, in order, so nothing is encoded again. Raises BadExport
    where the prompt does not hold what an earlier step sampled: boundaries then disagree.
    """
    metrics = [step.metrics for step in example.rollout.trajectory.steps if step.source == "agent"]
    pairs = [(each.prompt_token_ids, each.completion_token_ids) for each in metrics if each is not None]
    if not pairs or len(pairs) != len(metrics) or not all(prompt and said for prompt, said in pairs):
        return None
    (last_prompt, last_said) = pairs[-1]
    assert last_prompt is not None and last_said is not None
    ids = [*last_prompt, *last_said]
    is_said = [False] * len(last_prompt) + [True] * len(last_said)
    for number, (prompt, said) in enumerate(pairs[:-1], start=1):
        assert prompt is not None and said is not None
        first = len(prompt)
        if tuple(ids[:first]) != tuple(prompt) or tuple(ids[first : first + len(said)]) != tuple(said):
            raise BadExport(f"model call {number}: its tokens are not those of the last prompt (template or trimming)")
        is_said[first : first + len(said)] = [True] * len(said)
    return Tokens(tuple(ids), tuple(is_said))


def _row(tokens: Tokens, source: str) -> Row:
    labels = [token if said else IGNORED for token, said in zip(tokens.ids, tokens.is_said, strict=True)]
    masks = [int(said) for said in tokens.is_said]
    return {"input_ids": list(tokens.ids), "labels": labels, "assistant_masks": masks, "source": source}
