"""Programs that label: scored on rows whose labels they never see."""

import pytest

from tasks.graders.labels import accuracy, macro_f1, majority

ROWS = [{"text": "cheap pills"}, {"text": "see you at noon"}, {"text": "pills for you"}, {"text": "lunch?"}]
LABELS = ["spam", "ham", "spam", "ham"]
DATA = {"rows": ROWS, "labels": LABELS}
READ = "import json, sys\nrows = [json.loads(line) for line in sys.stdin]\n"
GOOD = READ + "for row in rows: print('spam' if 'pills' in row['text'] else 'ham')\n"


async def verdict(sandboxed, program, **data):
    files = program if isinstance(program, dict) else {"label.py": program}
    found = await sandboxed("labels", {**DATA, **data}, files)
    assert found.error is None, found.error
    return found


@pytest.mark.parametrize(
    "program",
    [
        GOOD,
        READ + "print(json.dumps(['spam' if 'pills' in row['text'] else 'ham' for row in rows]))",
        READ + "for row in rows: print(' SPAM ' if 'pills' in row['text'] else '\"Ham\"')",
    ],
)
async def test_right_programs(sandboxed, program):
    assert (await verdict(sandboxed, program)).reward == 1.0


@pytest.mark.parametrize(
    "program, reward",
    [
        (READ + "for row in rows: print('spam')", 0.5),
        (READ + "for row in rows: print('ABSTAIN')", 0.0),
        (READ + "for row in rows: print('spam' if 'pills' in row['text'] else 'ABSTAIN')", 0.5),
        (READ + "for row in rows[:-1]: print('spam')", 0.0),
        (READ + "for row in rows + rows: print('spam')", 0.0),
        (GOOD + "raise SystemExit(1)", 0.0),
        (GOOD + "import os; os._exit(127)", 0.0),
        (READ + "print(json.dumps([['spam', 'ham']] * len(rows)))", 0.0),
        (READ + "print('[' * 100000)", 0.0),
        ("def label(", 0.0),
        ("while True: pass", 0.0),
        ("import os; os.kill(os.getpid(), 9)", 0.0),
        ("print('spam\\n' * 10_000_000)", 0.0),
    ],
)
async def test_wrong_programs(sandboxed, program, reward):
    found = await verdict(sandboxed, program, time_limit_sec=3.0)
    assert found.reward == reward
    assert not all(check.passed for check in found.checks)


async def test_labels_are_nowhere_in_the_sandbox(sandboxed):
    """A program that looks through all files and its own environment finds no label."""
    look = (
        "import os, sys\nsys.stdin.read()\nfound = []\n"
        "for top in ('.', '/tmp', os.path.expanduser('~')):\n"
        "    for folder, _, names in os.walk(top):\n"
        "        for name in names:\n"
        "            content = open(os.path.join(folder, name), 'rb').read()\n"
        "            if name != 'label.py' and b'spam' in content: found.append(name)\n"
        "print('\\n'.join(['seen' if found or 'spam' in str(os.environ) + str(sys.argv) else 'unseen'] * 4))\n"
    )
    assert (await verdict(sandboxed, look, labels=["unseen"] * 4)).reward == 1.0


async def test_threshold_and_coverage(sandboxed):
    three = (
        READ + "for row in rows: print('spam' if 'pills' in row['text'] else 'ham' if 'lunch' in row['text'] else '')"
    )
    assert (await verdict(sandboxed, three, threshold=0.75)).reward == 1.0
    assert (await verdict(sandboxed, three, threshold=0.8)).reward == pytest.approx(0.75 / 0.8)
    assert (await verdict(sandboxed, three, threshold=0.75, min_coverage=1.0)).reward == pytest.approx(0.75)


async def test_several_programs_joined(sandboxed):
    files = {
        "a.py": GOOD,
        "b.py": READ + "for row in rows: print('ham')",
        "c.py": READ + "for row in rows: print('spam' if 'pills' in row['text'] else 'ABSTAIN')",
    }
    assert (await verdict(sandboxed, files, outputs=list(files))).reward == 1.0
    assert (await verdict(sandboxed, files, outputs=["a.py", "b.py"])).reward == 0.5, "ties abstain"
    broken = await verdict(sandboxed, files, outputs=["a.py", "missing.py"])
    assert broken.reward < 1.0 and not broken.checks[1].passed


async def test_wrong_data_is_no_verdict(sandboxed):
    for data in ({"rows": []}, {"labels": ["spam"]}, {"threshold": 0.0}, {"min_coverage": 2.0}):
        found = await sandboxed("labels", {**DATA, **data}, {"label.py": GOOD})
        assert found.error is not None and "labels: " in found.error


def test_scores():
    wanted = ["a", "a", "a", "b"]
    assert accuracy(["a", "a", "a", "a"], wanted) == 0.75
    assert macro_f1(["a", "a", "a", "a"], wanted) == pytest.approx((6 / 7 + 0) / 2)
    assert macro_f1(["a", "a", "a", "b"], wanted) == 1.0
    assert macro_f1(["a", None, "c", "b"], wanted) == pytest.approx((2 / 4 + 1) / 2)
    assert majority([["a", "a", None], ["b", "a", None], ["a", None, None]]) == ["a", "a", None]
    assert majority([["a"], ["b"]]) == [None]
