"""Bugs that are tasks by themselves, two or three at once: in one file, one package, or files that import one another.

After SWE-smith's combined bugs (Yang et al., 2025), with the third kind. Each of them has failing tests of its own, so
mending one of them is not enough.
"""

import ast
from collections import deque
from collections.abc import Iterator
from pathlib import PurePosixPath
from random import Random

from tasks._spans import put_together
from tasks.candidate import Candidate
from tasks.repository import Repository

MOST_TOGETHER = 3
MOST_USES = 4  # of one bug: combinations of the same few teach little
_REMEMBERED = 400


class Combine:
    """Proposes what the bugs that became tasks so far allow; None while that is nothing."""

    name = "combine"

    def __init__(self) -> None:
        self._bugs: deque[Candidate] = deque(maxlen=_REMEMBERED)
        self._uses: dict[str, int] = {}
        self._fresh: deque[Candidate] = deque()

    def accepted(self, candidate: Candidate) -> None:
        """A bug that has become a task; not one that is a combination itself."""
        if candidate.is_bug and candidate.generator != self.name and len(candidate.files) == 1 and not candidate.absent:
            self._bugs.append(candidate)
            self._fresh.append(candidate)

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate | None]:
        imports = _imports(repository)
        while True:
            if not self._fresh:
                yield None
                continue
            bug = self._fresh.popleft()
            others = [each for each in self._bugs if each.id != bug.id and self._uses.get(each.id, 0) < MOST_USES]
            rng.shuffle(others)
            ways = ["one file", "one package", "files that import one another"]
            rng.shuffle(ways)
            for way in ways:
                if (made := self._combined(bug, others, way, rng, repository, imports)) is not None:
                    yield made
                    break

    def _combined(
        self,
        bug: Candidate,
        others: list[Candidate],
        way: str,
        rng: Random,
        repository: Repository,
        imports: dict[str, set[str]],
    ) -> Candidate | None:
        size = rng.randint(2, MOST_TOGETHER)
        chosen = [bug]
        for other in others:
            if len(chosen) == size:
                break
            if all(_fits(each, other, way, imports) for each in chosen):
                chosen.append(other)
        if len(chosen) < 2:
            return None
        files: dict[str, bytes] = {}
        for path in sorted({each.path for each in chosen}):
            clean = (repository.source.code / path).read_bytes()
            text = put_together(clean, [each.files[path] for each in chosen if each.path == path])
            if text is None:
                return None
            files[path] = text
        for each in chosen:
            self._uses[each.id] = self._uses.get(each.id, 0) + 1
        return Candidate(
            generator=self.name,
            kind=f"{len(chosen)} bugs in {way}",
            places=tuple(place for each in chosen for place in each.places),
            files=files,
            details={"of": [{"id": each.id, "generator": each.generator, "kind": each.kind} for each in chosen]},
        )


def _fits(one: Candidate, other: Candidate, way: str, imports: dict[str, set[str]]) -> bool:
    """They touch different definitions, and their files are to each other as asked."""
    if any(a.path == b.path and a.symbol == b.symbol for a in one.places for b in other.places):
        return False
    if way == "one file":
        return one.path == other.path
    if one.path == other.path:
        return False
    if way == "one package":
        return PurePosixPath(one.path).parent == PurePosixPath(other.path).parent
    return other.path in imports.get(one.path, ()) or one.path in imports.get(other.path, ())


def _imports(repository: Repository) -> dict[str, set[str]]:
    """Path -> paths of the source's own files that it imports, as far as the names tell."""
    paths = repository.source.python_files()
    by_module = {_module(path, root): path for root in repository.recipe.import_paths for path in paths}
    found: dict[str, set[str]] = {}
    for path in paths:
        try:
            tree = ast.parse((repository.source.code / path).read_bytes())
        except (SyntaxError, ValueError):
            continue
        here = PurePosixPath(path).parent.parts
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = ".".join(here[: len(here) - node.level + 1]) if node.level else ""
                module = ".".join(part for part in (base, node.module or "") if part)
                names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        found[path] = {by_module[name] for name in names if name in by_module} - {path}
    return found


def _module(path: str, root: str) -> str:
    inner = path.removeprefix(f"{root}/") if root else path
    return inner.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
