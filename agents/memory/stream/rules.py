"""Edits proposed without a model: what a chunk says of the things that the question, or the memory, names."""

import re
from typing import Any

from agents._records import names_in, records_of

MOST = 12  # edits of one chunk


def propose_by_rules(question: str, memory: str, chunk: str) -> dict[str, Any]:
    """Facts (subject, relation, value) of rows, objects and sentences that name something that is known already."""
    known = {*names_in(question), *names_in(memory)}
    edits: list[dict[str, Any]] = []
    for path, text in _files(chunk):
        for record in records_of(path, text):
            about = next((name for name in known if name == record.about or name in record.text), "")
            for label, value in record.fields if about else ():
                if value != about:
                    relation = label or f"said in {path}: {' '.join(value.split()[:4])}"
                    fact = {"subject": about, "relation": relation, "value": value[:200]}
                    edits.append({"do": "put", "table": "facts", "record": fact})
    return {"edits": edits[:MOST]}


def _files(chunk: str) -> list[tuple[str, str]]:
    parts = re.split(r"^\[([^\]\n]+\.\w+)\]\n", chunk, flags=re.M)
    return list(zip(parts[1::2], parts[2::2], strict=True))
