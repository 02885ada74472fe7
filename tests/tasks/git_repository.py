"""A small repository with a real git history, for tests: one commit of every kind that history knows."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

WORDS = """\
\"\"\"Words.\"\"\"


def first(text):
    \"\"\"The first word.\"\"\"
    return text.split()[0]


def longest(text):
    \"\"\"The longest word.\"\"\"
    words = text.split()
    return max(words, key=len)


def count(text):
    \"\"\"How many words there are.\"\"\"
    return len(text.split())
"""
PYPROJECT = """\
[project]
name = "wordlib"
version = "0.1"
license = "MIT"
"""
TESTS = """\
from wordlib.words import count, first, longest


def test_first():
    assert first("one two") == "one"


def test_first_of_three():
    assert first("three two one") == "three"


def test_first_of_one():
    assert first("one") == "one"


def test_longest():
    assert longest("a bcd ef") == "bcd"


def test_longest_of_two():
    assert longest("a bc") == "bc"


def test_count():
    assert count("a b c") == 3


def test_count_of_one():
    assert count("a") == 1
"""

LOUD_TESTS = """\
from wordlib.quiet import whisper
from wordlib.words import shout


def test_shout():
    assert shout("a") == "A!"


def test_whisper():
    assert whisper("A") == "a"


def test_loud_and_quiet():
    assert whisper(shout("a")) == "a!"
"""


def git(folder: Path, *arguments: str, date: str = "2024-01-01T00:00:00+0000") -> str:
    """Run git with a fixed identity and date; gives what it printed."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    env = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class GitRepository:
    """`commit` writes files (None removes one) and gives the commit's id; dates rise by a day."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ids: dict[str, str] = {}
        folder.mkdir(parents=True)
        git(folder, "init", "-q")

    def commit(self, name: str, files: Mapping[str, str | bytes | None], message: str = "") -> str:
        for path, data in files.items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if data is None:
                place.unlink()
            else:
                place.write_bytes(data.encode() if isinstance(data, str) else data)
        git(self.folder, "add", "-A")
        self._date = f"2024-01-{len(self.ids) + 1:02d}T00:00:00+0000"
        git(self.folder, "commit", "-q", "--allow-empty", "-m", message or name, date=self._date)
        return self.remember(name)

    def remember(self, name: str) -> str:
        self.ids[name] = git(self.folder, "rev-parse", "HEAD")
        return self.ids[name]

    def text(self, path: str) -> str:
        return (self.folder / path).read_bytes().decode()

    def spec(self, revision: str = "HEAD") -> str:
        return f"git+file://{self.folder}@{revision}"


def wordlib(folder: Path) -> GitRepository:
    """The repository `wordlib` with 20 commits; `ids` has each one's name."""
    made = GitRepository(folder)
    start = WORDS.replace("split()[0]", "split()[1]").replace("max(words", "min(words")
    made.commit("start", {"pyproject.toml": PYPROJECT, "wordlib/__init__.py": "", "wordlib/words.py": start,
                          "wordlib/old.py": "OLD = 1\n", "README.md": "# wordlib\n", "CHANGES.md": "# Changes\n",
                          "tests/test_words.py": "def test_nothing():\n    pass\n"})  # fmt: skip
    words = "wordlib/words.py"
    # a fix that later commits leave alone, with its tests and its line in the log of changes
    made.commit(
        "fix first",
        {
            words: made.text(words).replace("split()[1]", "split()[0]"),
            "tests/test_words.py": TESTS,
            "CHANGES.md": "# Changes\n\n- the first word is right\n",
        },
        "Give the first word (#12)\n\nThanks to @bob.\n\nCo-authored-by: Bob <bob@example.org>",
    )
    # a fix that a later commit writes anew: it cannot be taken back any more
    made.commit(
        "fix longest", {words: made.text(words).replace("min(words, key=len)", "max(words, key=len, default='')")}
    )
    made.commit("rewrite longest", {words: made.text(words).replace(", default='')", ")")})
    # new names and a new file
    made.commit(
        "add shout",
        {
            words: made.text(words) + '\n\ndef shout(text):\n    """Loudly."""\n    return text.upper() + "!"\n',
            "wordlib/quiet.py": '"""Quietly."""\n\n\ndef whisper(text):\n    return text.lower()\n',
            "tests/test_loud.py": LOUD_TESTS,
        },
        "Loud and quiet words",
    )
    made.commit("remove old", {"wordlib/old.py": None})
    made.commit("only tests", {"tests/test_more.py": "def test_more():\n    assert True\n"})
    made.commit("only documentation", {"README.md": "# wordlib\n\nWords.\n", "docs/index.rst": "wordlib\n"})
    made.commit("docstring", {words: made.text(words).replace("Loudly.", "Loudly, with a sign.")})
    made.commit(
        "formatting",
        {
            words: made.text(words).replace(
                "return len(text.split())", "return len(\n        text.split()\n    )  # of words"
            )
        },
    )
    made.commit("build", {"pyproject.toml": PYPROJECT + "\n[tool.ruff]\nline-length = 100\n"})
    made.commit("lock file", {"wordlib/_version.py": "version = '1'\n", "uv.lock": "x\n"})
    made.commit("version", {"wordlib/__init__.py": '__version__ = "0.1"\n'})
    made.commit("generated", {"wordlib/tables.py": "# Generated by tool 1.0, do not edit.\nTABLE = [1, 2]\n"})
    made.commit("too large", {"wordlib/big.py": "".join(f"x{n} = {n}\n" for n in range(400))})
    made.commit("empty", {})
    git(made.folder, "checkout", "-q", "-b", "side")
    made.commit("on a side", {"NEWS": "side\n"})
    git(made.folder, "checkout", "-q", "main")
    made.commit("on main", {"AUTHORS": "Ada\n"})
    git(made.folder, "merge", "-q", "--no-ff", "-m", "merge", "side", date="2024-02-01T00:00:00+0000")
    made.remember("merge")
    return made
