"""History: commits are taken back onto HEAD or exactly, what is none says why, and the rest become tasks."""

import subprocess
from collections import Counter
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from environments import Backend, running
from tasks.candidate import Candidate, Rejection
from tasks.generate import generate
from tasks.generators.history import DOES_NOT_INVERT, History, history_sources, look_through
from tasks.history import history_of, merge_file, read_commits
from tasks.recipe import Recipe
from tasks.repository import Repository, prepare_repository
from tasks.source import Source, fetch_source
from tasks.suite import open_suite
from tests.tasks.git_repository import GitRepository, git, wordlib

REASONS = {
    "start": "first commit",
    "fix longest": DOES_NOT_INVERT,
    "rewrite longest": "",
    "fix first": "",
    "add shout": DOES_NOT_INVERT,
    "remove old": "",
    "only tests": "only tests",
    "only documentation": "only documentation",
    "docstring": "only documentation",
    "formatting": "formatting only",
    "build": "only build and settings",
    "lock file": "only generated files",
    "version": "only a version number",
    "generated": "only generated files",
    "too large": "too large",
    "empty": "empty commit",
    "on a side": "only documentation",
    "on main": "only documentation",
    "merge": "merge commit",
}


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    return wordlib(tmp_path_factory.mktemp("history") / "wordlib")


@pytest.fixture(scope="module")
def cache(session_cache: Path) -> Path:
    return session_cache


@pytest.fixture(scope="module")
def head(words: GitRepository, cache: Path) -> Source:
    return fetch_source(words.spec(), cache=cache)


def proposed(source: Source) -> dict[str, Candidate]:
    """Commit id -> candidate."""
    return {each.details["commit"]: each for each in History().candidates(only(source), Random(0))}


def only(source: Source) -> Repository:
    """What the generator asks of a repository: its source."""
    recipe = Recipe(id="", python="3.11", requirements=(), import_paths=("",))
    return Repository(source=source, recipe=recipe, stable_tests=())


def blob(words: GitRepository, commit: str, path: str) -> bytes | None:
    done = subprocess.run(["git", "show", f"{commit}:{path}"], cwd=words.folder, capture_output=True)
    return done.stdout if done.returncode == 0 else None


def as_given(source: Source, candidate: Candidate) -> dict[str, bytes]:
    """The agent's files: the clean source with `files` and `absent` laid over."""
    files = {path.relative_to(source.code).as_posix(): path.read_bytes() for path in source.code.rglob("*")
             if path.is_file()}  # fmt: skip
    files |= candidate.files
    return {path: data for path, data in files.items() if path not in candidate.absent}


# ------------------------------------------------------------------ onto HEAD


def test_every_kind_of_commit_is_taken_back_or_says_why(words: GitRepository, head: Source) -> None:
    names = {commit_id: name for name, commit_id in words.ids.items()}
    found = {}
    for each in look_through(head):
        commit_id = each.candidate_id if isinstance(each, Rejection) else each.commit.id
        found[names[commit_id]] = each.reason if isinstance(each, Rejection) else ""
    assert found == REASONS


def test_a_commit_is_taken_back_onto_what_came_later(words: GitRepository, head: Source) -> None:
    candidate = proposed(head)[words.ids["fix first"]]
    now = (head.code / "wordlib/words.py").read_bytes()
    assert candidate.files == {
        "wordlib/words.py": now.replace(b"split()[0]", b"split()[1]"),
        "CHANGES.md": b"# Changes\n",
    }
    assert b"Loudly, with a sign" in candidate.files["wordlib/words.py"], "what came later is still there"
    assert [place.symbol for place in candidate.places] == ["first"]
    assert candidate.is_bug and candidate.family == "history"


def test_a_removed_file_comes_back(words: GitRepository, head: Source) -> None:
    candidate = proposed(head)[words.ids["remove old"]]
    assert candidate.files == {"wordlib/old.py": b"OLD = 1\n"} and candidate.absent == ()


def test_what_does_not_invert_names_the_command_for_it(words: GitRepository, head: Source) -> None:
    generator = History()
    list(generator.candidates(only(head), Random(0)))
    refused = {each.candidate_id: each for each in generator.skipped}[words.ids["fix longest"]]
    assert f"gristmill generate git+file://{words.folder}@{words.ids['fix longest']}" in refused.detail
    assert set(history_sources(head)) == {words.spec(words.ids[name]) for name in ("fix longest", "add shout")}


def test_provenance_has_the_commit_and_no_people(words: GitRepository, head: Source) -> None:
    details = proposed(head)[words.ids["fix first"]].details
    assert details["subject"] == "Give the first word"
    assert (details["commit"], details["parent"]) == (words.ids["fix first"], words.ids["start"])
    assert details["date"].startswith("2024-01-02") and details["test_files"] == ["tests/test_words.py"]
    assert "bob" not in str(details).lower() and "ada" not in str(details).lower()


def test_the_same_order_each_time(head: Source) -> None:
    assert [each.id for each in proposed(head).values()] == [each.id for each in proposed(head).values()]


# ------------------------------------------------------------------ a commit's own state


def test_a_commit_in_its_own_state_is_taken_back_exactly(words: GitRepository, cache: Path) -> None:
    exact = 0
    for commit_id in words.ids.values():
        source = fetch_source(words.spec(commit_id), cache=cache)
        found = proposed(source)
        assert set(found) <= {commit_id}, "only the commit that the source names"
        for candidate in found.values():
            exact += 1
            given = as_given(source, candidate)
            changed = git(words.folder, "diff", "--name-only", f"{commit_id}^", commit_id).split()
            for path in (path for path in changed if not path.startswith("tests/")):
                assert given.get(path) == blob(words, f"{commit_id}^", path), path
    assert exact == 5


def test_files_that_a_commit_added_are_absent(words: GitRepository, cache: Path) -> None:
    source = fetch_source(words.spec(words.ids["add shout"]), cache=cache)
    (candidate,) = proposed(source).values()
    assert candidate.absent == ("wordlib/quiet.py",) and list(candidate.files) == ["wordlib/words.py"]
    assert not candidate.is_bug, "tests that cannot be collected must count, so all tests decide"
    assert candidate.briefs[0].context["missing"] == [
        {"name": "shout", "path": "wordlib/words.py"},
        {"name": "wordlib/quiet.py", "path": ""},
    ]


def test_all_history_of_a_pinned_commit_can_be_asked_for(words: GitRepository, cache: Path) -> None:
    source = fetch_source(words.spec(words.ids["merge"] + "~0"), cache=cache)
    assert words.ids["fix first"] in proposed(source)


# ------------------------------------------------------------------ where history comes from


def test_a_folder_under_git_is_only_read(words: GitRepository, tmp_path: Path) -> None:
    folder = tmp_path / "wordlib"
    subprocess.run(["cp", "-r", words.folder, folder], check=True)
    before = {path: sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}
    source = fetch_source(str(folder), cache=tmp_path / "cache")
    assert history_of(source) == folder / ".git"
    assert words.ids["fix first"] in proposed(source)
    assert {path: sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()} == before
    assert next(history_sources(source)).startswith(f"git+{folder}@")


def test_without_history_nothing_is_proposed_and_said(tiny_source: Source) -> None:
    generator = History()
    assert list(generator.candidates(only(tiny_source), Random(0))) == []
    assert [each.reason for each in generator.skipped] == ["no history"]


def test_later_fetches_bring_new_commits_and_pinned_ones_need_no_origin(tmp_path: Path) -> None:
    made = GitRepository(tmp_path / "r")
    first = made.commit("one", {"a.py": "A = 1\n"})
    assert fetch_source(made.spec(), cache=tmp_path / "cache").revision == first
    second = made.commit("two", {"a.py": "A = 2\n"})
    newest = fetch_source(made.spec(), cache=tmp_path / "cache")
    assert newest.revision == second and (newest.code / "a.py").read_text() == "A = 2\n"
    made.folder.rename(tmp_path / "gone")
    old = fetch_source(made.spec(first), cache=tmp_path / "cache")
    assert (old.code / "a.py").read_text() == "A = 1\n", "it came with the other fetches"


def test_a_rewritten_branch_is_followed(tmp_path: Path) -> None:
    made = GitRepository(tmp_path / "r")
    made.commit("one", {"a.py": "A = 1\n"})
    fetch_source(made.spec("main"), cache=tmp_path / "cache")
    git(made.folder, "commit", "-q", "--amend", "-m", "other")
    assert fetch_source(made.spec("main"), cache=tmp_path / "cache").revision == made.remember("other")


def test_odd_names_and_contents_are_read(tmp_path: Path) -> None:
    made = GitRepository(tmp_path / "r")
    made.commit("one", {"a.py": "A = 1\n"})
    made.commit("two", {'tab\tand "quote" ü.py': "B = 1\n", "bin.dat": b"\0\1"}, "subject\n\nbody\nof two lines")
    source = fetch_source(made.spec(), cache=tmp_path / "cache")
    history = history_of(source)
    assert history is not None
    newest, _ = read_commits(history, source.revision)
    assert {edit.path: edit.lines for edit in newest.edits} == {'tab\tand "quote" ü.py': 1, "bin.dat": None}
    assert (newest.subject, newest.body) == ("subject", "body\nof two lines")


@pytest.mark.parametrize(
    ("ours", "base", "theirs", "merged"),
    [
        (b"a\r\nb\r\nc\r\nd\r\ne", b"a\r\nb\r\nc\r\nd\r\n", b"A\r\nb\r\nc\r\nd\r\n", b"A\r\nb\r\nc\r\nd\r\ne"),
        (b"0\na\nb\nc", b"a\nb\nc", b"a\nb\nC", b"0\na\nb\nC"),
        (b"x\n", b"a\n", b"b\n", None),
    ],
)
def test_merges_keep_line_ends(ours: bytes, base: bytes, theirs: bytes, merged: bytes | None) -> None:
    assert merge_file(ours, base, theirs) == merged


# ------------------------------------------------------------------ to the end


async def made_tasks(spec: str, out: Path, cache: Path, backend: Backend) -> tuple[Repository, Counter[str]]:
    repository = await prepare_repository(fetch_source(spec, cache=cache), backend, cache=cache)
    result = await generate(repository, backend, out=out, n=10, seed=0, generators=["history"], cache=cache, jobs=2)
    return repository, Counter({"accepted": result.accepted, **result.yields[0].rejections})


async def test_head_gives_tasks(words: GitRepository, cache: Path, tmp_path: Path, bubblewrap: Backend) -> None:
    _, counts = await made_tasks(words.spec(), tmp_path / "suite", cache, bubblewrap)
    assert counts["accepted"] == 2 and counts["survived"] == 2 and counts["only documentation"] == 4, counts
    task, described = open_suite(tmp_path / "suite", cache=cache).tasks()
    assert described.id == f"{task.id}-described" and "> Give the first word\n" in described.instruction
    assert described.verifier_data["is_withheld"] and "test_first" not in described.instruction
    assert task.family == "history" and task.provenance.license == "MIT"
    assert task.provenance.details["commit"] == words.ids["fix first"]
    assert "tests/test_words.py::test_first" in task.verifier_data["fail_to_pass"]
    async with running(bubblewrap, task.agent_spec) as sandbox:
        log = await sandbox.run(["git", "log", "--all", "--format=%s"], timeout_sec=10)
        found = await sandbox.run(["grep", "-rlF", r"split()[0]", "/workspace"], timeout_sec=30)
    assert log.stdout == "The code as it is\n" and found.stdout == "", "the history is not there"


async def test_a_commit_gives_a_task_of_its_own(
    words: GitRepository, cache: Path, tmp_path: Path, bubblewrap: Backend
) -> None:
    _, counts = await made_tasks(words.spec(words.ids["add shout"]), tmp_path / "suite", cache, bubblewrap)
    assert counts == {"accepted": 2}
    task, _ = open_suite(tmp_path / "suite", cache=cache).tasks()
    assert set(task.verifier_data["fail_to_pass"]) == {
        f"tests/test_loud.py::{name}" for name in ("test_shout", "test_whisper", "test_loud_and_quiet")
    }
    assert "`shout` in `wordlib/words.py`" in task.instruction and "> Loud and quiet words" in task.instruction
