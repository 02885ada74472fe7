"""Which tests run which line, a file of the source at a time: all of a large repository together fill the memory."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import zstandard

from tasks._scratch import scratch_in
from tasks._tree import publish

Lines = dict[int, tuple[int, ...]]


class LineMap(Mapping[str, Lines]):
    """Path -> line -> indexes of the tests that run it. Read from a folder when a path is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, path: str) -> Lines:
        return _read(self._folder / _name(path), path)

    def __iter__(self) -> Iterator[str]:
        return iter(json.loads((self._folder / "paths.json").read_text()))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def write_line_map(folder: Path, reached_by: Mapping[str, Lines]) -> None:
    """In one step. Lines that the same tests run share one list of them."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with scratch_in(folder.parent) as scratch:
        new = scratch / folder.name
        new.mkdir()
        for path, lines in reached_by.items():
            known: dict[tuple[int, ...], int] = {}
            by_line = {line: known.setdefault(tests, len(known)) for line, tests in lines.items()}
            content = json.dumps({"tests": list(known), "lines": by_line}).encode()
            (new / _name(path)).write_bytes(zstandard.compress(content))
        (new / "paths.json").write_text(json.dumps(sorted(reached_by)))
        publish(new, folder)


def _name(path: str) -> str:
    return f"{sha256(path.encode()).hexdigest()[:32]}.zst"


@lru_cache(maxsize=32)
def _read(file: Path, path: str) -> Lines:
    if not file.is_file():
        raise KeyError(path)
    content = json.loads(zstandard.decompress(file.read_bytes()))
    tests = [tuple(each) for each in content["tests"]]
    return {int(line): tests[number] for line, number in content["lines"].items()}
