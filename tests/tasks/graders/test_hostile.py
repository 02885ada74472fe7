"""Whatever lies where the answer should be: no traceback, no pass, one sentence that says why."""

from pathlib import Path

import pytest

READERS = {
    "answer": {"answers": ["42"]},
    "numeric": {"value": 42},
    "choice": {"correct": "A", "options": ["42", "43"]},
    "table": {"columns": {"a": "number"}, "rows": [{"a": 42}], "key": ["a"], "output": "answer.json"},
    "json": {"expected": {"a": 42}},
    "calls": {"calls": [{"name": "look", "arguments": {"a": 42}}]},
    "constraints": {"constraints": [{"kind": "include", "words": ["harbour"]}, {"kind": "avoid", "words": ["no"]}]},
    "facets": {"variables": [["a"]], "relation": {"sign": "+"}},
    "judge": {"criteria": ["It is polite."], "base_url": "http://127.0.0.1:9/v1", "model": "none"},
}
OUTPUT = {"table": "answer.json", "json": "answer.json", "calls": "calls.json", "facets": "hypothesis.json"}
CONTENT = {
    "empty": b"",
    "spaces": b" \n\t\r\n ",
    "not UTF-8": b"\xff\xfe4\x002\x00",
    "half a letter": "42é".encode()[:-1],
    "NUL bytes": b"42\0\0",
    "huge": b"4" * 12_000_000,
    "deep": b"[" * 200_000,
    "deep and closed": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "deep within what Python reads": b"[" * 900 + b"]" * 900,
    "NaN": b'{"a": NaN}',
    "infinite": b'{"a": 1e999}',
    "long integer": b'{"a": ' + b"9" * 10_000 + b"}",
    "integer beyond floats": b'[{"a": ' + b"9" * 400 + b"}]",
    "lone surrogate": b'[{"a": "\\ud800", "name": "\\ud800"}]',
    "lone surrogate as a key": b'[{"\\ud800": 1, "name": "look", "arguments": {"\\ud800": 1, "a": 1}}]',
    "lone surrogates in an object": b'{"\\ud800": 1, "context": ["\\ud800"], "variables": ["\\ud800"], "relation": {}}',
    "key twice": b'{"a": 42, "a": 43}',
    "control letters": b"\x1b[2J\x07\x0842",
    "right to left": "\u202e24".encode(),
    "wrong shapes": b'[[], {}, null, true, 1, "x"]',
    "names of wrong types": b'[{"name": 1, "arguments": []}]',
}


@pytest.mark.parametrize("what", [name for name in CONTENT if name not in ("right to left",)])
@pytest.mark.parametrize("name", [name for name in READERS if name != "judge"])
async def test_hostile_bytes(graded, name, what):
    grade = await graded(name, READERS[name], {OUTPUT.get(name, "answer.txt"): CONTENT[what]})
    assert grade.reward < 1.0
    assert not all(part.passed for part in grade.parts)
    for part in grade.parts:
        f"{part.name}{part.detail}".encode()  # what cannot be written down would break a verdict
        assert len(part.name) < 300 and len(part.detail) < 600


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", ["nothing", "folder", "link out", "link to itself", "link into nothing"])
async def test_no_regular_file(graded, name, kind, tmp_path: Path):
    path = tmp_path / OUTPUT.get(name, "answer.txt")
    secret = tmp_path.parent / f"{tmp_path.name}-outside.txt"
    secret.write_text("42")
    if kind == "folder":
        path.mkdir()
    elif kind != "nothing":
        path.symlink_to({"link out": secret, "link to itself": path, "link into nothing": tmp_path / "no"}[kind])
    grade = await graded(name, READERS[name], {})
    assert grade.reward == 0.0
    assert "no regular file" in grade.parts[0].detail


RUNNERS = {
    "sql": ("query.sql", {"gold": "SELECT 1", "databases": ["CREATE TABLE t (x);"]}),
    "labels": ("label.py", {"rows": [1], "labels": ["42"]}),
    "program": ("solution.py", {"cases": [{"stdin": "", "stdout": "x"}], "asserts": ["assert f() == 1"]}),
    "mutation": ("test_a.py", {"code": {"a.py": "x = 1\n"}, "mutants": [{"a.py": "x = 2\n"}], "output": "test_a.py"}),
    "tree": ("a.txt", {"files": {"a.txt": "right"}}),
}


@pytest.mark.parametrize("name", RUNNERS)
async def test_hostile_bytes_in_the_real_sandbox(sandboxed, name):
    path, data = RUNNERS[name]
    for what in ("empty", "not UTF-8", "NUL bytes", "huge", "deep", "control letters", "lone surrogate"):
        verdict = await sandboxed(name, data, {path: CONTENT[what]})
        assert verdict.error is None, (what, verdict)
        assert verdict.reward == 0.0 and not all(check.passed for check in verdict.checks), (what, verdict)
    for files in ({}, {f"{path}/inner": b"x"}):
        verdict = await sandboxed(name, data, files)
        assert (verdict.error, verdict.reward) == (None, 0.0), verdict


async def test_links_in_the_real_sandbox(sandboxed):
    """Whatever a link leads to in the sandbox, a device or a file of the system: it holds no answer."""
    for target in ("/dev/zero", "/etc", "/proc/self/environ", "missing"):
        program = f"import os; os.symlink({target!r}, 'answer.txt')"
        verdict = await sandboxed(
            "all",
            {
                "graders": [
                    {"grader": "labels", "data": {"rows": [1], "labels": ["x"]}},
                    {"grader": "answer", "data": {"answers": ["x"]}},
                ]
            },
            {"label.py": f"{program}\nprint('x')"},
        )
        assert verdict.error is None
        assert [check.passed for check in verdict.checks if check.name.endswith("answer.txt")] == [False]
