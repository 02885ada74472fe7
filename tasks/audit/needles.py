"""What must not be readable: the reference, the tests that judge, the solution, in pieces that a search can find.

A line alone says little (`return None` stands everywhere), so a piece is a changed line with its neighbours, a
whole definition, or a line that the source has nowhere else.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from hashlib import md5
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from environments.diff import SYMLINK, Diff, FileChange
from tasks.audit._inside.search import squeezed
from tasks.task import Task
from tasks.verifiers.data import pytest_data

What = Literal["reference", "tests", "solution"]

SHORTEST_ALONE = 8  # characters without white space of a changed line that tells something by itself
SHORTEST_PIECE = 40  # of a piece with its neighbours, and of an anchor's file
SHORTEST_ANCHOR = 12
SHORTEST_LINE_ANSWER = 200  # of an answer of one or two lines, looked for as a whole
SHORTEST_ANSWER = 30  # of changed lines alone, where the other files are not known to be the source's own
SHORTEST_TWIN = 400  # of a definition that a source has twice: shorter ones are idioms, and reading them is work
MOST_NEIGHBOURS = 8
MOST_TESTS = 12
MOST_PIECES = 40


class Needle(BaseModel):
    """Pieces of one thing, without white space; `lines` shows them to a person. Any piece of a list will do."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    what: What
    path: str
    whole: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    lines: str = ""

    @property
    def anchors(self) -> list[str]:
        """Lines by which a file is picked for a closer look."""
        return [line for line in map(squeeze, self.lines.splitlines()) if len(line) >= SHORTEST_ANCHOR]

    def for_search(self) -> dict[str, Any]:
        pieces = {"whole": self.whole, "strong": self.strong, "weak": self.weak, "anchors": self.anchors}
        return {**pieces, "shortest_twin": SHORTEST_TWIN if self.what == "reference" else 0}


class CleanCode(BaseModel):
    """A Python file as the agent has it and as the reference leaves it: bytecode of the second must not be there."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    path: str
    given: str
    clean: str


def squeeze(text: str) -> str:
    return squeezed(text.encode(errors="surrogateescape")).decode(errors="replace")


def needles_of(task: Task, reference: Diff | None) -> tuple[list[Needle], list[CleanCode]]:
    """All needles of a task; `reference` is what the solution changes, None where there is none.

    A task of ours knows its source's own files, so that any other mention of a changed line counts.
    """
    if task.verifier == "graded":
        return _of_graded(task, reference), []
    is_ours = task.reference is not None
    found: list[Needle] = []
    codes: list[CleanCode] = []
    for change in reference.changes if reference else ():
        if change.after is None or change.mode == SYMLINK or b"\0" in change.after:
            continue
        found += _of_change(task.id, change, is_ours=is_ours)
        if change.path.endswith(".py"):
            given, clean = (_text(data) for data in (change.before or b"", change.after))
            codes.append(CleanCode(task_id=task.id, path=change.path, given=given, clean=clean))
    texts = [squeeze(_text(change.before)) for change in (reference.changes if reference else ()) if change.before]
    found += (_without(needle, texts) for needle in _of_solution(task))
    found += _of_pytest(task) if task.verifier == "pytest" else _of_test_folder(task)
    return [needle for needle in found if needle.whole or needle.strong or needle.weak], codes


def tells_something(text: str) -> bool:
    """A whole answer that nobody's data would hold by chance: some lines, or one long one."""
    squeezed = squeeze(text)
    lines = [line for line in text.splitlines() if line.strip()]
    return len(squeezed) >= SHORTEST_LINE_ANSWER or (len(lines) >= 3 and len(squeezed) >= SHORTEST_PIECE)


def _of_graded(task: Task, reference: Diff | None) -> list[Needle]:
    """Of a template's task: each file of the answer and of the verifier's own as a whole.

    Parts of an answer (a row, a name) stand in the data that it is found in; that is what the task is about.
    """
    given = _digests(task.agent_spec.layers)
    hidden = _files_below(task.folder / "tests" / "files")
    answers = [(change.path, change.after) for change in (reference.changes if reference else ()) if change.after]
    files: list[tuple[What, str, bytes]] = [("reference", path, content) for path, content in answers]
    files += [
        ("tests", file.relative_to(task.folder).as_posix(), content)
        for file in hidden
        if md5(content := file.read_bytes()).hexdigest() not in given.values()
    ]
    return [
        Needle(task_id=task.id, what=what, path=path, whole=(squeeze(text),), lines=_shown(text.splitlines()))
        for what, path, content in files
        if b"\0" not in content and tells_something(text := _text(content))
    ]


def _without(needle: Needle, given: Sequence[str]) -> Needle:
    """A solution writes whole files: what they say is in part what the agent has."""
    whole = tuple(piece for piece in needle.whole if not any(piece in text for text in given))
    return needle.model_copy(update={"whole": whole})


def natural_files(task: Task) -> list[str]:
    """md5 of each file of the source as the agent gets it; empty for a folder of others, which may hold anything."""
    if task.reference is None:
        return []
    known = _digests(task.agent_spec.layers)
    wanted = {path: digest for path, digest in known.items() if not path.startswith(".git/")}
    planted = {path for path in _files_of(task) if path not in {change.path for change in task.reference.changes}}
    return sorted({digest for path, digest in wanted.items() if path not in planted})


# ---------------------------------------------------------------- reference


def _of_change(task_id: str, change: FileChange, *, is_ours: bool) -> Iterator[Needle]:
    before, after = _text(change.before or b""), _text(change.after or b"")
    given = squeeze(before)
    old, new = before.splitlines(), after.splitlines()
    if not old:
        pieces = _pieces(new)
        yield Needle(task_id=task_id, what="reference", path=change.path, whole=pieces, lines=_shown(new))
        return
    for tag, _, _, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        added = new[first:last]
        strong = _with_neighbours(new, first, last, given)
        whole = _definition(after, first + 1, last, given) if change.path.endswith(".py") else ""
        yield Needle(
            task_id=task_id,
            what="reference",
            path=change.path,
            whole=(whole,) if whole else (),
            strong=(strong,) if strong else (),
            weak=tuple(_alone(added, given, is_ours=is_ours)),
            lines=_shown(new[max(0, first - 2) : last + 2]),
        )


def _with_neighbours(lines: Sequence[str], first: int, last: int, given: str) -> str:
    """The changed lines with as many around them as it takes to be long enough, and not to be in the given file."""
    for width in range(1, MOST_NEIGHBOURS + 1):
        above = [line for line in lines[:first] if line.strip()][-width:]
        below = [line for line in lines[last:] if line.strip()][:width]
        piece = squeeze("\n".join([*above, *lines[first:last], *below]))
        if len(piece) >= SHORTEST_PIECE and piece not in given:
            return piece
    return ""


def _alone(added: Sequence[str], given: str, *, is_ours: bool) -> Iterator[str]:
    lines = [squeeze(line) for line in added]
    if is_ours:
        yield from (line for line in lines if len(line) >= SHORTEST_ALONE and line not in given)
        return
    joined = "".join(lines)
    if len(joined) >= SHORTEST_ANSWER and joined not in given:
        yield joined


def _definition(text: str, first: int, last: int, given: str) -> str:
    """The innermost function or class around lines, if it is long enough to be no chance."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ""
    best: ast.AST | None = None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            end = node.end_lineno or node.lineno
            if node.lineno <= first and max(first, last) <= end and (best is None or node.lineno > best.lineno):  # type: ignore[attr-defined]
                best = node
    if best is None:
        return ""
    piece = squeeze("\n".join(text.splitlines()[best.lineno - 1 : best.end_lineno]))  # type: ignore[attr-defined]
    return piece if len(piece) >= SHORTEST_PIECE and piece not in given else ""


# ---------------------------------------------------------------- tests and solution


def _of_pytest(task: Task) -> Iterator[Needle]:
    """The functions of the tests that must come to pass."""
    by_file: dict[str, set[str]] = {}
    for test in pytest_data(task.verifier_data).fail_to_pass:
        path, _, name = test.partition("::")
        by_file.setdefault(path, set()).add(name.rpartition("::")[2].partition("[")[0])
    for path, names in sorted(by_file.items()):
        text = next((_text(file.read_bytes()) for layer in reversed(task.verifier_spec.layers)
                     if (file := layer / path).is_file()), "")  # fmt: skip
        bodies = list(_functions(text, names))[:MOST_TESTS]
        if bodies:
            yield Needle(
                task_id=task.id,
                what="tests",
                path=path,
                whole=tuple(piece for piece in map(squeeze, bodies) if len(piece) >= SHORTEST_PIECE),
                lines=_shown("\n".join(bodies).splitlines()),
            )


def _functions(text: str, names: set[str]) -> Iterator[str]:
    return (body for name, body in _all_functions(text) if name in names)


@lru_cache(maxsize=256)
def _all_functions(text: str) -> list[tuple[str, str]]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    lines = text.splitlines()
    return [
        (node.name, "\n".join(lines[node.lineno - 1 : node.end_lineno]))
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _of_test_folder(task: Task) -> Iterator[Needle]:
    """Files of tests/ that the instruction does not name: one that it names is an input of the agent's."""
    for file in _files_below(task.folder / "tests"):
        if file.name in task.instruction:
            continue
        yield from _of_file(task, file, "tests", _test_pieces)


def _of_solution(task: Task) -> Iterator[Needle]:
    for file in _files_below(task.folder / "solution"):
        if file.suffix not in (".patch", ".diff"):  # what they change is looked for, however it is written
            yield from _of_file(task, file, "solution", _pieces)


def _of_file(task: Task, file: Path, what: What, pieces_of: Any) -> Iterator[Needle]:
    data = file.read_bytes()
    if b"\0" in data or len(data) > 1_000_000:
        return
    lines = [line for line in _text(data).splitlines() if not line.startswith("#!")]
    name = file.relative_to(task.folder).as_posix()
    yield Needle(task_id=task.id, what=what, path=name, whole=pieces_of(lines), lines=_shown(lines))


def _pieces(lines: Sequence[str]) -> tuple[str, ...]:
    """A short text whole, of a longer one every three lines that together tell something."""
    whole = squeeze("\n".join(lines))
    if len(whole) < 2 * SHORTEST_PIECE:
        return (whole,) if len(whole) >= SHORTEST_ALONE else ()
    kept = [line for line in map(squeeze, lines) if line]
    windows = ("".join(kept[at : at + 3]) for at in range(max(1, len(kept) - 2)))
    return tuple(piece for piece in windows if len(piece) >= SHORTEST_PIECE)[:MOST_PIECES] or (whole,)


def _test_pieces(lines: Sequence[str]) -> tuple[str, ...]:
    """As `_pieces`, without what every test script says: how it is started and where the reward goes."""
    return _pieces([line for line in lines if not _BOILERPLATE.search(line)])


_BOILERPLATE = re.compile(
    r"^\s*(?:set -|cd |import |from |exit\b|fi$|else$|if __name__)|reward|apt-get|pip3? install|\buvx?\b|pytest"
)


# ---------------------------------------------------------------- both


def _files_of(task: Task) -> set[str]:
    """What environment/files/ of a task of ours adds to its source."""
    return {file.relative_to(task.folder / "environment/files").as_posix()
            for file in _files_below(task.folder / "environment" / "files")}  # fmt: skip


@lru_cache(maxsize=64)
def _layer_digests(layer: Path) -> dict[str, str]:
    return {file.relative_to(layer).as_posix(): md5(file.read_bytes()).hexdigest() for file in _files_below(layer)}


def _digests(layers: Iterable[Path]) -> dict[str, str]:
    found: dict[str, str] = {}
    for layer in layers:
        found |= _layer_digests(layer)
    return found


def _files_below(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _shown(lines: Sequence[str]) -> str:
    return "\n".join(line for line in lines if line.strip())[:20_000]


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")
