"""Replicas of a model: shared load, a dead one costs nothing, tokens are kept."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from agents.endpoint import Endpoint, metrics_of
from tests.agents.openai_server import drops, says, sends, serving, waits

ASK = {"model": "m", "messages": []}


async def ask(client: httpx.AsyncClient, url: str) -> httpx.Response:
    return await client.post(f"{url}/chat/completions", json=ASK)


async def test_requests_go_to_the_least_loaded_replica() -> None:
    with serving(waits(0.2, says("a"))) as (one, first), serving(waits(0.2, says("b"))) as (two, second):
        endpoint = Endpoint([first, second])
        async with httpx.AsyncClient(transport=endpoint) as client:
            answers = await asyncio.gather(*(ask(client, first) for _ in range(8)))
    assert all(answer.status_code == 200 for answer in answers)
    assert (len(one.requests), len(two.requests)) == (4, 4)


async def test_replicas_that_are_equally_loaded_take_turns() -> None:
    """Many processes with few requests each: none may leave all of them to the first replica."""
    with serving(says("a")) as (one, first), serving(says("b")) as (two, second):
        async with httpx.AsyncClient(transport=Endpoint([first, second])) as client:
            for _ in range(6):
                await ask(client, first)
    assert (len(one.requests), len(two.requests)) == (3, 3)


async def test_a_replica_that_is_gone_costs_no_request() -> None:
    with serving(says("a")) as (server, alive):
        endpoint = Endpoint(["http://127.0.0.1:9/v1", alive])
        async with httpx.AsyncClient(transport=endpoint) as client:
            answers = [await ask(client, "http://127.0.0.1:9/v1") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(server.requests) == 4
    assert endpoint.replicas[0].failures >= 1 and endpoint.replicas[1].failures == 0


async def test_an_answer_that_breaks_off_is_asked_of_another() -> None:
    with serving(drops) as (_, broken), serving(says("whole")) as (_, alive):
        async with httpx.AsyncClient(transport=Endpoint([broken, alive])) as client:
            answer = await ask(client, broken)
    assert answer.json()["choices"][0]["message"]["content"] == "whole"


async def test_where_none_is_there_the_client_hears_it() -> None:
    async with httpx.AsyncClient(transport=Endpoint(["http://127.0.0.1:9/v1", "http://127.0.0.1:9/v2"])) as client:
        with pytest.raises(httpx.ConnectError):
            await ask(client, "http://127.0.0.1:9/v1")


def completion(**more: Any) -> dict[str, Any]:
    return {"id": "x1", "choices": [{"message": {"content": "a"}, **more.pop("choice", {})}], **more}


@pytest.mark.parametrize(
    "body",
    [
        completion(prompt_token_ids=[1, 2], choice={"token_ids": [3]}),
        completion(choice={"meta_info": {"input_ids": [1, 2], "output_ids": [3]}}),
    ],
    ids=["vllm", "sglang"],
)
async def test_token_ids_are_kept_for_who_asks_once(body: dict[str, Any]) -> None:
    with serving(sends(json.dumps(body).encode())) as (_, url):
        endpoint = Endpoint([url])
        async with httpx.AsyncClient(transport=endpoint) as client:
            await ask(client, url)
    metrics = endpoint.take_metrics("x1")
    assert (metrics.prompt_token_ids, metrics.completion_token_ids) == ((1, 2), (3,))
    assert endpoint.take_metrics("x1").prompt_token_ids is None


def test_the_rendered_prompt_and_logprobs_are_kept() -> None:
    body = completion(
        __verbose={"prompt": "<s>hi", "tokens": [5]},
        choice={"logprobs": {"content": [{"token": "a", "logprob": -0.5}]}},
    )
    metrics = metrics_of(body)
    assert metrics is not None
    assert (metrics.extra, metrics.completion_token_ids, metrics.logprobs) == ({"prompt": "<s>hi"}, (5,), (-0.5,))
    assert metrics_of(completion()) is None
