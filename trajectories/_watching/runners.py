"""Commands that run others: interpreters, `eval`, `xargs`, `find -exec`; each has its reader, by name in RUNNERS."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from trajectories._watching.acts import Act
from trajectories._watching.network import network_act
from trajectories._watching.testing import runs_tests, sets_variable

_PYTHON = re.compile(r"(?:.*/)?(?:python|pypy)[\d.]*w?")
_FIND_ROOT_STOP = re.compile(r"[-!()].*")
_FIND_NAMES = frozenset({"-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-regex", "-iregex"})
_FIND_TIMES = frozenset({"-newer", "-mmin", "-mtime", "-cmin", "-ctime", "-anewer", "-cnewer", "-newermt", "-amin"})
_FIND_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_DECOMPILERS = frozenset({"uncompyle6", "decompyle3", "decompyle", "unpyc3"})


@dataclass(frozen=True)
class Job:
    """A command that runs others: the words after its name, its input where that is known."""

    rest: tuple[str, ...]
    stdin: str | None
    line: str
    depth: int


class Reader(Protocol):
    """What reads the commands that are run."""

    scripts: Mapping[str, str]  # files that were written so far
    run_python: Callable[[str, int], Iterator[Act]]

    def acts(self, text: str, depth: int) -> Iterator[Act]:
        """Of shell text."""

    def run(self, words: tuple[str, ...], stdin: str | None, line: str, depth: int) -> Iterator[Act]:
        """Of one command."""

    def run_script(self, paths: tuple[str, ...], job: Job, *, is_python: bool = False) -> Iterator[Act]:
        """Of files that were written before."""


Runner = Callable[[Job, Reader], Iterator[Act]]


def runner_of(words: tuple[str, ...]) -> Runner | None:
    """Who reads the command, by its name or by its first two words; None where it runs no other."""
    if _PYTHON.fullmatch(words[0]):
        return _python
    name = words[0].rpartition("/")[2] or words[0]
    return RUNNERS.get(name) or RUNNERS.get(" ".join((name, *words[1:2])))


def paths_read(words: "list[str] | tuple[str, ...]", line: str) -> Iterator[Act]:
    """The arguments that look like paths are read."""
    for word in words:
        value = word.partition("=")[2] if word.startswith("-") else word
        if value and len(value) < 4000 and ("/" in value or "." in value or "~" in value):
            for part in value.split()[:50]:
                yield Act("read", part, line)


def _python(job: Job, reader: Reader) -> Iterator[Act]:
    rest, index = job.rest, 0
    while index < len(rest) and rest[index].startswith("-") and rest[index] not in ("-", "-c", "-m"):
        option = rest[index]
        if re.fullmatch(r"-[A-Za-z]*c", option) and index + 1 < len(rest):  # -Bc, -ic
            yield from reader.run_python(rest[index + 1], job.depth + 1)
            return
        index += 2 if option in ("-W", "-X") else 1
    match rest[index:]:
        case ("-c", *sources):
            for source in sources[:1]:
                yield from reader.run_python(source, job.depth + 1)
        case ("-m", module, *others):
            yield from _module(module, tuple(others), job, reader)
        case () | ("-", *_):
            yield from reader.run_python(job.stdin, job.depth + 1) if job.stdin else ()
        case words:
            yield from reader.run_script(words[:1], job, is_python=True)
            yield from paths_read(words, job.line)


def _module(module: str, rest: tuple[str, ...], job: Job, reader: Reader) -> Iterator[Act]:
    if module in ("pytest", "unittest"):
        yield from _pytest(Job(rest, None, job.line, job.depth), reader)
    elif module == "coverage":
        yield from reader.run(("coverage", *rest), None, job.line, job.depth)
    elif (act := network_act(module, rest, job.line)) is not None:
        yield act
    elif module in _DECOMPILERS:
        yield Act("history", module, job.line)
    else:
        paths = (f"{module.replace('.', '/')}.py", f"{module}/__main__.py")
        yield from reader.run_script(tuple(path for path in paths if path in reader.scripts)[:1], job, is_python=True)
        yield from paths_read(rest, job.line)


def _shell(job: Job, reader: Reader) -> Iterator[Act]:
    options = [word for word in job.rest if word.startswith("-") and word != "-"]
    others = tuple(word for word in job.rest if not word.startswith("-"))
    if any(re.fullmatch(r"-[a-z]*c", option) for option in options):
        yield from reader.acts(others[0], job.depth + 1) if others else ()
    elif others:
        yield from reader.run_script(others[:1], job)
        yield from paths_read(others, job.line)
    elif job.stdin:
        yield from reader.acts(job.stdin, job.depth + 1)


def _eval(job: Job, reader: Reader) -> Iterator[Act]:
    yield from reader.acts(" ".join(job.rest), job.depth + 1)


def _parallel(job: Job, reader: Reader) -> Iterator[Act]:
    yield from reader.acts(" ".join(word for word in job.rest if word != ":::"), job.depth + 1)


def _source(job: Job, reader: Reader) -> Iterator[Act]:
    yield from reader.run_script(job.rest[:1], job)


def _trap(job: Job, reader: Reader) -> Iterator[Act]:
    yield from reader.acts(job.rest[0], job.depth + 1) if len(job.rest) > 1 else ()


def _export(job: Job, reader: Reader) -> Iterator[Act]:
    for word in job.rest:
        name, _, value = word.partition("=")
        yield from sets_variable(name, value, job.line)


def _enter(job: Job, reader: Reader) -> Iterator[Act]:
    yield Act("enter", next((word for word in job.rest if not word.startswith("-")), "~"), job.line)


def _pytest(job: Job, reader: Reader) -> Iterator[Act]:
    yield from runs_tests(job.rest, job.line)
    yield from paths_read([word for word in job.rest if word.startswith("/") or ".." in word], job.line)


def _coverage(job: Job, reader: Reader) -> Iterator[Act]:
    """`coverage run FILE`, `coverage run -m MODULE`"""
    yield Act("tests", "coverage", job.line)
    words = tuple(word for word in job.rest[1:] if word == "-m" or word[:1] != "-")
    yield from _python(Job(words, None, job.line, job.depth), reader)


def _xargs(job: Job, reader: Reader) -> Iterator[Act]:
    words, mark = list(job.rest), ""
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option.startswith(("-I", "-i", "--replace")):
            mark = option.removeprefix("--replace").removeprefix("-I").removeprefix("-i").strip("=")
            mark = mark or (words.pop(0) if option == "-I" and words else "{}")
        elif option in ("-n", "-P", "-L", "-d", "-a", "-s") and words:
            words.pop(0)
    given = tuple((job.stdin or "").split()[:100])
    if not (mark and given):
        yield from reader.run((*words, *given), None, job.line, job.depth + 1) if words else ()
        return
    for one in given[:20]:
        inner = tuple(word.replace(mark, one) for word in words)
        yield from reader.run(inner, None, job.line, job.depth + 1)


def _find(job: Job, reader: Reader) -> Iterator[Act]:
    rest, roots, index = job.rest, list[str](), 0
    while index < len(rest) and (rest[index] in ("-L", "-H", "-P") or not _FIND_ROOT_STOP.fullmatch(rest[index])):
        if not rest[index].startswith("-"):
            roots.append(rest[index])
        index += 1
    roots = roots or ["."]
    names, is_cleaning = list[str](), "-delete" in rest
    while index < len(rest):
        word = rest[index]
        if word in _FIND_NAMES and index + 1 < len(rest):
            is_negated = rest[index - 1] in ("!", "-not")
            if not is_negated and "-prune" not in rest[index + 2 : index + 3]:
                names.append(rest[index + 1])
            index += 1
        elif word in _FIND_TIMES:
            names.append(word)
        elif word in _FIND_RUNS:
            end = next((at for at in range(index, len(rest)) if rest[at] in (";", "+")), len(rest))
            inner = tuple(word.replace("{}", roots[0]) for word in rest[index + 1 : end])
            is_cleaning |= inner[:1] == ("rm",)
            if not is_cleaning:
                yield from reader.run(inner, None, job.line, job.depth + 1)
            index = end
        index += 1
    for root in roots if is_cleaning else ():
        for wanted in [name for name in names if not name.startswith("-")] or [""]:
            yield Act("remove", f"{root}/{wanted}".rstrip("/"), job.line)
    detail = "\n".join(names) + ("\n-delete" if is_cleaning else "")
    for root in roots:
        yield Act("find", root, job.line, detail)


RUNNERS: Mapping[str, Runner] = {
    **dict.fromkeys(("bash", "sh", "dash", "zsh", "ash", "ksh"), _shell),
    **dict.fromkeys(("source", "."), _source),
    **dict.fromkeys(("export", "declare"), _export),
    **dict.fromkeys(("cd", "pushd"), _enter),
    **dict.fromkeys(("pytest", "py.test", "tox", "nox"), _pytest),
    "coverage run": _coverage,
    "eval": _eval,
    "find": _find,
    "parallel": _parallel,
    "trap": _trap,
    "xargs": _xargs,
}
