"""Part of scale.py: a model server's curve, measured, and a mixed load that is predicted from it."""

import asyncio
import random
import statistics
import time
from typing import Any

import httpx

from agents.errors import ModelUnavailable
from agents.local_model import local_model
from agents.models import ModelConfig
from flows.scale.clock import Clock
from flows.scale.model_server import DecodeCurve, ModelServer

SLOTS = 4
MEASURED = (1, 2, 4)
CHUNK = 2048  # llama.cpp's n_batch
PROMPT_WORDS, ANSWER_TOKENS = 400, 48
MIXED = tuple((random.Random(n).randint(30, 500), random.Random(-n).randint(8, 64)) for n in range(1, 25))
CLIENTS = (1, 3, 6)


async def model_figures(calls: int) -> dict[str, Any]:
    """`calls`: of each mixed load."""
    try:
        async with local_model(slots=SLOTS) as model, httpx.AsyncClient(timeout=300) as client:
            await ask(client, model, 50, 8, 0)
            prefill = await prefill_rate(client, model)
            decode = {n: await decode_rate(client, model, n, prefill) for n in MEASURED}
            print(f"local model: prefill {prefill:.0f} tokens a second; tokens a second by requests at a time: "
                  + ", ".join(f"{n}: {rate:.0f}" for n, rate in decode.items()))  # fmt: skip
            rows = [await mixed(client, model, clients, calls, prefill, decode) for clients in CLIENTS]
    except ModelUnavailable as error:
        print(f"left out: local model: {error}")
        return {"model_error_percent": None}
    error = statistics.fmean(abs(row["error_percent"]) for row in rows)
    print(f"  mean of the absolute errors: {error:.1f} %")
    return {
        "model_error_percent": round(error, 1),
        "prefill_tokens_a_second": round(prefill),
        "decode_tokens_a_second": {str(n): round(rate, 1) for n, rate in decode.items()},
        "model_rows": rows,
    }


async def ask(
    client: httpx.AsyncClient, model: ModelConfig, words: int, answer: int, salt: int
) -> tuple[int, int, float]:  # fmt: skip
    """Prompt tokens, answer tokens, seconds. No two prompts begin alike, so that none is in the cache."""
    chance = random.Random(salt)
    text = " ".join(str(chance.randrange(10, 99)) for _ in range(words))
    body = {
        "model": model.model,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": answer,
        "temperature": 0.0,
        "ignore_eos": True,
        "cache_prompt": False,
    }
    began = time.perf_counter()
    reply = await client.post(f"{model.base_url}/chat/completions", json=body)
    seconds = time.perf_counter() - began
    reply.raise_for_status()
    usage = reply.json()["usage"]
    return usage["prompt_tokens"], usage["completion_tokens"], seconds


async def prefill_rate(client: httpx.AsyncClient, model: ModelConfig) -> float:
    """From prompts of two lengths with one token to answer: what all calls cost alike drops out."""
    taken = [[await ask(client, model, words, 1, 100 * n + words) for n in range(3)] for words in (100, 600)]
    (short, short_sec), (long, long_sec) = (
        (statistics.fmean(each[0] for each in group), statistics.median(each[2] for each in group)) for group in taken
    )
    return (long - short) / (long_sec - short_sec)


async def decode_rate(client: httpx.AsyncClient, model: ModelConfig, at_once: int, prefill: float) -> float:
    """Tokens a second of `at_once` equal answers together, without the time of their prompts."""
    rates = []
    for number in range(3):
        began = time.perf_counter()
        asks = (ask(client, model, 20, ANSWER_TOKENS, 1000 + 10 * number + k) for k in range(at_once))
        told = await asyncio.gather(*asks)
        seconds = time.perf_counter() - began - sum(each[0] for each in told) / prefill
        rates.append(sum(each[1] for each in told) / seconds)
    return statistics.median(rates)


async def mixed(
    client: httpx.AsyncClient, model: ModelConfig, clients: int, calls: int, prefill: float, decode: dict[int, float]
) -> dict[str, Any]:  # fmt: skip
    """`clients` that ask one call after the other, of different lengths, until all are answered."""
    waiting, told = list(enumerate(MIXED[:calls])), list[tuple[int, int]]()

    async def one() -> None:
        while waiting:
            number, (words, answer) = waiting.pop(0)
            prompt, made, _ = await ask(client, model, words, answer, 10_000 * clients + number)
            told.append((prompt, made))

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    measured = time.perf_counter() - began
    predicted = played(told, clients, prefill, decode)
    error = 100 * (measured / predicted - 1)
    print(
        f"  {clients} clients, {SLOTS} places: {len(told)} calls in {measured:.1f} s, "
        f"predicted {predicted:.1f} s, error of throughput {error:+.1f} %"
    )
    return {
        "clients": clients,
        "seconds": round(measured, 2),
        "predicted_seconds": round(predicted, 2),
        "error_percent": round(error, 1),
    }


def played(calls: list[tuple[int, int]], clients: int, prefill: float, decode: dict[int, float]) -> float:
    """Seconds of the same by the simulator."""
    clock, left = Clock(), list(calls)
    server = ModelServer(clock, DecodeCurve(decode, SLOTS), places=SLOTS, prefill=prefill, chunk=CHUNK)

    def next_one() -> None:
        if left:
            prompt, answer = left.pop(0)
            server.ask(prompt, answer, next_one)

    for _ in range(clients):
        clock.at(0.0, next_one)
    clock.run()
    return clock.now
