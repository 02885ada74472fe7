"""Edits of what runs when the code is imported: does the import make the same as without them?

The line map does not tell whom such an edit matters to. But where all that the import leaves is as it was, and only
functions have other code, they are those who run these functions. `_inside/imported.py` looks at what is left.
"""

import ast
import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import PurePosixPath

from tasks._batches import State, given_state
from tasks._inside.imported import CODE
from tasks._mentions import protected_files
from tasks._methods import is_asked_for
from tasks._statements import clean_text, own_lines, statements_of, tree_of
from tasks._test_server import TestServer
from tasks.candidate import Candidate
from tasks.repository import Repository
from tasks.testrun import TestReport, TestRun

IMPORT_TIMEOUT_SEC = 60.0
_READS_DOCS = re.compile(rb"__doc__|getdoc|pydoc|\bhelp\(")
_LOOKS = 2  # at the clean import: what is never twice the same says nothing


@dataclass(frozen=True)
class Change:
    """What an import has made otherwise, and nothing else.

    `lines`: of functions that have other code, or are gone from their classes, by path. `readers`: tests that may read
    a docstring that is another.
    """

    lines: Mapping[str, set[int]]
    readers: frozenset[str] = frozenset()


class Imports:
    """Of one repository; the clean code is imported once it is asked for."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._modules = tuple(sorted(_modules(repository)))
        self._looking = asyncio.Lock()
        self._clean: TestReport | None = None

    async def changed_by(self, candidate: Candidate, server: TestServer) -> Change | None:
        """What the import of the changed source makes otherwise than that of the clean one.

        None where the import makes something else, or that cannot be seen. Raises VerifierFault.
        """
        async with self._looking:
            clean = self._clean = self._clean or await self._steady(server)
        with_edit = await self._look(given_state(candidate), server)
        if not clean.imported or not with_edit.imported:
            return None
        names = {*clean.imported, *with_edit.imported}
        unlike = {name for name in names if clean.imported.get(name) != with_edit.imported.get(name)}
        unlike -= {name for name, digest in clean.imported.items() if not digest}
        docs = {name for name in unlike if name.endswith(".__doc__")}
        readers = self._readers_of_docs if docs else frozenset()
        unlike -= docs
        lost = self._lost_methods({name for name in unlike if name not in with_edit.imported})
        if (
            readers is None
            or lost is None
            or not all(name.endswith(CODE) and name in clean.imported for name in unlike - lost)
        ):
            return None
        unlike = {name for name in unlike if name.endswith(CODE)}
        found: dict[str, set[int]] = {}
        for name in unlike:
            path = name.partition(":")[0]
            content = clean_text(self._repository.source.code / path) or b""
            found.setdefault(path, set()).update(_lines_of_function(content, clean.first_lines[name]))
        return Change(found, readers)

    @cached_property
    def _readers_of_docs(self) -> frozenset[str] | None:
        """Tests that are docstrings, and those of files that speak of some; None where all tests may read them."""
        source, tests = self._repository.source, self._repository.stable_tests
        found = {path for path, file in protected_files(source) if _READS_DOCS.search(clean_text(file) or b"")}
        if any(path.endswith("conftest.py") for path in found):
            return None
        of_code = {test.partition("::")[0] for test in tests} & {*source.python_files()}
        return frozenset(test for test in tests if test.partition("::")[0] in found | of_code)

    def _lost_methods(self, gone: set[str]) -> set[str] | None:
        """All of these parts; None where some are of something else than methods, which whoever asks for them calls."""
        methods = {name.removesuffix(CODE) for name in gone if name.endswith(CODE)}
        parts = {part for name in methods for part in (name, name + CODE)}
        for name in methods:
            owner, _, method = name.partition(":")[2].rpartition(" ")[0].rpartition(".")
            if not owner or is_asked_for(method, self._repository):
                return None
            parts |= {part for part in gone if re.search(rf"\.{re.escape(owner)} \d+\.{re.escape(method)}$", part)}
        return parts if parts == gone else None

    async def _steady(self, server: TestServer) -> TestReport:
        """The clean import; what differs between two of them has no digest."""
        one, other = [await self._look(State({}), server) for _ in range(_LOOKS)]
        steady = {name: digest if other.imported.get(name) == digest else "" for name, digest in one.imported.items()}
        new = dict.fromkeys(other.imported.keys() - one.imported.keys(), "")
        return one.model_copy(update={"imported": {**steady, **new}})

    async def _look(self, state: State, server: TestServer) -> TestReport:
        run = TestRun(files=state.files, removed=state.removed, tests=(), imports=self._modules)
        return await server.run(run, timeout_sec=IMPORT_TIMEOUT_SEC)


def _modules(repository: Repository) -> set[str]:
    """Names of the source's modules that clean runs import."""
    found = set()
    for path in map(PurePosixPath, repository.import_lines):
        parts = [path.stem] if path.stem != "__init__" else []
        for folder in path.parents:
            if not (repository.source.code / folder / "__init__.py").is_file():
                break
            parts.insert(0, folder.name)
        if parts and parts[-1] != "__main__":
            found.add(".".join(parts))
    return found


@lru_cache(maxsize=256)
def _lines_of_function(content: bytes, first_line: int) -> frozenset[int]:
    """Of the body of a `def` that begins on a line (with its decorators); of a lambda, of its statement."""
    for node in statements_of(tree_of(content)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if first == first_line:
                return frozenset(range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1))
    return frozenset(own_lines(content, first_line))
