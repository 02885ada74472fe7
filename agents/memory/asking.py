"""A question to the rollout's model beside the conversation: counted and kept, but no step of the trajectory.

Kept in the trajectory's `extra.beside`, so that what a piece was told can be read, and exports of the conversation
stay what the agent saw.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from openai import LengthFinishReasonError

from agents._chat_model import call_with_retries, chat_model, tokens_of
from agents._json_calls import JsonCalls, cut_off
from agents.memory.errors import PieceFault
from agents.models import ModelConfig
from agents.session import RolloutSession

Prompt = Sequence[tuple[str, str]]
"""(role, text): system, user, assistant."""


async def ask(session: RolloutSession, piece: str, prompt: Prompt, *, schema: dict[str, Any] | None = None) -> str:
    """The model's answer as text. It counts as a step, with its tokens.

    `schema`: a JSON schema that the server is asked to keep to. Raises PieceFault where the rollout has no model,
    ModelUnavailable, LimitReached.
    """
    model = session.model
    if model is None:
        raise PieceFault(f"piece {piece} asks a model: give --model NAME")
    session.begin_step()
    client = plain_model(model, seed=session.seed)
    said = await call_with_retries(lambda: said_to(client, prompt, piece, schema), model, session.seconds_left)
    prompt_tokens, completion_tokens, metrics = tokens_of(said, model)
    spent = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "cost_usd": model.cost(prompt_tokens, completion_tokens),
    }
    session.recorder.spend(metrics.model_copy(update=spent))
    text = str(said.text)
    kept = {"piece": piece, "prompt": [list(part) for part in prompt], "answer": text, **spent}
    session.recorder.extra.setdefault("beside", []).append(kept)
    return text


def plain_model(model: ModelConfig, *, seed: int) -> BaseChatModel:
    """The client without tools of any form."""
    client = chat_model(model, seed=seed)
    return client.client if isinstance(client, JsonCalls) else client


async def said_to(client: BaseChatModel, prompt: Prompt, name: str, schema: Mapping[str, Any] | None) -> AIMessage:
    """One answer, to be of the `schema` (called `name`) where one is given; one that reached its limit is cut off."""
    options: dict[str, Any] = {}
    if schema is not None:
        options["response_format"] = {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema)}}
    try:
        said = await client.ainvoke(list(prompt), **options)
    except LengthFinishReasonError as error:  # raised by the client wherever a form was asked for
        said = cut_off(error)
    assert isinstance(said, AIMessage)
    return said


async def ask_json(session: RolloutSession, piece: str, prompt: Prompt, schema: dict[str, Any]) -> Any:
    """The answer as JSON; None where the model does not give any."""
    try:
        return json.loads(await ask(session, piece, prompt, schema=schema))
    except ValueError:
        return None
