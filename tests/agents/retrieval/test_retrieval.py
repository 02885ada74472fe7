"""The right tool among many, and what tells look-alikes apart."""

from typing import Any

import pytest

from agents.retrieval.bm25 import Bm25, words_of
from agents.retrieval.demonstrations import Demonstration, confusable_groups, what_tells_apart
from agents.retrieval.embedding import EmbeddingRanking
from agents.retrieval.ranking import ranker_of
from agents.retrieval.retriever import ToolRetriever


def tool(name: str, description: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": {}}}


TOOLS = [
    tool("create_invoice", "Create an invoice and send it."),
    tool("draft_invoice", "Create an invoice as a draft, without effect."),
    tool("bookFlight", "Reserve a seat on a plane."),
]


def test_names_are_taken_apart_and_words_lose_their_endings() -> None:
    assert words_of("bookFlight cancel_orders HTTPServer") == ["book", "flight", "cancel", "ord", "http", "serv"]
    scores = Bm25(["a rare word", "a common text", "a common day"]).scores("rare")
    assert scores[0] > 0 == scores[1]


def test_the_nearest_tool_comes_first_and_examples_help() -> None:
    assert ToolRetriever(TOOLS, Bm25).select("reserve two seats", 1) == ["bookFlight"]
    asked = "travel to Oslo by air"
    known = [Demonstration(request="I must travel to Rome by air", tool="bookFlight")]
    assert ToolRetriever(TOOLS, Bm25).select(asked, 1) != ["bookFlight"]
    assert ToolRetriever(TOOLS, Bm25, known).select(asked, 1) == ["bookFlight"]


def test_look_alikes_are_told_apart_by_examples_or_by_their_own_words() -> None:
    assert confusable_groups(TOOLS) == [["create_invoice", "draft_invoice"]]
    known = [Demonstration(request="Bill Ann", tool="create_invoice", arguments={"to": "Ann"})]
    told = what_tells_apart("bill Bob", TOOLS, known, Bm25)
    assert '"Bill Ann" -> create_invoice({"to": "Ann"})' in told
    assert "only draft_invoice says: draft" in told and "bookFlight" not in told


def test_auto_is_what_finds_most_and_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.retrieval.embedding.is_installed", lambda: True)
    assert ranker_of("auto") is EmbeddingRanking
    monkeypatch.setattr("agents.retrieval.embedding.is_installed", lambda: False)
    assert ranker_of("auto") is Bm25
