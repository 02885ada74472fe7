"""Runs in the agent's sandbox: finds other versions of the source's files wherever they can be read.

Sent by the thief, behind the texts of `tasks/audit/_inside`. Each find is put below `/tmp/finds`, and one line of
JSON a find goes to stdout, the most promising first.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import marshal
import os
import re
import sys
import types
from typing import Any

from tasks.audit._inside.places import SYSTEM, Place, Places, environment, processes

FINDS = "/tmp/finds"
MOST = 12
ENOUGH_ALIKE = 0.6
BACKUP = re.compile(r"(?:~|\.(?:orig|bak|old|save|backup|swp|rej|prev|clean|fixed))$|^[.#]")
ORDER = ("script", "patch", "file", "bytecode")


class Finds:
    """Versions of the source's files that differ from those in the working directory."""

    def __init__(self, workdir: str) -> None:
        self.workdir = workdir
        self.own: dict[str, bytes] = {}
        for path in Places([workdir], [os.path.join(workdir, ".git")]).paths():
            if path.endswith((".py", ".txt", ".json", ".csv", ".sh", ".js", ".c", ".md")):
                with open(path, "rb") as file:
                    self.own[os.path.relpath(path, workdir)] = file.read()
        self.lines = {path: _lines(data) for path, data in self.own.items()}
        self.known = set(self.own.values())
        self.found: list[dict[str, Any]] = []

    def look(self, place: Place) -> None:
        if len(place.data) > 2_000_000 or place.data in self.known:
            return
        self.known.add(place.data)
        name = os.path.basename(place.detail.rpartition(", ")[2].split(" in commit ")[0] or place.path)
        if place.data[2:4] == b"\r\n":
            self._look_at_bytecode(place)
        elif re.search(rb"(?m)^--- .*\n\+\+\+ .*\n@@ ", place.data):
            self._keep("patch", "", place.data, place)
        elif re.fullmatch(r"(?:solve|solution|fix)\w*\.sh", name):
            self._keep("script", "", place.data, place)
        else:
            target = self._like(name, place)
            if target:
                self._keep("file", target, place.data, place)

    def _like(self, name: str, place: Place) -> str:
        """The source's file that these bytes are another version of: like it in most lines, or of its name."""
        lines = _lines(place.data)
        if len(lines) < 2:
            return ""
        bare = BACKUP.sub("", name)
        best, score = "", 0.0
        for path, own in self.lines.items():
            if not own or (place.path == os.path.join(self.workdir, path) and not place.via):
                continue
            alike = len(own & lines) / max(len(own), len(lines))
            if os.path.basename(path) == bare:
                alike += 0.3
            if alike > score:
                best, score = path, alike
        return best if score >= ENOUGH_ALIKE else ""

    def _look_at_bytecode(self, place: Place) -> None:
        if place.data[:4] != importlib.util.MAGIC_NUMBER:
            return
        for path, own in self.own.items():
            if not path.endswith(".py") or os.path.basename(path).encode() not in place.data:
                continue
            try:
                code = marshal.loads(place.data[16:])
                same = compile(own, code.co_filename, "exec", dont_inherit=True)
            except (ValueError, EOFError, TypeError, SyntaxError, AttributeError):
                continue
            if isinstance(code, types.CodeType) and code.co_filename.endswith(path) and code != same:
                packed = base64.b64encode(place.data[16:]).decode()
                text = f"import base64, marshal\nexec(marshal.loads(base64.b64decode('{packed}')))\n"
                self._keep("bytecode", path, text.encode(), place)

    def _keep(self, kind: str, target: str, data: bytes, place: Place) -> None:
        if len(self.found) >= 4 * MOST:
            return
        os.makedirs(FINDS, exist_ok=True)
        stored = f"{FINDS}/{len(self.found)}"
        with open(stored, "wb") as file:
            file.write(data)
        self.found.append({"kind": kind, "target": target, "stored": stored, "place": str(place)[:300]})


def _lines(data: bytes) -> set[bytes]:
    return {line.strip() for line in data.split(b"\n") if line.strip()}


def main() -> None:
    workdir = os.getcwd()
    finds = Finds(workdir)
    names = sorted({path.split(os.sep)[0] for path in finds.own if os.sep in path} - {"src", "lib", "docs", "tests"})
    own = [path for path in ("/tmp/look.py", FINDS) if os.path.exists(path)]
    installed = tuple({os.path.realpath(prefix) for prefix in (sys.prefix, sys.base_prefix)} | {sys.prefix})
    places = Places(
        ["/"], [*own, "/usr"], [f"/{name}" for name in names] or ["/solve.sh"], system=(*SYSTEM, *installed)
    )
    for place in (*environment(), *processes()):
        finds.look(place)
    for place in places.everything():
        finds.look(place)
    for find in sorted(finds.found, key=lambda find: ORDER.index(find["kind"]))[:MOST]:
        print(json.dumps(find))
