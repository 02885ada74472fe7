"""The client of a chat server: tokens, price, faults that pass and faults that do not, answers kept by question."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from tasks.lm import LmClient, LmConfig, LmFault, LmRefused
from tests.agents.openai_server import Answer, drops, says, sends, serving

PROMPT = "What is new?"


def config(url: str, **fields: object) -> LmConfig:
    return LmConfig.model_validate({"base_url": url, "model": "m", "tries": 3, "timeout_sec": 5, **fields})


def test_an_answer_has_its_tokens_and_its_price() -> None:
    with (
        serving(says("Nothing.")) as (server, url),
        LmClient(config(url, price_prompt=2.0, price_completion=10.0, seed=7, temperature=0.5)) as client,
    ):
        reply = client.ask(PROMPT)
        client.ask(PROMPT, number=1)
    assert reply.text == "Nothing."
    assert reply.details == {
        "model": "m",
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "cost_usd": (100 * 2.0 + 10 * 10.0) / 1e6,
    }
    first, second = server.requests
    assert first["messages"] == [{"role": "user", "content": PROMPT}]
    assert (first["model"], first["temperature"], first["max_tokens"]) == ("m", 0.5, 2048)
    assert (first["seed"], second["seed"]) == (7, 8)
    assert client.spent.model_dump() == {
        "replies": 2,
        "prompt_tokens": 200,
        "completion_tokens": 20,
        "cost_usd": pytest.approx(0.0006),
    }


@pytest.mark.parametrize(
    "fault",
    [
        sends(b"slow down", status=429, headers={"Retry-After": "0.01"}),
        sends(b"broken", status=500),
        sends(b'{"choices": ['),
        sends(b'{"choices": []}'),
        sends(b'{"error": "overloaded"}'),
        drops,
    ],
    ids=["429", "500", "malformed JSON", "no choices", "no completion", "lost connection"],
)
def test_a_passing_fault_is_tried_again(fault: Answer) -> None:
    with serving(fault, says("Here.")) as (server, url), LmClient(config(url)) as client:
        assert client.ask(PROMPT).text == "Here."
    assert len(server.requests) == 2


def test_a_fault_that_stays_is_told_after_a_bounded_number_of_tries() -> None:
    told = r"m at http://127.* in 3 tries; the last: status 503: out of memory"
    with (
        serving(sends(b"out of memory", status=503)) as (server, url),
        LmClient(config(url)) as client,
        pytest.raises(LmFault, match=told),
    ):
        client.ask(PROMPT)
    assert len(server.requests) == 3


def test_nobody_listens() -> None:
    nowhere = config("http://127.0.0.1:9/v1", tries=2)
    with LmClient(nowhere) as client, pytest.raises(LmFault, match=r"in 2 tries.*Is the server up"):
        client.ask(PROMPT)
    with LmClient(config("127.0.0.1:9/v1")) as client, pytest.raises(LmFault, match="give a whole URL"):
        client.ask(PROMPT)


@pytest.mark.parametrize(("status", "expected"), [(401, LmFault), (404, LmFault), (302, LmFault), (400, LmRefused)])
def test_what_will_not_pass_is_told_at_once(status: int, expected: type[LmFault]) -> None:
    with (
        serving(sends(b"no", status=status)) as (server, url),
        LmClient(config(url)) as client,
        pytest.raises(LmFault, match=f"status {status}: no") as caught,
    ):
        client.ask(PROMPT)
    assert type(caught.value) is expected
    assert len(server.requests) == 1


def test_prices_without_usage_are_a_fault_and_no_usage_without_prices_is_none() -> None:
    silent = sends(b'{"choices": [{"message": {"content": "x"}, "finish_reason": "length"}]}')
    with serving(silent) as (_, url):
        with LmClient(config(url)) as client:
            reply = client.ask(PROMPT)
        assert (reply.prompt_tokens, reply.is_cut) == (0, True)
        with LmClient(config(url, price_prompt=1.0)) as client, pytest.raises(LmFault, match="tells no `usage`"):
            client.ask(PROMPT)


def test_an_answer_is_kept_by_its_question_and_asked_for_once(tmp_path: Path) -> None:
    with serving(says("One."), says("Two.")) as (server, url):
        for _ in range(2):
            with LmClient(config(url, answers=tmp_path, price_prompt=1.0)) as client:
                assert client.ask(PROMPT).text == "One."
                assert client.spent.cost_usd == 0.0001
        with LmClient(config(url, answers=tmp_path)) as client:
            assert client.ask("Another question").text == "Two."
    assert len(server.requests) == 2
    with LmClient(config("http://127.0.0.1:9/v1", answers=tmp_path, tries=1)) as client:  # the address does not count
        assert client.ask(PROMPT).text == "One."


def test_the_key_is_sent_and_never_written(tmp_path: Path) -> None:
    secret = "sk-of-nobody"
    with serving(says("Yes.")) as (server, url):
        chosen = config(url, api_key=SecretStr(secret), answers=tmp_path)
        with LmClient(chosen) as client:
            client.ask(PROMPT)
    assert server.headers[0]["authorization"] == f"Bearer {secret}"
    assert secret not in repr(chosen) + chosen.model_dump_json() + json.dumps(server.requests)
    assert all(secret not in file.read_text() for file in tmp_path.rglob("*.json"))
