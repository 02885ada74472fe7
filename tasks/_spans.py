"""The one span in which two texts differ, and several such changes of one text put together."""

from collections.abc import Iterable
from os.path import commonprefix


def changed_span(old: bytes, new: bytes) -> tuple[int, int, bytes]:
    """The first and the last byte that differ, and what stands there now; of equal texts, nothing at the end."""
    shortest = min(len(old), len(new))
    head = len(commonprefix([old, new]))  # noqa: RUF071  these are no paths
    tail = min(len(commonprefix([old[::-1], new[::-1]])), shortest - head)  # noqa: RUF071
    return head, len(old) - tail, new[head : len(new) - tail]


def put_together(old: bytes, news: Iterable[bytes]) -> bytes | None:
    """What all of them change in `old`, each at a place of its own; None where places overlap or touch."""
    spans = sorted({changed_span(old, new) for new in news}, reverse=True)
    text, before = old, len(old) + 1
    for start, end, content in spans:
        if end >= before:
            return None
        text = text[:start] + content + text[end:]
        before = start
    return text
