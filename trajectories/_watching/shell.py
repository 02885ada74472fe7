"""Shell text as a flat list of simple commands: quotes, variables, substitutions, here-documents, loops.

Not a shell: what is behind a condition counts as run, a variable has its last value, and what cannot be known (the
output of a command other than `echo`) is an empty text. One pass over the text, so that time is linear in it.
"""

import re
from dataclasses import dataclass, field, replace

from trajectories._watching.printing import substituted
from trajectories._watching.words import MAX_VALUE, MAX_WORD, WordReader

MAX_DEPTH = 6  # of substitutions within substitutions
MAX_COMMANDS = 20_000
MAX_WORDS = 2000  # of one command

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
_DECLARING = frozenset({"export", "declare", "local", "readonly"})
_KEYWORDS = frozenset({"if", "then", "else", "elif", "fi", "do", "done", "while", "until", "esac", "{", "}", "!"})
_LOOPS = frozenset({"for", "while", "until"})


@dataclass(frozen=True)
class Command:
    """One simple command. `line` is the text's line that it starts on."""

    words: tuple[str, ...]
    line: str
    assigned: dict[str, str] = field(default_factory=dict)
    writes: tuple[tuple[str, str], ...] = ()  # (> or >>, target)
    reads: tuple[str, ...] = ()
    stdin: str | None = None  # of a here-document or here-string
    is_background: bool = False
    in_loop: bool = False
    takes_pipe: bool = False
    feeds_pipe: bool = False


def parse(text: str, variables: dict[str, str] | None = None, depth: int = 0) -> list[Command]:
    """Commands in the order of the text; those of a substitution before the one that holds it.

    `variables` are the values that are known; assignments are added to it.
    """
    return _Reader(text, {} if variables is None else variables, depth).read()


class _Reader(WordReader):
    def __init__(self, text: str, variables: dict[str, str], depth: int) -> None:
        super().__init__(text, variables)
        self.depth = depth
        self.found: list[Command] = []
        self.loops = 0
        self.waiting: list[tuple[str, bool, bool, int]] = []  # here-documents: end, dashed, quoted, command
        self._reset()

    def _reset(self) -> None:
        self.words: list[str] = []
        self.assigned: dict[str, str] = {}
        self.writes: list[tuple[str, str]] = []
        self.reads: list[str] = []
        self.stdin: str | None = None
        self.start = -1
        self.redirect = ""
        self.documents: list[tuple[str, bool, bool]] = []
        self.loop_variable = ""

    def read(self) -> list[Command]:
        text = self.text
        takes_pipe = False
        while self.at < len(text) and len(self.found) < MAX_COMMANDS:
            here = text[self.at]
            if here in " \t\r":
                self.at += 1
            elif here == "\n":
                self._end(takes_pipe)
                takes_pipe = False
                self.at += 1
                self._take_documents()
            elif here == "#":
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end
            elif here in ";&|()":
                takes_pipe = self._operator(takes_pipe)
            elif here in "<>":
                self._redirection()
            elif here.isdigit() and re.match(r"\d[<>]", text[self.at : self.at + 2]):
                self.at += 1
                self._redirection()
            else:
                self._take_word()
        self._end(takes_pipe)
        return self.found

    # -------------------------------------------------------------- operators

    def _operator(self, takes_pipe: bool) -> bool:
        """Step over an operator; whether the next command reads from a pipe."""
        text, at = self.text, self.at
        if text.startswith("&>", at):
            self.at += 1
            self._redirection()
            return takes_pipe
        two = text[at : at + 2]
        if two in ("&&", "||", ";;", "|&"):
            self.at += 2
        else:
            two = text[at]
            self.at += 1
        is_pipe = two in ("|", "|&")
        self._end(takes_pipe, is_background=two == "&", feeds_pipe=is_pipe)
        return is_pipe

    def _redirection(self) -> None:
        text = self.text
        if text.startswith("<<<", self.at):
            self.at += 3
            self.redirect = "<<<"
        elif text.startswith("<<", self.at):
            self.at += 2
            dashed = text.startswith("-", self.at)
            self.at += dashed
            self.skip_blanks()
            begin = self.at
            word = self.word(expand=False)
            self.documents.append((word, dashed, any(mark in text[begin : self.at] for mark in "'\"\\")))
        elif text.startswith((">&", "<&"), self.at):
            self.at += 2
            self.skip_blanks()
            target = self.word()
            if not re.fullmatch(r"\d*-?", target):
                self.writes.append((">", target))
        elif text.startswith((">(", "<("), self.at):
            self.at += 1
            self.words.append(self.substitution())
        else:
            self.redirect = ">>" if text.startswith(">>", self.at) else text[self.at]
            self.at += len(self.redirect)
            if self.redirect == ">" and text.startswith("|", self.at):
                self.at += 1
            if self.start < 0:
                self.start = self.at - 1

    def _end(self, takes_pipe: bool, *, is_background: bool = False, feeds_pipe: bool = False) -> None:
        """A command ends here."""
        if self.words or self.assigned or self.writes or self.documents:
            begin = self.text.rfind("\n", 0, max(self.start, 0)) + 1
            end = self.text.find("\n", max(self.start, 0))
            line = self.text[begin : len(self.text) if end < 0 else end]
            if len(line) > 4000:
                line = self.text[max(self.start, 0) : max(self.start, 0) + 4000]
            self.found.append(
                Command(
                    words=tuple(self.words),
                    line=line.strip(),
                    assigned=self.assigned,
                    writes=tuple(self.writes),
                    reads=tuple(self.reads),
                    stdin=self.stdin,
                    is_background=is_background,
                    in_loop=self.loops > 0,
                    takes_pipe=takes_pipe,
                    feeds_pipe=feeds_pipe,
                )
            )
            self.waiting += [(*document, len(self.found) - 1) for document in self.documents]
        elif is_background and self.found:  # `(…) &` and `done &`
            self.found[-1] = replace(self.found[-1], is_background=True)
        self._reset()

    def _take_documents(self) -> None:
        """The bodies of the here-documents of the line that ended."""
        for end, dashed, is_quoted, index in self.waiting:
            lines: list[str] = []
            while self.at < len(self.text):
                newline = self.text.find("\n", self.at)
                stop = len(self.text) if newline < 0 else newline
                line = self.text[self.at : stop]
                self.at = min(stop + 1, len(self.text))
                line = line.lstrip("\t") if dashed else line
                if line.strip() == end:
                    break
                lines.append(line)
            body = "\n".join(lines)
            body = body if is_quoted else self.expanded_names(body)
            self.found[index] = replace(self.found[index], stdin=body[:MAX_WORD])
        self.waiting = []

    # ------------------------------------------------------------------ words

    def _take_word(self) -> None:
        if self.start < 0:
            self.start = self.at
        begin = self.at
        word = self.word()
        if self.at == begin:  # a blank that only Unicode knows
            self.at += 1
            return
        is_bare = self.text[begin : self.at] == word
        if self.redirect:
            if self.redirect == "<<<":
                self.stdin = word
            elif self.redirect == "<":
                self.reads.append(word)
            else:
                self.writes.append((self.redirect, word))
            self.redirect = ""
            return
        if self.loop_variable:
            if word != "in":
                before = self.variables.get(self.loop_variable, "")
                self.variables[self.loop_variable] = f"{before} {word}".strip()[:MAX_VALUE]
            return
        if not self.words:
            if is_bare and word in _LOOPS:
                self.loops += 1
            if is_bare and word == "done":
                self.loops = max(0, self.loops - 1)
            if is_bare and word in _KEYWORDS:
                return
            assignment = _ASSIGNMENT.fullmatch(word)
            if assignment:
                self.assigned[assignment[1]] = self.variables[assignment[1]] = assignment[2][:MAX_VALUE]
                return
        elif len(self.words) == 1 and self.words[0] == "for":
            self.words = []
            self.loop_variable = word
            self.variables[word] = ""
            return
        if len(self.words) < MAX_WORDS:
            self.words.append(word)
        exported = _ASSIGNMENT.fullmatch(word) if self.words[0] in _DECLARING else None
        if exported:
            self.variables[exported[1]] = exported[2][:MAX_VALUE]

    def substitute(self, text: str) -> str:
        if self.depth >= MAX_DEPTH:
            return ""
        commands = parse(text, self.variables, self.depth + 1)
        self.found += commands
        return substituted(commands[0].words, text) if len(commands) == 1 else ""
