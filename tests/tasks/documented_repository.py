"""A tiny repository whose docstrings have examples and parameter sections: path -> text."""

DOCUMENTED_FILES = {
    "pyproject.toml": """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "wordlib"
version = "0.3.0"
description = "Words."
requires-python = ">=3.9"

[dependency-groups]
test = ["pytest"]
""",
    "wordlib/__init__.py": '''\
"""Words."""

from wordlib.words import initials, shorten, twice

__all__ = ["initials", "shorten", "twice"]
''',
    "wordlib/words.py": '''\
"""Words."""


def shorten(text, limit=10, *, mark="..."):
    """Cut a text that is too long.

    Args:
        text: what to cut
        limit (int): most characters that are left, default 10
        mark: stands for what was cut. Defaults to "...".

    >>> shorten("one two three", 5)
    'one t...'
    >>> shorten("short")
    'short'
    >>> shorten("one two three", 5, mark="~")
    'one t~'
    """
    if len(text) <= limit:
        return text
    return text[:limit] + mark


def initials(name, upper=False):
    """First letters of the words of a name.

    :param name: words with blanks between
    :param bool upper: give capital letters

    >>> initials("ada king")
    'ak'
    """
    letters = "".join(word[0] for word in name.split())
    if upper:
        return letters.upper()
    return letters


def twice(count):
    """Count two times.

    >>> twice(4)
    8
    >>> twice(0)
    0
    """
    return count + count
''',
    "tests/test_words.py": """\
from wordlib import initials, shorten, twice


def test_shorten():
    assert shorten("one two three", 5) == "one t..."
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3, mark="") == "abc"


def test_initials():
    assert initials("ada king") == "ak"


def test_initials_in_capitals():
    assert initials("ada king", upper=True) == "AK"


def test_twice():
    assert twice(3) == 6
""",
}
