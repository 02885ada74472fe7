"""What the files of a task say together: units of text in which two values meet."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from tasks.extension.piece import holds

_ROWS = (".csv", ".tsv", ".jsonl")
_LONG = 6000  # characters; a longer page is looked at by paragraphs


@lru_cache(maxsize=4096)
def units(path: str, content: bytes) -> tuple[str, ...]:
    """A table's rows, the objects of a JSON list, a short page as a whole, a long one by paragraphs."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return ()
    if path.endswith(_ROWS):
        return tuple(text.splitlines())
    if path.endswith(".json"):
        return tuple(text.replace("\n },", "\n },\0").split("\0"))
    return tuple(text.split("\n\n")) if len(text) > _LONG else (text,)


def where_they_meet(files: Mapping[str, bytes], *values: str) -> Iterator[str]:
    """Paths of files with a unit that holds all of the values."""
    first, *others = values
    for path, content in files.items():
        if not holds(content.decode(errors="replace"), first):
            continue
        if any(all(holds(unit, value) for value in (first, *others)) for unit in units(path, content)):
            yield path


def says(files: Mapping[str, bytes], value: str) -> bool:
    """True where any file holds the value."""
    return any(holds(content.decode(errors="replace"), value) for content in files.values())
