"""Procedural bugs: small edits of the syntax tree, one generator a kind of edit.

After SWE-smith's procedural modifiers (Yang et al., 2025), with kinds that it lacks. Only the edited span
changes: formatting and comments stay byte for byte.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from tasks.candidate import Candidate, Place
from tasks.generators._source_file import Definition, Edit, SourceFile, parse_source_file
from tasks.repository import Repository

SHELF_BYTES = 1_000_000

Edits = Callable[[SourceFile, Definition], Iterable[Edit]]


class SourceFiles:
    """A repository's files for all generators that share this object, parsed a shelf at a time.

    Syntax trees take a hundred times the memory of their text. Of a large repository only some files are parsed, in an
    order that the source's hash fixes; the next ones when every generator has given all edits of these.
    """

    def __init__(self, shelf_bytes: int = SHELF_BYTES) -> None:
        self._shelf_bytes = shelf_bytes
        self._shelves: list[list[str]] | None = None
        self._number = 0
        self._parsed: list[SourceFile] = []
        self._readers: list[int] = []

    def of(self, repository: Repository) -> Iterator[SourceFile]:
        """Every file, parsed when it is asked for."""
        return self._parse(repository, repository.source.python_files())

    def join(self) -> int:
        """Another reader; all who have joined must read, or nobody gets the next shelf."""
        self._readers.append(0)
        return len(self._readers) - 1

    def read(self, repository: Repository, reader: int) -> Iterator[list[SourceFile] | None]:
        """Shelf after shelf; None while others are not done with the one before."""
        if self._shelves is None:
            self._shelves = self._sorted(repository)
            self._put(repository, 0)
        for number in range(len(self._shelves)):
            self._readers[reader] = number
            while self._number < number:
                if min(self._readers) > self._number:
                    self._put(repository, self._number + 1)
                else:
                    yield None
            if self._number > number:  # read once more from the beginning
                self._put(repository, number)
            yield self._parsed
        self._readers[reader] = len(self._shelves)

    def _sorted(self, repository: Repository) -> list[list[str]]:
        code, paths = repository.source.code, repository.source.python_files()
        sizes = {path: (code / path).stat().st_size for path in paths}
        if sum(sizes.values()) <= self._shelf_bytes:
            return [paths]
        Random(repository.source.hash).shuffle(paths)
        shelves: list[list[str]] = [[]]
        room = self._shelf_bytes
        for path in paths:
            if sizes[path] > room and shelves[-1]:
                shelves.append([])
                room = self._shelf_bytes
            shelves[-1].append(path)
            room -= sizes[path]
        return [sorted(shelf) for shelf in shelves]

    def _put(self, repository: Repository, number: int) -> None:
        assert self._shelves is not None
        self._number = number
        self._parsed = list(self._parse(repository, self._shelves[number]))

    def _parse(self, repository: Repository, paths: list[str]) -> Iterator[SourceFile]:
        for path in paths:
            file = parse_source_file(path, (repository.source.code / path).read_bytes())
            if file is not None and file.definitions:
                yield file


@dataclass(frozen=True)
class Procedural:
    """One kind of edit as a generator."""

    name: str
    edits: Edits
    files: SourceFiles
    _reader: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_reader", self.files.join())

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate | None]:
        """One edit of each definition in turn, definitions in random order, until all edits are given."""
        for files in self.files.read(repository, self._reader):
            if files is None:
                yield None
                continue
            pending: list[tuple[SourceFile, Definition, list[Edit]]] = []
            for file in files:
                for definition in file.definitions:
                    edits = sorted(
                        set(self.edits(file, definition)), key=lambda edit: (edit.start, edit.end, edit.text)
                    )
                    if edits:
                        rng.shuffle(edits)
                        pending.append((file, definition, edits))
            rng.shuffle(pending)
            while pending:
                for file, definition, edits in pending:
                    yield self._candidate(file, definition, edits.pop())
                pending = [item for item in pending if item[2]]

    def _candidate(self, file: SourceFile, definition: Definition, edit: Edit) -> Candidate:
        first, last = file.line_of(edit.start), file.line_of(max(edit.start, edit.end - 1))
        return Candidate(
            generator=self.name,
            kind=edit.kind,
            places=(
                Place(
                    path=file.path,
                    symbol=definition.name,
                    first_line=file.line_of(definition.start),
                    last_line=file.line_of(definition.end - 1),
                    changed_lines=tuple(range(first, last + 1)),
                ),
            ),
            files={file.path: file.applied(edit)},
        )
