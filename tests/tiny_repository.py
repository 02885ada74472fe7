"""The tiny repository that tests take tasks from: path -> text. Real enough for every generator."""

TINY_FILES = {
    "pyproject.toml": """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "tinylib"
version = "1.2.0"
description = "A few functions and their tests, for Gristmill's own tests."
requires-python = ">=3.9"
license = "MIT"

[project.scripts]
tinylib = "tinylib.text:main"

[dependency-groups]
test = ["pytest"]
""",
    "README.md": """\
# tinylib

A few functions and their tests, for Gristmill's own tests.
""",
    "LICENSE": """\
MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy
""",
    "tinylib/__init__.py": '''\
"""A few functions."""

from tinylib.numbers import clamp, mean, roman, running_totals
from tinylib.stack import BoundedStack, Stack
from tinylib.text import slugify, wrap

__all__ = ["BoundedStack", "Stack", "clamp", "mean", "roman", "running_totals", "slugify", "wrap"]
''',
    "tinylib/numbers.py": '''\
"""Numbers."""


def clamp(value, low, high):
    """The nearest number to `value` within low..high."""
    if low > high:
        raise ValueError("low is above high")
    if value < low:
        return low
    if value > high:
        return high
    return value


def mean(values):
    """The arithmetic mean; 0.0 of nothing."""
    values = list(values)
    if not values:
        return 0.0
    return sum(values) / len(values)


def running_totals(values):
    """The sum so far, after each value."""
    totals = []
    total = 0
    for value in values:
        total = total + value
        totals.append(total)
    return totals


NUMERALS = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


def roman(number):
    """A number from 1 to 39 as a Roman numeral."""
    if number < 1 or number > 39:
        raise ValueError("only 1 to 39")
    text = ""
    for value, numeral in NUMERALS:
        while number >= value:
            text += numeral
            number -= value
    return text
''',
    "tinylib/text.py": '''\
"""Text."""

import sys


def slugify(title, separator="-"):
    """Lower-case words joined by a separator."""
    words = []
    word = ""
    for character in title.lower():
        if character.isalnum():
            word += character
        elif word:
            words.append(word)
            word = ""
    if word:
        words.append(word)
    return separator.join(words)


def wrap(text, width):
    """Lines of at most `width` characters; a longer word stands alone."""
    lines = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        lines.append(line)
    return lines


def to_int(text, default=None):
    """A whole number, or the default where the text is none."""
    try:
        return int(text)
    except ValueError:
        return default


def main():
    print(slugify(" ".join(sys.argv[1:])))
''',
    "tinylib/stack.py": '''\
"""Stacks."""


class Stack:
    """Last in, first out."""

    def __init__(self):
        self._items = []

    def push(self, item):
        self._items.append(item)

    def pop(self):
        if not self._items:
            raise IndexError("the stack is empty")
        return self._items.pop()

    def peek(self):
        return self._items[-1] if self._items else None

    def __len__(self):
        return len(self._items)


class BoundedStack(Stack):
    """A stack that forgets its oldest item when it is full."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def push(self, item):
        super().push(item)
        if len(self) > self.size:
            del self._items[0]
''',
    "tests/conftest.py": """\
import pytest

from tinylib import Stack


@pytest.fixture
def filled_stack():
    stack = Stack()
    for item in "abc":
        stack.push(item)
    return stack
""",
    "tests/test_numbers.py": """\
import pytest

from tinylib import clamp, mean, roman, running_totals


@pytest.mark.parametrize("value, expected", [(-5, 0), (0, 0), (4, 4), (10, 10), (11, 10)])
def test_clamp(value, expected):
    assert clamp(value, 0, 10) == expected


def test_clamp_refuses_crossed_limits():
    with pytest.raises(ValueError):
        clamp(1, 5, 2)


def test_mean():
    assert mean([1, 2, 6]) == 3


def test_mean_of_nothing():
    assert mean([]) == 0.0


def test_running_totals():
    assert running_totals([1, 2, 3]) == [1, 3, 6]


@pytest.mark.parametrize("number, text", [(1, "I"), (4, "IV"), (9, "IX"), (14, "XIV"), (39, "XXXIX")])
def test_roman(number, text):
    assert roman(number) == text


@pytest.mark.parametrize("number", [0, 40])
def test_roman_refuses(number):
    with pytest.raises(ValueError):
        roman(number)
""",
    "tests/test_stack.py": """\
import pytest

from tinylib import BoundedStack, Stack


def test_last_in_first_out(filled_stack):
    assert [filled_stack.pop(), filled_stack.pop(), filled_stack.pop()] == ["c", "b", "a"]


def test_empty_stack_has_nothing():
    assert Stack().peek() is None
    with pytest.raises(IndexError):
        Stack().pop()


def test_peek_keeps_the_item(filled_stack):
    assert filled_stack.peek() == "c"
    assert len(filled_stack) == 3


def test_bounded_stack_forgets_the_oldest():
    stack = BoundedStack(2)
    for item in "abc":
        stack.push(item)
    assert (len(stack), stack.pop(), stack.pop()) == (2, "c", "b")
""",
    "tests/test_text.py": """\
import subprocess
import sys

import pytest

from tinylib import slugify, wrap
from tinylib.text import to_int


@pytest.mark.parametrize(
    "title, slug", [("Hello, World!", "hello-world"), ("  a  b ", "a-b"), ("", ""), ("C3PO", "c3po")]
)
def test_slugify(title, slug):
    assert slugify(title) == slug


def test_slugify_with_another_separator():
    assert slugify("one two", separator="_") == "one_two"


def test_wrap():
    assert wrap("the quick brown fox", 9) == ["the quick", "brown fox"]


def test_wrap_keeps_long_words_whole():
    assert wrap("a extraordinarily b", 5) == ["a", "extraordinarily", "b"]


def test_to_int():
    assert (to_int("12"), to_int("x"), to_int("x", 0)) == (12, None, 0)


def test_command():
    done = subprocess.run([sys.executable, "-m", "tinylib"], capture_output=True)
    assert done.returncode != 0


@pytest.mark.skip(reason="shows that a skipped test is not stable")
def test_skipped():
    raise AssertionError
""",
}
