"""A query as tokens: enough to see where it ends, whether it orders, and which values it names."""

import re
from dataclasses import dataclass
from itertools import pairwise, product

_TOKEN = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<string>[xX]?'(?:[^']|'')*'|\$\$.*?\$\$)
    |(?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[^\W\d]\w*)
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<space>\s+)
    |(?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str


def tokens_of(query: str) -> list[Token]:
    """All of the query, in order; joined they are the query again."""
    return [Token(match.lastgroup or "other", match.group()) for match in _TOKEN.finditer(query)]


def one_statement(query: str) -> str:
    """The query without fences of Markdown and its last semicolon.

    Raises ValueError where it is empty, more than one statement, or no reading one.
    """
    text = query.strip()
    if fenced := re.fullmatch(r"```\w*\n(.*?)\n?```", text, re.DOTALL):
        text = fenced[1].strip()
    tokens = [token for token in tokens_of(text) if token.kind not in ("space", "comment")]
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    if not tokens:
        raise ValueError("there is no query")
    if any(token.text == ";" for token in tokens):
        raise ValueError("one statement is wanted, there are more")
    first = next((token.text for token in tokens if token.text != "("), "")
    if first.upper() not in ("SELECT", "WITH", "VALUES"):
        raise ValueError(f"a SELECT is wanted, this starts with {first[:30]}")
    kept = tokens_of(text)
    last = max(
        index for index, token in enumerate(kept) if token.kind not in ("space", "comment") and token.text != ";"
    )
    return "".join(token.text for token in kept[: last + 1])


def is_ordered(query: str) -> bool:
    """Whether its outermost level has ORDER BY; one in a subquery or a window does not order the result."""
    words: list[str] = []
    depth = 0
    for token in tokens_of(query):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.kind not in ("space", "comment"):
            words.append(token.text.upper())
    return any(pair == ("ORDER", "BY") for pair in pairwise(words))


def with_values_of(query: str, gold: str, most: int) -> list[str]:
    """The query with its values replaced by the gold query's, in up to `most` ways; first those in the same order."""
    tokens, theirs = tokens_of(query), [token.text for token in tokens_of(gold) if token.kind in ("string", "number")]
    places = [index for index, token in enumerate(tokens) if token.kind in ("string", "number")]
    if not places or not theirs:
        return []
    ways: dict[tuple[str, ...], None] = {}
    if len(places) == len(theirs):
        ways[tuple(theirs)] = None
    for way in product(dict.fromkeys(theirs), repeat=len(places)):
        if len(ways) >= most:
            break
        ways[way] = None
    found = []
    for way in ways:
        texts = [token.text for token in tokens]
        for place, text in zip(places, way, strict=True):
            texts[place] = text
        found.append("".join(texts))
    return found
