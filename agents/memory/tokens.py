"""How much of a prompt a text takes, and texts within a bound. No tokenizer: the bound is for a budget, not exact."""

CHARACTERS_A_TOKEN = 4
"""Of English and code under the tokenizers in use; the error is below a third."""


def count_tokens(text: str) -> int:
    """About how many tokens a text takes."""
    return -(-len(text) // CHARACTERS_A_TOKEN)


def clipped(text: str, tokens: int) -> str:
    """Head and tail of a text that takes more than `tokens`, with a mark between."""
    limit = tokens * CHARACTERS_A_TOKEN
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    return f"{text[:head]} […] {text[len(text) - (limit - head) :]}"


def fitting(texts: list[str], tokens: int) -> list[str]:
    """The longest beginning of the list that takes at most `tokens` together."""
    kept: list[str] = []
    for text in texts:
        tokens -= count_tokens(text) + 1
        if tokens < 0:
            break
        kept.append(text)
    return kept
