"""What shell commands do, as acts: each program has its reader, and an unknown one reads the paths it is given."""

import re
from collections.abc import Callable, Iterator, Mapping

from trajectories._watching.acts import Act
from trajectories._watching.network import is_far, network_act
from trajectories._watching.printing import output
from trajectories._watching.programs import PROGRAMS
from trajectories._watching.runners import Job, paths_read, runner_of
from trajectories._watching.shell import Command, parse
from trajectories._watching.testing import sets_variable
from trajectories._watching.wrappers import unwrapped

MAX_NESTING = 5  # of bash -c in python -c in eval …

_SILENT = frozenset(
    {"true", "false", ":", "mkdir", "rmdir", "pwd", "set", "unset", "sleep", "wait", "shift", "ulimit", "umask", "id"}
    | {"which", "type", "whereis", "man", "help", "exit", "return", "read", "local", "date", "case", "for", "seq"}
    | {"make", "ruff", "black", "mypy", "flake8", "isort", "pre-commit", "basename", "dirname", "expr", "history"}
    | {"whoami", "uname", "hostname", "ps", "jobs", "fg", "bg"}
)
_FUNCTION = re.compile(r"\b([A-Za-z_]\w*)\s*\(\)\s*\{\s*([^{}\n;$\"']{1,200}?)\s*\"?\$[@*]\"?\s*;?\s*\}")


class ShellReader:
    """Reads shell text. `scripts` are the files that were written so far, by path as written; `run_python` reads
    Python, at a depth of nesting; `variables` are kept from text to text."""

    def __init__(self, scripts: Mapping[str, str], run_python: Callable[[str, int], Iterator[Act]]) -> None:
        self.scripts = scripts
        self.run_python = run_python
        self.variables: dict[str, str] = {}
        self.functions: dict[str, tuple[str, ...]] = {}  # that pass their arguments on

    def acts(self, text: str, depth: int = 0) -> Iterator[Act]:
        """What the text does, in order."""
        if depth > MAX_NESTING:
            return
        for found in _FUNCTION.finditer(text[:100_000]):
            self.functions[found[1]] = tuple(found[2].split()[:20])
        commands = parse(text, self.variables)
        in_background = any(command.is_background and command.in_loop for command in commands)
        piped = ""  # what the command before prints, where that is known
        for command in commands:
            words = _split_first(command.words)
            stdin = command.stdin if command.stdin is not None else (piped if command.takes_pipe else None)
            stdin = self._given(command) if stdin is None else stdin
            content = output(words, stdin)
            piped = content if command.feeds_pipe else ""
            for name, value in command.assigned.items():
                yield from sets_variable(name, value, command.line)
            yield from _redirected(command, words, content)
            if words and not (command.writes and words[0] in ("echo", "printf", "cat")):
                for act in self.run(words, stdin, command.line, depth):
                    yield act
                    yield from _lasting(act, command, in_background)
            for _, path in command.writes if in_background else ():
                yield from _lasting(Act("write", path, command.line), command, in_background)

    def argv(self, words: tuple[str, ...], line: str, depth: int) -> Iterator[Act]:
        """What one command does whose words are given already."""
        return self.run(words, None, line, depth)

    def run(self, words: tuple[str, ...], stdin: str | None, line: str, depth: int) -> Iterator[Act]:
        """What one command does with this input."""
        if depth > MAX_NESTING:
            return
        words = unwrapped(words)
        if words[:1] == ("alias",):
            self._remember_aliases(words[1:])
        if words and words[0] in self.functions:
            words = unwrapped((*self.functions[words[0]], *words[1:]))
        if not words:
            return
        job = Job(words[1:], stdin, line, depth)
        if (runner := runner_of(words)) is not None:
            yield from runner(job, self)
        elif words[0] in self.scripts or words[0].startswith("./"):
            yield from self.run_script(words[:1], job)
        else:
            yield from self._program(words[0].rpartition("/")[2] or words[0], job)

    def run_script(self, paths: tuple[str, ...], job: Job, *, is_python: bool = False) -> Iterator[Act]:
        """What files do that were written before and are run now."""
        for path in paths:
            text = self.scripts.get(path) or self.scripts.get(path.removeprefix("./"))
            if text is None:
                continue
            if is_python or path.endswith(".py") or re.match(r"#!.*python", text):
                yield from self.run_python(text, job.depth + 1)
            else:
                yield from self.acts(text, job.depth + 1)

    def _program(self, name: str, job: Job) -> Iterator[Act]:
        rest, line = job.rest, job.line
        if name.startswith("pip") and "uninstall" in rest and any(re.match(r"pytest|pluggy", word) for word in rest):
            yield Act("switch", "uninstall", line)
        elif (act := network_act(name, rest, line)) is not None:
            yield act
        elif name in PROGRAMS:
            stdin = job.stdin
            if name in ("patch", "git") and stdin is None:
                stdin = next((self.scripts[word] for word in rest if word in self.scripts), None)
            yield from PROGRAMS[name](name, rest, stdin, line)
        elif name not in _SILENT:
            yield from (Act("network", word, line) for word in rest if is_far(word))
            yield from paths_read(rest, line)

    def _given(self, command: Command) -> str | None:
        """The text of a file of the agent's own that a command reads as its input."""
        return next((self.scripts[path] for path in command.reads if path in self.scripts), None)

    def _remember_aliases(self, words: tuple[str, ...]) -> None:
        for name, is_one, value in (word.partition("=") for word in words):
            if is_one and len(self.functions) < 100:
                self.functions[name] = tuple(value.split()[:20])


def _split_first(words: tuple[str, ...]) -> tuple[str, ...]:
    """`$COMMAND` with several words in it is split, as the shell does."""
    first = words[0].split() if words else []
    return (*first, *words[1:]) if len(first) > 1 and "/" not in first[0] else words


def _redirected(command: Command, words: tuple[str, ...], content: str) -> Iterator[Act]:
    """What the redirections of a command read and write; `content` is what it prints, where that is known."""
    for path in (*command.reads, *(path for _, path in command.writes)):
        if path.startswith(("/dev/tcp/", "/dev/udp/")):
            yield Act("network", path, command.line)
    for path in command.reads:
        yield Act("read", path, command.line)
    if command.writes and words[:1] == ("cat",) and not content:
        yield from (Act("read", word, command.line) for word in words[1:] if not word.startswith("-"))
    for sign, path in command.writes:
        yield Act("write" if sign == ">" else "change", path, command.line, content)


def _lasting(act: Act, command: Command, in_background: bool) -> Iterator[Act]:
    """A process that outlives its command and writes is there to change what comes after the agent."""
    detached = command.words[:1] in (("nohup",), ("setsid",)) or (in_background and command.in_loop)
    if detached and act.verb in ("write", "change", "remove", "link"):
        yield Act("switch", act.target, act.line, "background")
