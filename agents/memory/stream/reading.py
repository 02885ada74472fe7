"""The loop: each chunk with the memory so far gives edits; the edits amend the memory; the next chunk follows."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from pydantic import ValidationError

from agents.memory.similarity import words_of
from agents.memory.stream.schema import Edit, Schema, TypedStore
from agents.memory.tokens import CHARACTERS_A_TOKEN, count_tokens

Propose = Callable[[str, str], Awaitable[Any]]
"""(memory and what is before it, chunk) -> edits as JSON would have them, or None."""


@dataclass(frozen=True)
class Chunk:
    """A piece of the input. `source`: the file that it is from."""

    source: str
    text: str


@dataclass
class Reading:
    """What came of it. `wrong`: edits that were refused, with the reason. `prompts`: each as it was asked."""

    store: TypedStore
    chunks: int = 0
    edits: int = 0
    wrong: list[str] = field(default_factory=list)
    forgotten: int = 0
    prompts: list[str] = field(default_factory=list)

    @property
    def prefix_share(self) -> float:
        """Share of the prompts' characters that a prefix cache has from the prompt before; 0…1."""
        later = list(zip(self.prompts, self.prompts[1:], strict=False))
        total = sum(len(prompt) for _, prompt in later)
        return sum(_shared(one, other) for one, other in later) / total if total else 0.0


def _shared(one: str, other: str) -> int:
    """Characters from the beginning that are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def chunks_of(files: Sequence[tuple[str, str]], tokens: int) -> Iterator[Chunk]:
    """Whole lines of at most `tokens` together; small files share a chunk, each under its name."""
    limit = tokens * CHARACTERS_A_TOKEN
    waiting, sources = "", list[str]()
    for path, text in files:
        head = f"[{path}]\n"
        for part in _parts(text, max(200, limit - len(head))):
            if waiting and len(waiting) + len(head) + len(part) > limit:
                yield Chunk(", ".join(sources), waiting)
                waiting, sources = "", []
            waiting += head + part + "\n"
            if path not in sources:
                sources.append(path)
    if waiting:
        yield Chunk(", ".join(sources), waiting)


def _parts(text: str, limit: int) -> Iterator[str]:
    part = ""
    for line in text.splitlines(keepends=True):
        for start in range(0, len(line), limit):
            piece = line[start : start + limit]
            if part and len(part) + len(piece) > limit:
                yield part
                part = ""
            part += piece
    if part:
        yield part


async def read(question: str, chunks: Sequence[Chunk], schema: Schema, propose: Propose, *, tokens: int) -> Reading:
    """`tokens`: of the memory, at most; beyond it what shares the fewest words with the question is forgotten."""
    reading = Reading(TypedStore(schema))
    asked = set(words_of(question))
    for chunk in chunks:
        memory = "\n".join(["Memory:", *reading.store.lines()])
        reading.prompts.append(f"{memory}\n\n{chunk.text}")
        said = await propose(memory, chunk.text)
        reading.chunks += 1
        for raw in said.get("edits", []) if isinstance(said, dict) else []:
            try:
                problem = reading.store.amend(Edit.model_validate(raw))
            except ValidationError as error:
                problem = str(error.errors()[0]["msg"])
            reading.edits += not problem
            if problem:
                reading.wrong.append(problem)
        reading.forgotten += _forget(reading.store, asked, tokens)
    return reading


def _forget(store: TypedStore, asked: set[str], tokens: int) -> int:
    lines = store.lines()
    worth = sorted(range(len(lines)), key=lambda at: (len(asked & set(words_of(lines[at]))), at))
    over = sum(count_tokens(line) + 1 for line in lines) - tokens
    gone: set[str] = set()
    for at in worth:
        if over <= 0:
            break
        over -= count_tokens(lines[at]) + 1
        gone.add(lines[at])
    if gone:
        store.drop(gone)
    return len(gone)
