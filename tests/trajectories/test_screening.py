"""What screening lets pass, redaction would have left alone."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from tests.trajectories.test_redaction import BODY, TOKENS
from trajectories import matching, screening
from trajectories.redaction import redact_text, shape_patterns
from trajectories.screening import coarse, suspects


@pytest.fixture(autouse=True, params=["hyperscan", "re2"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both find the same."""
    if request.param == "re2":
        monkeypatch.setattr(matching, "engine", None)
    elif matching.engine is None:
        pytest.skip("there is no Hyperscan for this machine")
    screening._made.cache_clear()
    yield
    screening._made.cache_clear()


TOLD = {
    **TOKENS,
    "aws-secret": f"aws_secret_access_key = {BODY}",
    "bearer": f"Authorization: Bearer {BODY}",
    "url": "git clone https://me:s3cretword@host/x",
    "ibm": f"ibm_cloud_iam_key: {BODY[:40]}{BODY[:4]}",
    "cloudant": 'cloudant_password="' + "0123456789abcdef" * 4 + '"',
    "npm": f"//registry.example/:_authToken=npm_{BODY[:36]}",
}
ODD = ["\n", '"', "\\", "\t", "\x1b"]
BESIDE = st.text(st.characters(exclude_categories=["Cs"]), max_size=3) | st.sampled_from(ODD)


def suspect(*texts: str, **secrets: str) -> list[bool]:
    return suspects([to_json({"text": text}) + b"\n" for text in texts], secrets)


SAID = st.builds("".join, st.tuples(BESIDE, st.sampled_from(sorted(TOLD.values())), BESIDE))


def missed(texts: list[str]) -> list[str]:
    """Those that redaction changes, and that are no suspects."""
    return [text for text, found in zip(texts, suspect(*texts), strict=True) if not found and redact_text(text) != text]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SAID, min_size=60, max_size=60))
def test_whatever_would_be_redacted_is_a_suspect(texts: list[str]) -> None:
    assert missed(texts) == []


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(*map(st.from_regex, shape_patterns())))
def test_whatever_a_shape_matches_is_a_suspect(texts: tuple[str, ...]) -> None:
    assert missed(list(texts)) == []


def test_each_suspect_is_named_and_its_neighbours_are_not() -> None:
    texts = [*["plain"] * 3, TOKENS["github-token"], "plain", TOKENS["github-token"] * 2, TOKENS["github-token"]]
    assert suspect(*texts) == [False] * 3 + [True, False, True, True]
    assert suspects([]) == []


def test_threads_do_not_disturb_each_other() -> None:
    texts = ["plain", TOKENS["github-token"], "plain"] * 300
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(lambda _: suspect(*texts), range(40)):
            assert found == [False, True, False] * 300


def test_threads_that_begin_at_once_share_what_was_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    compiled = matching._compiled
    monkeypatch.setattr(matching, "_compiled", lambda expressions: made.append(1) or compiled(expressions))
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda _: suspect("plain"), range(2))) == [[False], [False]]
    assert len(made) == (matching.engine is not None)


def test_hyperscan_takes_every_expression() -> None:
    matcher = screening._matcher(())
    assert bool(matcher._expressions) == (matching.engine is None), "RE2 beside it takes twice its time"


def test_ordinary_text_is_none() -> None:
    texts = ["commit 3f786850e387550fdab836ed7e6dc881de23001b", "task-0123456789abcdef0123", "http://a/b@c", "key = 1"]
    assert suspect(*texts) == [False] * 4


def test_values_of_secrets_are_looked_for_as_json_writes_them() -> None:
    texts = ['it is hunter"\n2hunter', "it is hunter2", "it is not"]
    assert suspect(*texts, A='hunter"\n2hunter') == [True, False, False]
    assert suspect("a.b*c(d|e", A="a.b*c(d|e") == [True] and suspect("axbbc(d|e", A="a.b*c(d|e") == [False]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"\bkey", "\x1bkey"), (r"a\sb", "a\u2003b"), (r"x.{2}y", 'x"\ty'), (r"(?i)key", "KEY"), (r"[^a]{3}z", '\\"\tz')],
)
def test_escapes_of_json_are_known(pattern: str, text: str) -> None:
    import pyarrow.compute as pc

    assert re.search(pattern, text)
    assert pc.match_substring_regex([to_json(text).decode()], pattern=coarse(re.compile(pattern)))[0].as_py()


@pytest.mark.parametrize("pattern", [r"(a)\1", r"(?-i:a)b"])
def test_a_shape_that_cannot_be_translated_accepts_everything(pattern: str) -> None:
    accepts: Callable[[re.Pattern[str]], str] = coarse
    assert accepts(re.compile(pattern)) == ""
