"""A repository that is made to be refactored: every kind finds something in it, and some traps that it must leave."""

FILES = {
    "pyproject.toml": """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "shelf"
version = "1.0"
requires-python = ">=3.9"

[project.scripts]
shelf = "shelf.report:main"

[dependency-groups]
test = ["pytest"]
""",
    "shelf/__init__.py": '''\
"""Books on shelves."""

from .books import Book, total_pages

__all__ = ["Book", "total_pages"]
''',
    "shelf/books.py": '''\
"""Books."""

import math
from typing import List

from shelf.words import initials, shorten

PAGES_A_DAY = 40


class Book:
    """One book."""

    def __init__(self, title, pages):
        self.title = title
        self.pages = pages

    def reading_days(self, pace=PAGES_A_DAY):
        """Days to read it, rounded up."""
        return math.ceil(self.pages / pace)

    def spine_text(self, width):
        return shorten(self.title, width)

    def visit_cover(self):
        return "cover"


def total_pages(books: List[Book]):
    """Pages of all books."""
    total = 0
    for book in books:
        pages = book.pages
        if pages > 0:
            total += pages
    return total


def catalogue_line(book, width, mark):
    """A line of the catalogue."""
    text = shorten(book.title, width)
    text = text.ljust(width)
    days = book.reading_days()
    code = initials(book.title)
    return "%s%s %s (%r)" % (mark, text, code, days)


def is_thick(book):
    return book.pages > 500
''',
    "shelf/words.py": '''\
"""Words."""

import os.path
import re


def shorten(text, width):
    """At most `width` characters."""
    if len(text) <= width:
        return text
    return text[: width - 1] + "."


def initials(title):
    """First letters of its words."""
    return "".join(word[0].upper() for word in re.findall("[a-z]+", title.lower()))


def padded(text, width=8, fill=" "):
    return text.ljust(width, fill)


def has_list(path):
    return os.path.exists(path)
''',
    "shelf/report.py": '''\
"""Reports."""

from shelf import words
from shelf.books import Book, catalogue_line, is_thick


def report(books, width=12):
    """All lines, thick books marked."""
    lines = []
    for book in books:
        mark = "*" if is_thick(book) else " "
        lines.append(catalogue_line(book, width, mark))
    return lines


def untested_report(books):
    return [catalogue_line(book, 5, "-") for book in books]


def call_by_name(book, name):
    return getattr(book, "visit_" + name)()


def main():
    print(report([Book("x", 1)]), words.initials("x"))
''',
    "tests/test_shelf.py": """\
from shelf import Book, total_pages
from shelf.books import PAGES_A_DAY, catalogue_line
from shelf.report import call_by_name, report
from shelf.words import has_list, initials, padded, shorten

BOOKS = [Book("A long story of whales", 600), Book("Ants", 30)]


def test_days():
    assert [book.reading_days() for book in BOOKS] == [15, 1]
    assert PAGES_A_DAY == 40


def test_report():
    assert report(BOOKS) == ["*A long stor. ALSOW (15)", " Ants         A (1)"]


def test_total():
    assert total_pages(BOOKS) == 630


def test_line():
    assert catalogue_line(BOOKS[1], 5, "-") == "-Ants  A (1)"


def test_words(tmp_path):
    assert (shorten("abc", 2), shorten("abc", 3), initials("ab c")) == ("a.", "abc", "AC")
    assert has_list(tmp_path) and not has_list(tmp_path / "x")


def test_padded():
    assert padded("ab", 4, "_") == "ab__"


def test_spine():
    assert BOOKS[0].spine_text(3) == "A ."


def test_by_name():
    assert call_by_name(BOOKS[0], "cover") == "cover"
""",
}
