"""Variants of a reference: wrong ones, which a verifier must refuse, and equivalent ones, which it must take.

Nothing here runs anything: what a variant is worth as evidence is said with it (`is_surely_wrong`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from random import Random

from environments.diff import SYMLINK, Diff, FileChange
from tasks.audit._altered import Altered, spread
from tasks.audit._answer_forms import other_forms
from tasks.audit._mutants import mutants
from tasks.audit._near_misses import is_answer, near_misses
from tasks.audit._rewrites import REWRITES, changed_functions
from tasks.audit._unwritten import unwritten
from tasks.task import Task

_CODE = (".py", ".pyw")


def _no_parts() -> "tuple[Variant, ...]":
    return ()


@dataclass(frozen=True)
class Variant:
    """`diff` goes from the agent's files to the variant, as the reference's goes to the reference.

    `is_surely_wrong`: no test need say so. Without it, a wrong variant may compute what the reference does.
    """

    name: str
    diff: Diff
    is_surely_wrong: bool = False
    _parts: "Callable[[], tuple[Variant, ...]]" = field(default=_no_parts, repr=False, compare=False)

    @property
    def parts(self) -> "tuple[Variant, ...]":
        """What was combined, each alone; made only when asked for."""
        return self._parts()


def wrong_variants(task: Task, reference: Diff, *, most: int, seed: int) -> list[Variant]:
    """At most `most`, the same for the same seed: mutants for the `pytest` verifier, whose suite can tell them from
    equivalent ones; for others what is wrong for sure."""
    rng = Random(f"{seed}:{task.id}")
    found: list[tuple[FileChange, Altered, bool]] = []
    changes = _regular(reference)
    for change in changes:
        after = change.after or b""
        if change.path.endswith(_CODE):
            if task.verifier == "pytest":
                found += [(change, each, False) for each in mutants(change.path, change.before, after, rng, most)]
            else:
                made = unwritten(change.before, after)
                found += [(change, each, True) for each in spread(made, rng, most)]
        elif _is_asked_for(task, change, reference):
            misses = [each for each in near_misses(change.path, after) if not _is_free(task, each.kind)]
            found += [(change, each, True) for each in spread(misses, rng, most)]
    if len(changes) > 1:
        rng.shuffle(found)
    found = [each for each in found if each[1].text != each[0].before][:most]
    return _named((_name(change.path, each), reference, change.path, each.text, is_sure)
                  for change, each, is_sure in found)  # fmt: skip


_FREE = {"constraints": "word changed", "page": "row doubled"}
"""Grader -> what is no fault there: the words between what is asked for; a first step that is done twice."""


def _is_free(task: Task, kind: str) -> bool:
    return task.verifier == "graded" and _FREE.get(str(task.verifier_data.get("grader"))) == kind


def equivalent_variants(task: Task, reference: Diff) -> list[Variant]:
    """One that is written otherwise in every way that applies, with its parts; none where nothing applies."""
    texts: dict[str, bytes] = {}
    names: list[str] = []
    for change in _regular(reference):
        after = change.after or b""
        if change.path.endswith(_CODE):
            new, applied = _rewritten(change)
        elif _is_asked_for(task, change, reference):
            forms = other_forms(change.path, after, task.instruction)
            # forms of an answer exclude each other: the last is the combined one's, all are parts
            new, applied = (list(forms.values())[-1], list(forms)) if forms else (after, [])
        else:
            continue
        if new != after:
            texts[change.path] = new
            names += applied
    if not texts:
        return []

    def parts() -> tuple[Variant, ...]:
        return tuple(_named((name, reference, path, text, False) for name, path, text in _parts_of(task, reference)))

    name = ", ".join(dict.fromkeys(names))
    return [Variant(f"rewritten: {name}", _with(reference, texts), _parts=parts)]


def _regular(reference: Diff) -> list[FileChange]:
    return [change for change in reference.changes if change.after is not None and change.mode != SYMLINK]


def _is_asked_for(task: Task, change: FileChange, reference: Diff) -> bool:
    """An answer: the instruction names the file, or it is all that the reference writes."""
    if not is_answer(change.path, change.after or b""):
        return False
    return PurePosixPath(change.path).name in task.instruction or len(reference.changes) == 1


def _rewritten(change: FileChange) -> tuple[bytes, list[str]]:
    text = change.after or b""
    applied: list[str] = []
    for function in changed_functions(change.before, text):
        for name, rewrite in REWRITES.items():
            new = rewrite(text, function)
            if new is not None and new != text:
                text = new
                applied.append(name)
    return text, applied


def _parts_of(task: Task, reference: Diff) -> Iterator[tuple[str, str, bytes]]:
    for change in _regular(reference):
        after = change.after or b""
        if change.path.endswith(_CODE):
            for function in changed_functions(change.before, after):
                for name, rewrite in REWRITES.items():
                    if (new := rewrite(after, function)) is not None:
                        yield f"{change.path}: {function} {name}", change.path, new
        elif _is_asked_for(task, change, reference):
            for name, new in other_forms(change.path, after, task.instruction).items():
                yield f"{change.path}: {name}", change.path, new


def _name(path: str, altered: Altered) -> str:
    place = f"{path}:{altered.line}" if altered.line else path
    kind = altered.kind.replace("_", " ")
    return f"{place}: {kind}" + (f" ({altered.detail})" if altered.detail and altered.detail != kind else "")


def _with(reference: Diff, texts: Mapping[str, bytes]) -> Diff:
    return Diff(
        changes=tuple(
            change.model_copy(update={"after": texts[change.path]}) if change.path in texts else change
            for change in reference.changes
        )
    )


def _named(items: Iterator[tuple[str, Diff, str, bytes, bool]]) -> list[Variant]:
    """Names are told apart where two would be the same."""
    count: dict[str, int] = {}
    found = []
    for name, reference, path, text, is_sure in items:
        count[name] = count.get(name, 0) + 1
        unique = name if count[name] == 1 else f"{name} #{count[name]}"
        found.append(Variant(unique, _with(reference, {path: text}), is_sure))
    return found
