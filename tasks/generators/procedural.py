"""Procedural bugs: small edits of the syntax tree, one generator a kind of edit.

After SWE-smith's procedural modifiers (Yang et al., 2025), with kinds that it lacks. Only the edited span
changes: formatting and comments stay byte for byte.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random

from tasks.candidate import Candidate, Place
from tasks.generators._source_file import Definition, Edit, SourceFile, parse_source_file
from tasks.repository import Repository

Edits = Callable[[SourceFile, Definition], Iterable[Edit]]


class SourceFiles:
    """A repository's files, parsed once for all generators that share this object."""

    def __init__(self) -> None:
        self._of: dict[str, list[SourceFile]] = {}

    def of(self, repository: Repository) -> list[SourceFile]:
        source = repository.source
        if source.hash not in self._of:
            files = (parse_source_file(path, (source.code / path).read_bytes()) for path in source.python_files())
            self._of[source.hash] = [file for file in files if file is not None and file.definitions]
        return self._of[source.hash]


@dataclass(frozen=True)
class Procedural:
    """One kind of edit as a generator."""

    name: str
    edits: Edits
    files: SourceFiles

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate]:
        """One edit of each definition in turn, definitions in random order, until all edits are given."""
        pending: list[tuple[SourceFile, Definition, list[Edit]]] = []
        for file in self.files.of(repository):
            for definition in file.definitions:
                edits = sorted(set(self.edits(file, definition)), key=lambda edit: (edit.start, edit.end, edit.text))
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


def is_same_program(before: bytes, after: bytes) -> bool:
    """Both have the same syntax tree: the edit changed nothing that runs. Raises SyntaxError."""
    return ast.dump(ast.parse(before)) == ast.dump(ast.parse(after))
