"""Files: which are there, what is in them, who may run them; links and folders in their place do not count."""

from hashlib import sha256

import pytest

FILES = {"site/index.html": "<h1>Sea</h1>\n<p>low tide</p>\n", "site/data/a.csv": "x,y\n1,2\n", "NOTES.md": "hello"}
WANTED = {
    "index.html": {"contains": ["<h1>Sea</h1>", "low tide"]},
    "data/a.csv": "x,y\n1,2\n",
    "data": {"folder": True},
}


async def verdict(sandboxed, files, **data):
    found = await sandboxed("tree", {"output": "site", "files": WANTED, **data}, files)
    assert found.error is None, found.error
    return found


async def test_the_wanted_files(sandboxed):
    found = await verdict(sandboxed, FILES, extra=False, absent=["*.tmp"])
    assert found.reward == 1.0, found


@pytest.mark.parametrize(
    "change, reward",
    [
        ({"site/index.html": "<h1>Sea</h1>"}, 2 / 3),
        ({"site/data/a.csv": "x,y\n1,2"}, 2 / 3),
        ({"site/data/a.csv": "x,y\r\n1,2\r\n"}, 2 / 3),
        ({"site/index.html": None}, 2 / 3),
        ({"site/data/a.csv": None}, 1 / 3),
        ({"site/index.html": b"\xff<h1>Sea</h1> low tide"}, 2 / 3),
        ({"site/index.html/x": "<h1>Sea</h1> low tide", "site/index.html": None}, 2 / 3),
    ],
)
async def test_what_is_missing_or_different(sandboxed, change, reward):
    files = {path: text for path, text in {**FILES, **change}.items() if text is not None}
    found = await verdict(sandboxed, files)
    assert found.reward == pytest.approx(reward), found
    assert (await verdict(sandboxed, files, partial=False)).reward == 0.0


async def test_nothing_at_all(sandboxed):
    assert (await verdict(sandboxed, {"NOTES.md": "x"})).reward == 0.0


async def test_other_files(sandboxed):
    more = {**FILES, "site/old.tmp": "", "site/cache/x": ""}
    assert (await verdict(sandboxed, more)).reward == 1.0
    assert (await verdict(sandboxed, more, extra=False)).reward == pytest.approx(3 / 4)
    assert (await verdict(sandboxed, more, extra=False, ignore=["*.tmp", "cache/*"])).reward == 1.0
    assert (await verdict(sandboxed, more, absent=["*.tmp"])).reward == pytest.approx(3 / 4)


async def test_content_rules(sandboxed):
    text = "total: 17\nend\n"
    cases = [
        ({"sha256": sha256(text.encode()).hexdigest()}, True),
        ({"sha256": "0" * 64}, False),
        ({"matches": "^total: [0-9]+$"}, True),
        ({"matches": "^sum"}, False),
        ({"text": "total:  17 end", "ignore_space": True}, True),
        ({"text": "total: 17 END", "ignore_space": True}, False),
        (None, True),
        ({"mode": "0644"}, True),
        ({"mode": "0755"}, False),
        ({"executable": False}, True),
        ({"executable": True}, False),
        ({"folder": True}, False),
        ({"link": "x"}, False),
        ({"contains": "17"}, True),
        ({"contains": ["17", "18"]}, False),
    ]
    files = {f"{number}.txt": rules for number, (rules, _) in enumerate(cases)}
    found = await sandboxed("tree", {"files": files}, dict.fromkeys(files, text))
    for check, (rules, passed) in zip(found.checks, cases, strict=True):
        assert check.passed is passed, (rules, check)


async def test_links_are_no_files(sandboxed):
    """What an agent's program leaves in the sandbox before: links to the right content, and to folders."""
    make = (
        "import os, sys; sys.stdin.read(); os.symlink('real', 'a.txt'); os.symlink('.', 'loop')\n"
        "os.mkfifo('pipe'); print('x')"
    )
    cases = [
        ({"a.txt": "hello"}, False),
        ({"a.txt": {"link": "real"}}, True),
        ({"a.txt": {"link": "other"}}, False),
        ({"loop": {"folder": True}}, False),
        ({"loop/real": "hello"}, False),
        ({"pipe": None}, False),
        ({"real": "hello"}, True),
    ]
    graders = [{"grader": "labels", "data": {"rows": [1], "labels": ["x"]}, "name": "make"}]
    graders += [{"grader": "tree", "data": {"files": files}, "name": str(files)} for files, _ in cases]
    found = await sandboxed("all", {"graders": graders}, {"label.py": make, "real": "hello"})
    checks = [check for check in found.checks if not check.name.startswith("make")]
    for check, (files, passed) in zip(checks, cases, strict=True):
        assert check.passed is passed, (files, check)


async def test_names_that_no_text_can_hold(sandboxed):
    """They can be listed, are too much, and the verdict can be written down."""
    make = "import os, sys; sys.stdin.read(); open(b'\\xff\\x1b', 'w').close(); print('x')"
    graders = [
        {"grader": "labels", "data": {"rows": [1], "labels": ["x"]}},
        {"grader": "tree", "data": {"files": {"label.py": None}, "extra": False}},
    ]
    found = await sandboxed("all", {"graders": graders}, {"label.py": make})
    assert (found.error, found.reward) == (None, pytest.approx(3 / 4))
    assert found.model_dump_json()


@pytest.mark.parametrize(
    "data, why",
    [
        ({}, "must say something"),
        ({"files": {"../x": None}}, "relative"),
        ({"files": {"/x": None}}, "relative"),
        ({"files": {"x": {"txt": ""}}}, "unknown fields"),
    ],
)
async def test_wrong_data_is_no_verdict(sandboxed, data, why):
    found = await sandboxed("tree", data, {"x": ""})
    assert found.error is not None and why in found.error
