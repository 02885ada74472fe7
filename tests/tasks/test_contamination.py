"""Contamination: a task that is a part of a benchmark is known by its repository, its id or its words."""

import json
from pathlib import Path

import pytest

from environments import Diff, FileChange
from tasks._ngrams import ngram_hashes, solved_sides
from tasks.benchmark_files import build_contamination
from tasks.contamination import (
    Contamination,
    ContaminationList,
    contaminated,
    load_contamination,
    mark_of,
    marked,
    write_contamination,
)
from tasks.errors import BadContaminationList
from tasks.task import Provenance, Task

STATEMENT = (
    "When a line ends with a comment, the formatter joins it with the next line, and the statement is lost for good."
)
CLEAN = "".join(f"def step_{n}(items):\n    return [item * {n} for item in items if item > {n}]\n\n" for n in range(9))
BUGGY = CLEAN.replace("item > 4", "item >= 4")
PATCH = f"""\
diff --git a/steps.py b/steps.py
--- a/steps.py
+++ b/steps.py
@@ -10,7 +10,7 @@
     return [item * 3 for item in items if item > 3]
{" "}
 def step_4(items):
--- not a header: a line that began with two dashes
-    return [item * 4 for item in items]
+    return [item * 4 for item in items if item > 4]
{" "}
 def step_5(items):
     return [item * 5 for item in items if item > 5]
"""


def provenance(source: str, repository: str = "", **details: object) -> Provenance:
    return Provenance(source=source, source_hash="h", repository=repository, details=details)


def reference(before: str, after: str = CLEAN) -> Diff:
    return Diff(changes=(FileChange(path="steps.py", before=before.encode(), after=after.encode()),))


@pytest.mark.parametrize(
    ("entry", "source", "name", "is_hit"),
    [
        ("psf/requests", "git+https://github.com/psf/requests@v2.0/x", "requests", True),
        ("https://github.com/PSF/Requests.git", "git+ssh://git@github.com/psf/requests@abc", "requests", True),
        ("git@github.com:psf/requests.git", "git+https://github.com/psf/requests", "requests", True),
        ("psf/requests", "pypi:requests==2.0", "requests", True),  # an index names no owner
        ("scikit-learn/scikit-learn", "pypi:scikit_learn==1.0", "scikit_learn", True),
        ("requests", "git+https://github.com/psf/requests@v2", "requests", True),
        ("psf/requests", "/home/me/requests", "requests", True),
        ("psf/requests", "git+file:///home/me/requests@main", "requests", True),
        ("psf/requests", "git+https://github.com/me/requests@v2", "me/requests", False),
        ("psf/requests", "pypi:requests-oauthlib==2.0", "requests-oauthlib", False),
        ("psf/requests", "/home/psf/requests", "other", False),
    ],
)
def test_repositories_are_known_by_any_of_their_names(entry: str, source: str, name: str, is_hit: bool) -> None:
    known = Contamination(ContaminationList(name="list", repositories=(entry,)))
    hits = known.check("task", provenance(source, name), "Mend it.", None)
    assert [hit.reason for hit in hits] == ([f"the repository {entry} is in list"] if is_hit else [])


def test_instances_are_known_by_their_id() -> None:
    known = Contamination(ContaminationList(name="list", instance_ids=("psf__requests-12",)))
    there = provenance("x", instance_id="psf__requests-12")
    assert [hit.by for hit in known.check("psf__Requests-12", provenance("x"), "", None)] == ["instance"]
    assert [hit.entry for hit in known.check("mine", there, "", None)] == ["psf__requests-12"]
    assert known.check("psf__requests-123", provenance("x"), "", None) == ()


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    """Two instances in SWE-bench's form, and a text file."""
    folder = tmp_path / "bench"
    folder.mkdir()
    rows = [
        {"instance_id": "a__steps-1", "repo": "a/steps", "problem_statement": STATEMENT, "patch": PATCH,
         "FAIL_TO_PASS": json.dumps(["tests/test_a.py::test_" + "x" * 9] * 20), "base_commit": "0" * 40},
        {"instance_id": "b__other-2", "repo": "b/other", "problem_statement": "Short.", "patch": ""},
    ]  # fmt: skip
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "solution.py").write_text(CLEAN.replace("item", "thing"))
    (folder / "image.png").write_bytes(b"\x89PNG\0")
    return folder


def test_a_list_is_made_from_a_benchmark_and_its_texts_cannot_be_read_from_it(benchmark: Path, tmp_path: Path) -> None:
    built = build_contamination(benchmark, name="bench")
    assert built.list.repositories == ("a/steps", "b/other")
    assert built.list.instance_ids == ("a__steps-1", "b__other-2")
    assert set(built.list.ngrams.texts) == {"a__steps-1 problem_statement", "a__steps-1 patch", "solution.py"}
    assert (built.files, built.skipped) == (2, {"image.png": "is no text"})
    for name in ("list.yaml", "list.json"):
        write_contamination(built.list, tmp_path / name)
        assert load_contamination(tmp_path / name).list == built.list
        assert "formatter" not in (tmp_path / name).read_text()


def test_words_tell_where_names_do_not(benchmark: Path) -> None:
    known = Contamination(build_contamination(benchmark, name="bench").list)
    elsewhere = provenance("pypi:vendored==1", "vendored")
    (hit,) = known.check("mine", elsewhere, "The steps are off by one.", reference(BUGGY))
    assert (hit.by, hit.entry) == ("n-grams", "a__steps-1 patch")
    assert "its reference shares 100% of" in hit.reason and "of bench" in hit.reason
    (hit,) = known.check("mine", elsewhere, f"# Bug\n\n{STATEMENT.upper()}\n\nPlease.", None)
    assert hit.entry == "a__steps-1 problem_statement"
    # Another place of the same file, other names, and words that are only alike.
    other = CLEAN.replace("item > 8", "item >= 8")
    assert known.check("mine", elsewhere, "The steps are off by one.", reference(other)) == ()
    assert known.check("mine", elsewhere, STATEMENT.replace("line", "row").replace("statement", "query"), None) == ()


def test_short_texts_are_met_by_chance_and_tell_nothing() -> None:
    common = "if __name__ == '__main__': main() and else: print(usage)"
    hashes = ngram_hashes([common])
    assert 0 < len(hashes) < 8
    known = Contamination(ContaminationList.model_validate({"ngrams": {"texts": {"x": sorted(hashes)}}}))
    assert known.check("mine", provenance("x"), common, None) == ()


def test_a_hunk_is_read_by_its_counts() -> None:
    (side,) = solved_sides(PATCH)
    assert side.splitlines()[3] == "    return [item * 4 for item in items if item > 4]"
    assert "dashes" not in side and "diff" not in side


def test_rows_of_parquet_and_lists_of_strings(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    tests = [f"assert add({n}, {n}) == {n + n}" for n in range(3)]
    pyarrow.parquet.write_table(pa.table({"task_id": [7], "test_list": [tests]}), tmp_path / "mbpp.parquet")
    assert set(build_contamination(tmp_path).list.ngrams.texts) == {"7 test_list"}


def test_a_task_that_is_hit_is_marked_and_found(tiny_task: Task) -> None:
    known = Contamination(ContaminationList(name="list", repositories=("someone/tinylib",)))
    hits = known.check(tiny_task.id, tiny_task.provenance, tiny_task.instruction, tiny_task.reference)
    (finding,) = contaminated(tiny_task, tiny_task.reference, known)
    assert (finding.kind, finding.place) == ("contaminated", "someone/tinylib")
    task = tiny_task.model_copy(update={"provenance": marked(tiny_task.provenance, hits)})
    assert mark_of(task.provenance) == "the repository someone/tinylib is in list"
    assert [each.evidence for each in contaminated(task, None)] == [mark_of(task.provenance)]
    assert len(contaminated(task, None, known)) == 1, "told once"
    assert marked(tiny_task.provenance, ()) is tiny_task.provenance


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "- a\n", "expected a mapping"),
        ("a.yaml", "repositories: [", "neither YAML nor JSON"),
        ("a.json", "{", "neither YAML nor JSON"),
        ("a.yaml", "repos: [a/b]\n", r"a.yaml: repos: Extra inputs"),
        ("a.yaml", "ngrams: {texts: {x: 'zz'}}\n", "x: 'zz' is no hash"),
        ("a.yaml", "ngrams: {threshold: 2}\n", r"ngrams.threshold: .*less than or equal to 1"),
    ],
)
def test_a_wrong_list_is_named_by_file_and_field(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadContaminationList, match=message):
        load_contamination(tmp_path / name)


def test_wrong_files_of_a_benchmark_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadContaminationList, match="nowhere: there is no such"):
        build_contamination(tmp_path / "nowhere")
    with pytest.raises(BadContaminationList, match="holds nothing"):
        build_contamination(tmp_path)
    (tmp_path / "a.jsonl").write_text('["no object"]\n')
    with pytest.raises(BadContaminationList, match=r"a.jsonl: expected objects"):
        build_contamination(tmp_path)
    (tmp_path / "a.jsonl").write_text("{")
    with pytest.raises(BadContaminationList, match=r"a.jsonl: cannot be read"):
        build_contamination(tmp_path)
