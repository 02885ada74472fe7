"""What a made tool's parameters are in another task: found by the words that stood around them."""

import re
from collections.abc import Iterator

from agents.toolmaking.made_tool import MadeTool, Parameter

_FORMS = {
    "number": r"-?\d+(?:\.\d+)?",
    "file": r"[\w./-]*\w\.[A-Za-z]\w{0,4}",
    "word": r"[\w./@:+-]*\w",
    "text": r"[^\"'`“”\n]{2,80}",
}


def bind(tool: MadeTool, instruction: str) -> dict[str, str] | None:
    """A value for each parameter; None where one is not found: the tool is not applicable."""
    text = " ".join(instruction.split())
    found: dict[str, str] = {}
    for parameter in tool.parameters:
        value = next((match[1] for match in _matches(parameter, tool, text)), None)
        if value is None:
            return None
        found[parameter.name] = value
    return found


def _matches(parameter: Parameter, tool: MadeTool, text: str) -> Iterator[re.Match[str]]:
    """By as many of the words around it as there are, then by fewer; by one on each side, or two on one, at least.

    A word that is itself a parameter may be any here.
    """
    values = {word for other in tool.parameters for word in other.description.removeprefix("for example ").split()}
    left = [_word(word, values) for word in parameter.left]
    right = [_word(word, values) for word in parameter.right]
    form = f"({_FORMS[parameter.pattern]})"
    tried = sorted(
        ((before, after) for before in range(len(left) + 1) for after in range(len(right) + 1)),
        key=lambda pair: -sum(pair),
    )
    for before, after in tried:
        if before + after < min(2, len(left) + len(right)):
            continue
        parts = [*left[len(left) - before :], form, *right[:after]]
        match = re.search(r"(?<!\w)" + r"\W+".join(parts) + r"(?!\w)", text, re.IGNORECASE)
        if match is not None:
            yield match


def _word(word: str, values: set[str]) -> str:
    return r"\S*\w" if word in values else re.escape(word)
