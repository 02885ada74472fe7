"""Duplicates: one edit found twice is told, however it is dressed; two bugs in one function are two tasks."""

from pathlib import Path

import pytest

from environments import Diff, FileChange
from tasks.duplicates import Duplicate, DuplicateIndex, find_duplicates
from tasks.folder import RepositoryTask
from tasks.repository import Repository
from tasks.suite import SuiteWriter, open_suite

CLEAN = '''\
def histogram(values, edges, default=None):
    """How many values lie between each two edges."""
    counts = [0] * (len(edges) - 1)
    for value in values:
        if value < edges[0] or value >= edges[-1]:
            if default is not None:
                counts[default] += 1
            continue
        for index in range(len(edges) - 1):
            if edges[index] <= value < edges[index + 1]:
                counts[index] += 1
                break
    total = sum(counts)
    if total == 0:
        return counts
    return [count / total for count in counts]
'''
RENAMED = "# vendored, do not edit\n" + CLEAN.replace("values", "xs").replace("value", "x").replace("edges", "bounds")
# One more option, before anything else: what comes after is the same, what is counted by first use has shifted.
GROWN = CLEAN.replace("default=None", "default=None, *, cache=True").replace(
    "    total =", "    if cache:\n        remember(counts)\n    total ="
)


def bug(
    text: str, old: str, new: str, path: str = "lib/h.py"
) -> tuple[dict[str, bytes | None], dict[str, bytes | None]]:
    """The files before and after the reference: the bug, and the clean text."""
    assert text.count(old) == 1
    return {path: text.replace(old, new).encode()}, {path: text.encode()}


FIRST = bug(CLEAN, "value >= edges[-1]", "value > edges[-1]")


@pytest.mark.parametrize(
    ("name", "other", "kind"),
    [
        ("the same by another generator", FIRST, "duplicate"),
        ("at another path", bug(CLEAN, ">= edges[-1]", "> edges[-1]", "vendor/x/h.py"), "duplicate"),
        ("in a copy with other names", bug(RENAMED, "x >= bounds[-1]", "x > bounds[-1]"), "duplicate"),
        ("with another layout", bug(CLEAN.replace("    ", "  "), "value >= edges", "(value) > edges"), "duplicate"),
        ("in a copy that has grown", bug(GROWN, "value >= edges[-1]", "value > edges[-1]"), "near duplicate"),
    ],
)
def test_the_same_edit_is_a_duplicate(name: str, other: tuple[dict, dict], kind: str) -> None:
    index = DuplicateIndex()
    assert index.add("first", *FIRST) is None
    found = index.add("second", *other)
    assert found is not None and (found.of, found.kind) == ("first", kind)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("another operator", bug(CLEAN, "value >= edges[-1]", "value <= edges[-1]")),
        ("the other half of the condition", bug(CLEAN, "value < edges[0] or", "value <= edges[0] or")),
        ("another line", bug(CLEAN, "return [count / total", "return [count * total")),
        ("a line that is gone", bug(CLEAN, "                break\n", "")),
        ("the way back", FIRST[::-1]),
        (
            "the same kind of bug in another function",
            bug("def newest(items, limit):\n    if len(items) >= limit[-1]:\n        items.pop()\n    return items\n",
                ">= limit[-1]", "> limit[-1]"),
        ),
    ],
)  # fmt: skip
def test_another_bug_is_another_task(name: str, other: tuple[dict, dict]) -> None:
    index = DuplicateIndex()
    assert index.add("first", *FIRST) is None
    assert index.add("second", *other) is None


def test_two_places_of_code_that_repeats_itself_are_two() -> None:
    block = "    for item in items:\n        total += item.price\n        count += item.number\n"
    text = f"def totals(items):\n    total = count = 0\n{block * 3}    return total, count\n"
    lines = text.splitlines(keepends=True)

    def without(number: int) -> tuple[dict, dict]:
        return {"a.py": "".join(lines[:number] + lines[number + 1 :]).encode()}, {"a.py": text.encode()}

    index = DuplicateIndex()
    assert lines[3] == lines[6] == lines[9]
    assert [index.add(str(number), *without(number)) for number in (3, 6, 9)] == [None, None, None]


def test_short_definitions_keep_their_names() -> None:
    index = DuplicateIndex()
    for name in ("width", "height"):
        text = f"class Box:\n    def {name}(self):\n        return self._{name}\n"
        assert index.add(name, *bug(text, f"return self._{name}", "return None")) is None


def test_two_rewrites_of_one_body_that_are_nearly_one_are_near() -> None:
    head = CLEAN.partition("    counts = ")[0]
    lines = "    for part{n} in values:\n        result[part{n}] = edges.get(part{n}, {n}) + len(result)\n"
    rewritten = head + "    result = {}\n" + "".join(lines.replace("{n}", str(n)) for n in range(6))
    index = DuplicateIndex()
    assert index.add("one", {"h.py": (rewritten + "    return result\n").encode()}, {"h.py": CLEAN.encode()}) is None
    found = index.add("two", {"h.py": (rewritten + "    return None\n").encode()}, {"h.py": CLEAN.encode()})
    assert found is not None and found.kind == "near duplicate" and 0.7 <= found.similarity < 1.0


def test_files_of_any_kind_are_compared_and_layout_alone_is_nothing() -> None:
    index = DuplicateIndex()
    js = "function total(items) { let n = 0; for (const item of items) { n += item.price } return n }\n"
    assert index.add("js", *bug(js, "n += item", "n -= item", "a.js")) is None
    again = index.add("copy", *bug("// vendored\n" + js, "n += item", "n -= item", "b.js"))
    assert again is not None and again.of == "js"
    assert index.add("comment", *bug(CLEAN, "    total = sum", "    # all\n    total = sum")) is None
    assert index.add("comment again", *bug(CLEAN, "    total = sum", "    # all\n    total = sum")) is None


def test_what_is_refused_is_not_kept_so_the_first_is_always_named() -> None:
    index = DuplicateIndex()
    for name in ("first", "second", "third"):
        found = index.add(name, *FIRST)
    assert found == Duplicate(of="first", kind="duplicate", similarity=1.0)


def test_written_suites_are_compared_and_briefs_of_one_candidate_are_not(
    tiny_draft: RepositoryTask, tiny_repository: Repository, session_cache: Path, tmp_path: Path
) -> None:
    other = tiny_draft.reference.changes[0]
    assert other.before is not None
    buggy = other.before.replace(b"low > high", b"low < high").replace(b"        return low\n    return", b"    return")
    files = {other.path: buggy}
    reference = Diff(changes=(FileChange(path=other.path, before=buggy, after=other.after),))
    names = {
        "one": ["tinylib-flip-0123456789ab-lazy", "tinylib-flip-0123456789ab-base", "tinylib-other-ffffffffffff"],
        "two": ["copy"],
    }
    suites = []
    for name, ids in names.items():
        writer = SuiteWriter(tmp_path / name)
        for task_id in ids:
            update = {"id": task_id}
            if "other" in task_id:
                update |= {"files": files, "reference": reference}
            writer.add(tiny_draft.model_copy(update=update), tiny_repository)
        writer.finish()
        suites.append(open_suite(tmp_path / name, cache=session_cache))
    report = find_duplicates(suites)
    assert (report.tasks, report.without_reference) == (4, ())
    (pair,) = report.duplicates
    assert (pair.suite, pair.task_id, pair.suite_of, pair.kind) == ("two", "copy", "one", "duplicate")
    assert pair.of == "tinylib-flip-0123456789ab-base"
