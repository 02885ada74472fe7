"""A file of JSON objects, one a line, that grows: a line that a killed run has torn is left out, and hides no other."""

import json
import threading
from pathlib import Path
from typing import Any


class Lines:
    """`rows`: what the file held. Any thread may add."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.rows: list[dict[str, Any]] = []
        text = file.read_text() if file.is_file() else ""
        for line in text.splitlines():
            try:
                self.rows.append(json.loads(line))
            except ValueError:
                continue
        if text and not text.endswith("\n"):
            self._append("\n")

    def add(self, row: dict[str, Any]) -> None:
        self._append(json.dumps(row) + "\n")

    def _append(self, text: str) -> None:
        with self._lock, self._file.open("a") as file:
            file.write(text)
