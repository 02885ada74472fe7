"""Decisions about candidates, kept the moment they are taken: killed and started again, nothing is decided twice."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from tasks._scratch import write_at_once
from tasks.decided import Decision as Decision
from tasks.decided import kept as kept
from tasks.errors import BadTaskFolder


class Journal:
    """Decisions, a line each, appended the moment they are taken; a line that a kill cut short is none."""

    def __init__(self, folder: Path, request: dict[str, Any]) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        known = folder / "request.json"
        if not known.is_file():
            write_at_once(known, json.dumps(request).encode())
        elif json.loads(known.read_text()) != request:
            raise BadTaskFolder(
                f"{folder.parent}: a suite from another request is half written there; "
                "give the same source, -n, --seed and generators, or another --out"
            )
        self._file = folder / "decisions.jsonl"
        self._places = dict(self._read())

    def _read(self) -> Iterator[tuple[str, int]]:
        """Candidate id -> where its line begins. The end of a line that was cut short is cut off."""
        if not self._file.is_file():
            return
        at = 0
        with self._file.open("rb+") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    file.truncate(at)
                    break
                yield line.partition(b" ")[0].decode(), at
                at += len(line)

    def __enter__(self) -> "Journal":
        self._opened = self._file.open("ab+")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def find(self, candidate_id: str) -> Decision | None:
        if candidate_id not in self._places:
            return None
        self._opened.seek(self._places[candidate_id])
        return Decision.model_validate_json(self._opened.readline().partition(b" ")[2])

    def keep(self, candidate_id: str, decision: Decision) -> None:
        self._places[candidate_id] = self._opened.seek(0, os.SEEK_END)
        self._opened.write(f"{candidate_id} {decision.model_dump_json()}\n".encode())
        self._opened.flush()

    def remove(self) -> None:
        shutil.rmtree(self._folder)
