"""stream_memory: the files of the task are read before the agent acts, and it is told what was kept of them.

PRISM (Jayalath et al., 2024): a long input as a stream of chunks, a memory with a typed schema, amended by proposed
edits, and prompts laid out so that a server's prefix cache serves all of them: what never changes first, then the
memory in the order of its changes, then the chunk.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from agents.memory.asking import ask_json
from agents.memory.errors import PieceFault
from agents.memory.piece import Piece
from agents.memory.stream.reading import Chunk, Reading, chunks_of, read
from agents.memory.stream.rules import propose_by_rules
from agents.memory.stream.schema import FACTS, Schema, load_schema
from agents.memory.tokens import count_tokens
from agents.session import RolloutSession

LARGEST = 200_000  # bytes of one file
_LIST = ["find", ".", "-type", "f", "-not", "-path", "*/.*", "-size", f"-{LARGEST // 1024}k"]


class StreamMemory(Piece):
    """`by`: who proposes edits: the model, or rules that go by names; `auto`: the model where the rollout has one."""

    name: ClassVar[str] = "stream_memory"
    version: ClassVar[str] = "1"

    by: Literal["auto", "model", "rules"] = "auto"
    tables: Path | None = Field(None, description="YAML file of the schema; facts (subject, relation, value) without")
    above: int = Field(1000, ge=0, description="tokens of the files together, below which nothing is read ahead")
    chunk: int = Field(600, gt=0, description="tokens of one chunk")
    chunks: int = Field(40, gt=0, description="chunks that are read, at most")
    tokens: int = Field(800, gt=0, description="of the memory, at most")
    edits: int = Field(8, gt=0, description="edits of one chunk, at most")

    async def prepare(self, session: RolloutSession) -> str:
        inputs = await _inputs(session)
        if sum(count_tokens(text) for _, text in inputs) <= self.above:
            return ""
        by = self.by if self.by != "auto" else "model" if session.model else "rules"
        schema = load_schema(self.tables) if self.tables else FACTS
        if by == "rules" and schema is not FACTS:
            raise PieceFault("stream_memory: by=rules knows the table facts alone; leave `tables` out, or give a model")
        all_chunks = list(chunks_of(inputs, self.chunk))
        reading = await self._read(session, by, schema, all_chunks[: self.chunks])
        session.recorder.extra[self.name] = {
            "by": by,
            "chunks": reading.chunks,
            "left_out": max(0, len(all_chunks) - self.chunks),
            "edits": reading.edits,
            "wrong": len(reading.wrong),
            "forgotten": reading.forgotten,
            "records": len(reading.store),
            "prefix_share": reading.prefix_share,
        }
        if not len(reading.store):
            return ""
        lines = "\n".join(reading.store.lines())
        return f"Notes from reading the files ahead ({reading.chunks} chunks); look up what they leave open:\n{lines}"

    async def _read(self, session: RolloutSession, by: str, schema: Schema, chunks: list[Chunk]) -> Reading:
        question = session.place.task.instruction
        system = (files("agents.memory") / "prompts" / "stream.md").read_text()
        system = system.format(schema=schema.described(), question=question)
        edits = schema.of_edits(self.edits)

        async def by_model(memory: str, chunk: str) -> Any:
            prompt = [("system", system), ("user", f"{memory}\n\nChunk:\n{chunk}")]
            return await ask_json(session, self.name, prompt, edits)

        async def by_rules(memory: str, chunk: str) -> Any:
            return propose_by_rules(question, memory, chunk)

        return await read(question, chunks, schema, by_model if by == "model" else by_rules, tokens=self.tokens)


async def _inputs(session: RolloutSession) -> list[tuple[str, str]]:
    """Text files of the working directory by name; those that the instruction names come first."""
    sandbox = session.place.sandbox
    listed = (await sandbox.run(_LIST, timeout_sec=60)).stdout.splitlines()
    paths = sorted(
        (path.removeprefix("./") for path in listed), key=lambda path: (path not in session.instruction, path)
    )
    found: list[tuple[str, str]] = []
    for path in paths[:500]:
        try:
            text = (await sandbox.read_file(path, max_bytes=LARGEST)).decode()
        except (OSError, UnicodeDecodeError):
            continue  # gone meanwhile, a link that leads out, or no text
        if "\0" not in text:
            found.append((path, text))
    return found
