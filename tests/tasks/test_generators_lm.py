"""Bugs by a model: what of a reply is used, what is refused and why, and what it costs."""

import re
from collections import Counter
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest

from agents.errors import ModelUnavailable
from agents.local_model import local_model, model_file
from environments import Backend
from tasks.candidate import Candidate
from tasks.decisions import Validated
from tasks.errors import ModelNeeded
from tasks.generators import get_generators
from tasks.generators._reply import UnusableReply, edit_from_reply
from tasks.generators._source_file import parse_source_file
from tasks.generators._surroundings import signature_and_docstring, surroundings
from tasks.generators.lm_bugs import LmModify, LmRewrite
from tasks.lm import LmConfig, LmFault
from tasks.repository import Repository
from tasks.validation import validate_candidate
from tests.agents.openai_server import says, sends, serving

CLEAN = '''\
import math


class Circle:
    @property
    def area(self):  # of the disc
        """pi r²."""
        r = self.radius   # kept as it is
        text = """
  not moved
        """
        if r < 0:
            raise ValueError(r)
        return math.pi * r ** 2


def last(): return 1
'''


def spliced(reply: str, clean: str = CLEAN, name: str = "Circle.area") -> str:
    file = parse_source_file("x.py", clean.encode())
    assert file is not None
    (definition,) = (each for each in file.definitions if each.name == name)
    return file.applied(edit_from_reply(file, definition, dedent(reply), "k")).decode()


def test_only_the_statements_that_are_different_are_replaced() -> None:
    reply = "As you like:\n```python\n" + CLEAN[CLEAN.index("    def area") : CLEAN.index("\n\n\ndef last")] + "\n```\n"
    assert spliced(reply.replace("r < 0", "r <= 0")) == CLEAN.replace("r < 0", "r <= 0")
    with pytest.raises(UnusableReply, match="unchanged"):
        spliced(reply)


def test_statements_are_added_and_removed_and_strings_keep_their_white_space() -> None:
    body = """
    ```
    def area(self):
        r = self.radius
        return math.pi * r ** 2
    ```
    """
    without_check = spliced(body)
    assert without_check == CLEAN.replace(
        CLEAN[CLEAN.index('        text = """') : CLEAN.index("        return math.pi")], ""
    )
    more = spliced(body.replace("r ** 2", "r ** 2 + 1"))
    assert more.endswith("        return math.pi * r ** 2 + 1\n\n\ndef last(): return 1\n")
    assert "        r = self.radius   # kept as it is\n" in more
    windows = CLEAN.replace("\n", "\r\n")
    assert spliced(body, windows) == without_check.replace("\n", "\r\n")
    text = '```\ndef area(self):\n    r = """\n  a\n"""\n    return r\n```'
    assert '        r = """\n  a\n"""\n        return r\n' in spliced(text)


BLOCK = "```python\ndef area(self):\n    return 0\n```\n"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "reply has no code"),
        ("def area(self): return 0", "reply has no code"),
        ("```python\ndef area(self):\n    return 0\n", "reply has no code"),
        (BLOCK + "or\n" + BLOCK, "reply has several code blocks"),
        ("```python\ndef area(self:\n    return 0\n```", "reply does not parse"),
        ("```python\nimport os\ndef area(self):\n    return 0\n```", "reply is not one function"),
        ("```python\nclass Circle:\n    def area(self):\n        return 0\n```", "reply is not one function"),
        ("```python\nx = 1\n```", "reply is not one function"),
        (BLOCK.replace("area", "girth"), "another function"),
        (BLOCK.replace("self", "self, unit=1"), "another signature"),
        (BLOCK.replace("def", "async def"), "another signature"),
        (BLOCK.replace("return 0", '"""pi r²."""'), "reply has no body"),
    ],
)
def test_a_reply_that_is_not_the_function_is_refused_with_a_countable_reason(reply: str, reason: str) -> None:
    with pytest.raises(UnusableReply) as caught:
        spliced(reply)
    assert caught.value.reason == reason


def test_what_is_shown_of_a_function_that_is_to_be_written_again() -> None:
    clean = (Path(__file__).parents[2] / "tasks" / "verdict.py").read_bytes()
    assert b"return self.error is None" in clean
    file = parse_source_file("shapes.py", CLEAN.encode())
    assert file is not None
    (area,) = (each for each in file.definitions if each.name == "Circle.area")
    assert signature_and_docstring(file, area) == '@property\ndef area(self):  # of the disc\n    """pi r²."""'
    text = '''
    import os

    LIMIT = 3

    def helper(a, *, b=2): return a

    class Stack(list):
        """Last in, first out.

        More.
        """
        size: int = 0

        def __init__(self, n):
            self.n = n

        def top(self):
            """The last."""
            return self[-1]

        def under(self, k: int) -> int:
            return self[-k]
    '''
    file = parse_source_file("stack.py", dedent(text).encode())
    assert file is not None
    (top,) = (each for each in file.definitions if each.name == "Stack.top")
    assert surroundings(file, top) == dedent(
        '''\
        import os
        LIMIT = 3
        def helper(a, *, b=2): ...

        class Stack(list):
            """Last in, first out."""
            size: int = 0
            def __init__(self, n):
                self.n = n
            def under(self, k: int) -> int: ...'''
    )


def config(url: str, **fields: object) -> LmConfig:
    return LmConfig.model_validate({"base_url": url, "model": "m", "tries": 2, "timeout_sec": 5, **fields})


CLAMP = """\
```python
def clamp(value, low, high):
    if low > high:
        raise ValueError("low is above high")
    if value < low:
        return low
    if value > high:
        return low
    return value
```"""


async def test_a_models_bug_becomes_a_task_and_its_cost_is_kept(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    with serving(says(CLAMP)) as (server, url):
        generator = LmModify(config(url, price_prompt=1.0, price_completion=2.0))
        found = list(generator.candidates(tiny_repository, Random(1)))
    clamps = [each for each in found if each.symbol == "clamp"]
    assert len(clamps) == len(found) == 3  # one a round; to all other questions it is another function
    assert Counter(each.reason for each in generator.skipped)["another function"] == len(server.requests) - 3
    candidate = clamps[0]
    assert candidate.details == {"model": "m", "prompt_tokens": 100, "completion_tokens": 10, "cost_usd": 0.00012}
    assert generator.spent.replies == len(server.requests)
    assert generator.spent.cost_usd == pytest.approx(0.00012 * len(server.requests))
    clean = (tiny_repository.source.code / "tinylib/numbers.py").read_text()
    assert candidate.files["tinylib/numbers.py"].decode() == clean.replace("return high\n", "return low\n")
    assert [clean.splitlines()[line - 1].strip() for line in candidate.places[0].changed_lines] == [
        "if value > high:",
        "return high",
    ]
    result = await validate_candidate(candidate, tiny_repository, bubblewrap)
    assert isinstance(result, Validated)
    assert result.fail_to_pass == ("tests/test_numbers.py::test_clamp[11-10]",)


def test_each_question_shows_what_it_may_and_the_order_is_the_seeds(tiny_repository: Repository) -> None:
    def asked(kind: type[LmModify] | type[LmRewrite], seed: int) -> list[str]:
        with serving(says("no")) as (server, url):
            list(kind(config(url, at_once=1)).candidates(tiny_repository, Random(seed)))
        return [request["messages"][0]["content"] for request in server.requests]

    modify, rewrite = asked(LmModify, 1), asked(LmRewrite, 1)
    assert asked(LmModify, 1) == modify != asked(LmModify, 2)
    assert sum("def roman(number):" in prompt and "number -= value" in prompt for prompt in modify) == 3
    assert not any("number -= value" in prompt for prompt in rewrite)
    assert sum('"""A number from 1 to 39 as a Roman numeral."""' in prompt for prompt in rewrite) == 2
    assert any("NUMERALS = ((10, 'X')" in prompt for prompt in rewrite)
    assert not any("slugify(" in prompt and "main()" in prompt for prompt in modify)  # no test reaches its body


def test_a_cut_reply_and_a_refused_question_are_counted(tiny_repository: Repository) -> None:
    cut = sends(b'{"choices": [{"message": {"content": "```"}, "finish_reason": "length"}]}')
    with serving(sends(b"too long", status=400), cut) as (server, url):
        generator = LmRewrite(config(url, at_once=1))
        assert list(generator.candidates(tiny_repository, Random(1))) == []
    reasons = Counter(each.reason for each in generator.skipped if each.reason != "no test reaches it")
    assert reasons == {"the model's server refuses the question": 1, "reply cut off": len(server.requests) - 1}
    assert len({each.candidate_id for each in generator.skipped}) == len(generator.skipped)


@pytest.mark.parametrize(
    ("status", "expected"), [(400, "5 questions in a row were refused"), (500, "no usable answer"), (401, "status 401")]
)
def test_a_server_that_never_answers_ends_the_generation(
    status: int, expected: str, tiny_repository: Repository
) -> None:
    refuses = sends(b"no", status=status, headers={"Retry-After": "0"})
    with serving(refuses) as (_, url), pytest.raises(LmFault, match=expected):
        list(LmModify(config(url)).candidates(tiny_repository, Random(1)))


def test_a_generation_that_is_started_again_asks_nothing_twice(tiny_repository: Repository, tmp_path: Path) -> None:
    def ids(url: str) -> list[str]:
        generator = LmModify(config(url, answers=tmp_path))
        return [each.id for each in generator.candidates(tiny_repository, Random(1))]

    with serving(says(CLAMP)) as (server, url):
        first = ids(url)
        count = len(server.requests)
        assert ids(url) == first
        assert len(server.requests) == count


def test_the_generators_are_made_with_a_model_or_say_what_to_give() -> None:
    with pytest.raises(ModelNeeded, match="generator lm_modify asks a language model: give --model NAME"):
        get_generators(["lm_modify"])
    lm = config("http://127.0.0.1:9/v1")
    assert [each.name for each in get_generators(["lm_rewrite", "lm_modify"], lm=lm)] == ["lm_rewrite", "lm_modify"]
    assert {"lm_modify", "lm_rewrite"} <= {each.name for each in get_generators(["all"], lm=lm)}
    assert not {"lm_modify", "lm_rewrite"} & {each.name for each in get_generators(["all"])}


async def test_with_the_small_real_model(tiny_repository: Repository) -> None:
    """It is too weak for good bugs; all that it says is either a candidate or has a reason."""
    try:
        model_file()
    except ModelUnavailable as error:
        pytest.skip(str(error))
    async with local_model() as model:
        lm = LmConfig(
            base_url=model.base_url,
            model=model.model,
            max_tokens=40,
            temperature=0.2,
            most_questions=2,
            timeout_sec=250,
        )
        generator = LmModify(lm)
        found: list[Candidate] = list(generator.candidates(tiny_repository, Random(1)))
    reasons = [each.reason for each in generator.skipped if each.reason != "no test reaches it"]
    assert generator.spent.replies == len(found) + len(reasons) == 2
    assert generator.spent.prompt_tokens > 400 and generator.spent.completion_tokens > 5
    assert all(re.fullmatch(r"(reply|another|unchanged)[a-z ]*", reason) for reason in reasons), reasons
    assert all(each.details["completion_tokens"] > 0 for each in found)
