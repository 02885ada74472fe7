"""An act: one thing that a command, a script or a tool does to the world, with the line that says so."""

from typing import Literal, NamedTuple

Verb = Literal[
    "read",  # target: a file
    "list",  # target: a folder
    "find",  # target: a root; detail: the names wanted, one a line
    "grep",  # target: a root; detail: the pattern, then names of files, one a line
    "write",  # target: a file; detail: the new contents, empty where not known
    "change",  # target: a file that is there; detail: what comes into it
    "remove",  # target: a file that is there
    "link",  # target: the link; detail: what it leads to
    "mode",  # target: whose permissions change
    "network",  # target: what is asked for
    "git",  # detail: words after `git`, one a line
    "history",  # looks for a clean copy by other means than a path
    "hidden",  # looks for what judges by other means than a path
    "switch",  # switches off what judges by other means than a file
    "print",  # detail: what is shown
    "enter",  # target: the folder in which the following acts are
    "tests",  # the agent runs tests itself
]


GUESSED = "-guessed"
"""In the detail of `find`: the names after it stand somewhere in the script, and may be wanted or not."""


class Act(NamedTuple):
    verb: Verb
    target: str
    line: str
    detail: str = ""
