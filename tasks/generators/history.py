"""History: what a commit mended or added is taken back, and is to be done again.

In the manner of SWE-bench (Jimenez et al., 2024): a commit's source is taken apart from its tests, which decide. Onto
HEAD: each commit is taken back on the newest source, by a three-way merge with all that came later. Where that does not
work, a source that names the commit itself (`git+URL@COMMIT`) has its files as they were before it, exactly.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from environments.diff import Diff, FileChange
from tasks._fetch import split_git_spec
from tasks.candidate import Brief, Candidate, Place, Rejection
from tasks.generators._commit_parts import Parts, why_no_change, why_skipped
from tasks.generators._inversion import DoesNotInvert, Inversion, invert, snapshot_file
from tasks.generators._touched import touched, whole_file
from tasks.history import Blobs, Commit, history_of, read_commits
from tasks.instruction import leaks
from tasks.repository import Repository
from tasks.source import Source

DOES_NOT_INVERT = "does not invert onto HEAD"
MOST_COMMITS = 20_000  # the newest; what is older hardly ever inverts
MOST_NAMES = 10
FEWEST_WORDS = 3  # of a subject: fewer say nothing to work from
_COMMIT_ID = re.compile(r"[0-9a-f]{7,40}")
_PERSONAL = re.compile(
    r"\S+@\S+\.\w+|\b(by|from|cc|thanks( to)?):? +@[\w-]+|https?://\S+|\(?(#|gh-|issue *#?)\d+\)?", re.IGNORECASE
)


@dataclass(frozen=True)
class Inverted:
    """A commit that can be taken back, its test files, and its documentation."""

    commit: Commit
    inversion: Inversion
    tests: tuple[str, ...]
    documents: frozenset[str]


class History:
    """One candidate a commit, newest first; `skipped` says why the others are none."""

    name = "history"

    def __init__(self) -> None:
        self.skipped: list[Rejection] = []

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate]:
        self.skipped = []
        for each in look_through(repository.source):
            if isinstance(each, Rejection):
                self.skipped.append(each)
            else:
                yield _candidate(repository.source, each)


def history_sources(source: Source) -> Iterator[str]:
    """For each commit that does not invert onto the source: the source in which it can be taken back as it was."""
    for each in look_through(source):
        if isinstance(each, Rejection) and each.reason == DOES_NOT_INVERT:
            yield _spec_at(source, each.candidate_id)


def is_one_commit(source: Source) -> bool:
    """The source names a commit by its id, so that only this one is taken back (`git+URL@ID~0`: all before it too)."""
    if not source.spec.startswith("git+"):
        return False
    revision = split_git_spec(source.spec)[1]
    return _COMMIT_ID.fullmatch(revision) is not None and source.revision.startswith(revision)


def look_through(source: Source) -> Iterator[Inverted | Rejection]:
    """Every commit of the source's history, or the one that the source is. Raises BadSource where git fails."""
    history = history_of(source)
    if history is None:
        yield _skipped("", "no history", f"{source.spec}: give a git repository, e.g. git+https://host/owner/name.git")
        return
    parts = Parts(source)
    most = 1 if is_one_commit(source) else MOST_COMMITS
    with Blobs(history) as blobs:
        for commit in read_commits(history, source.revision.removesuffix("-dirty"), most=most):
            yield _looked_at(commit, source, parts, blobs)


def _looked_at(commit: Commit, source: Source, parts: Parts, blobs: Blobs) -> Inverted | Rejection:
    found = parts.of(commit)
    if (reason := why_skipped(commit, found)) is not None:
        return _skipped(commit.id, *reason)
    edits = found["source"]
    versions = (
        (
            edit.path,
            blobs.read(edit.old_blob) if edit.old_mode else None,
            blobs.read(edit.new_blob) if edit.new_mode else None,
        )
        for edit in edits
    )
    if nothing := why_no_change(versions):
        return _skipped(commit.id, nothing)
    documents = [edit for edit in found.get("documentation", []) if edit.is_plain and edit.lines is not None]
    try:
        inversion = invert(source, edits, documents, blobs.read)
    except DoesNotInvert as fault:
        command = f"gristmill generate {_spec_at(source, commit.id)} --generator {History.name} -n 1 --out SUITE"
        return _skipped(commit.id, DOES_NOT_INVERT, f"{fault}; as it was: {command}")
    left = {*inversion.files, *inversion.absent} - {edit.path for edit in documents}
    if not any(path.endswith(".py") for path in left):
        return _skipped(commit.id, "nothing left to take back", "later commits have done so")
    return Inverted(
        commit,
        inversion,
        tests=tuple(edit.path for edit in found.get("test", [])),
        documents=frozenset(edit.path for edit in documents),
    )


def _spec_at(source: Source, commit_id: str) -> str:
    place = f"git+{source.spec}" if not source.spec.startswith("git+") else f"git+{split_git_spec(source.spec)[0]}"
    return f"{place}@{commit_id}"


def _candidate(source: Source, inverted: Inverted) -> Candidate:
    inversion = inverted.inversion
    change = _Change()
    for path, data in inversion.files.items():
        change.add(path, snapshot_file(source, path), data, is_source=path not in inverted.documents)
    for path in inversion.absent:
        change.add(path, snapshot_file(source, path), None, is_source=path not in inverted.documents)
    reference = Diff(changes=tuple(change.reference))
    return Candidate(
        generator=History.name,
        kind="the source of a commit taken back",
        family="history",
        places=tuple(change.places or [change.anywhere()]),
        files=inversion.files,
        absent=inversion.absent,
        # None: the tests that the change can matter to decide. Where names or files are missing, all tests do, on both
        # sides, and one that cannot be collected counts as one that fails.
        reference=None if change.is_bug else reference,
        briefs=_briefs(source, inverted, change, reference),
        details=_details(source, inverted),
    )


class _Change:
    """From the clean source to what the agent gets, file by file: where it lies, what is missing, the way back."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.missing: list[tuple[str, str]] = []  # name, path; of a file that is not there its path and ''
        self.reference: list[FileChange] = []
        self._has_other_files = False

    @property
    def is_bug(self) -> bool:
        """Every file and every name is there; some of them do the wrong thing."""
        return not self.missing and not self._has_other_files

    def anywhere(self) -> Place:
        """Where no definition is touched: the first Python file."""
        first = next((each for each in self.reference if each.path.endswith(".py")), self.reference[0])
        return whole_file(first.path, first.after or b"")

    def add(self, path: str, clean: bytes | None, given: bytes | None, *, is_source: bool) -> None:
        self.reference.append(FileChange(path=path, before=given, after=clean))
        if not is_source:
            return
        if not path.endswith(".py") or clean is None or given is None:
            self._has_other_files = True
            if path.endswith(".py"):
                self.places.append(whole_file(path, clean or b""))
                self.missing += [(path, "")] if given is None else []
            return
        try:
            found = touched(path, clean, given)
        except (SyntaxError, ValueError, RecursionError):  # of another Python: no tree, so all of it
            self.places.append(whole_file(path, clean))
            return
        self.places += found.places
        self.missing += [(name, path) for name in found.names]


def _briefs(source: Source, inverted: Inverted, change: "_Change", reference: Diff) -> tuple[Brief, ...]:
    """A report from failing tests; and the commit's own first line, where that says enough and shows no line of it.

    The second is all that there is where one test fails, which is not shown: to hard-code what it wants would do.
    """
    subject = subject_of(inverted.commit)
    if leaks(subject, reference) or len(subject.split()) < FEWEST_WORDS:
        subject = ""
    context = {"missing": _missing(source, inverted, change.missing), "subject": subject}
    report = Brief() if change.is_bug else Brief(template="history.md.j2", context=context)
    described = Brief(name="described", template="history_described.md.j2", context=context, shows_failures=False)
    return (report, described) if subject else (report,)


def _missing(source: Source, inverted: Inverted, missing: list[tuple[str, str]]) -> list[dict[str, str]]:
    """New names cannot be guessed from tests that only fail to import them: those that the commit's tests use."""
    files = [source.protected / path for path in inverted.tests if path.endswith(".py")]
    words = set(re.findall(rb"\w+", b" ".join(file.read_bytes() for file in files if file.is_file())))
    used = [(name, path) for name, path in missing if not path or name.split(".")[-1].encode() in words]
    return [{"name": name, "path": path} for name, path in used[:MOST_NAMES]]


def subject_of(commit: Commit) -> str:
    """The first line of the commit's message without people, links and numbers of issues."""
    return re.sub(r"\s{2,}", " ", _PERSONAL.sub("", commit.subject)).strip(" -:")


def _details(source: Source, inverted: Inverted) -> dict[str, object]:
    commit, inversion = inverted.commit, inverted.inversion
    return {
        "commit": commit.id,
        "parent": commit.parents[0],
        "date": commit.date,
        "subject": subject_of(commit),
        "onto": "its own state" if is_one_commit(source) else "HEAD",
        "test_files": list(inverted.tests),
        **({"documents_kept": list(inversion.kept)} if inversion.kept else {}),
    }


def _skipped(commit_id: str, reason: str, detail: str = "") -> Rejection:
    where = commit_id[:12]
    return Rejection(
        candidate_id=commit_id,
        generator=History.name,
        reason=reason,
        detail=": ".join(filter(None, (where, detail))),
    )
