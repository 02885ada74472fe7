"""List what lies below a folder, without following links.

Request: {folder, most}. Answer: {entries: {path: {kind, mode, target}}} or {error}.
"""

from __future__ import annotations

import json
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing is an import that costs time
    from typing import Any


def main() -> None:
    given = json.loads(sys.stdin.buffer.read())
    request = given["request"]
    try:
        entries = listed(request["folder"], request["most"])
        answer = {"entries": entries} if len(entries) <= request["most"] else {"error": "there are too many files"}
    except OSError as error:
        answer = {"error": f"the folder cannot be listed: {error.strerror}"}
    sys.stdout.write(f"\n{given['word']}{json.dumps(answer)}\n")


def listed(top: str, most: int) -> Any:
    entries: dict[str, Any] = {}
    pending = [""]
    while pending and len(entries) <= most:
        folder = pending.pop()
        with os.scandir(os.path.join(top, folder)) as found:
            for entry in found:
                path = os.path.join(folder, entry.name)
                about = entry.stat(follow_symlinks=False)
                kind = kind_of(about.st_mode)
                entries[path] = {"kind": kind, "mode": f"{stat.S_IMODE(about.st_mode):04o}"}
                if kind == "link":
                    entries[path]["target"] = os.readlink(entry.path)
                if kind == "folder":
                    pending.append(path)
    return entries


def kind_of(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "special file"


main()
