"""Shell text as a flat list of simple commands: quotes, variables, substitutions, here-documents, loops.

Not a shell: what is behind a condition counts as run, a variable has its last value, and what cannot be known (the
output of a command other than `echo`) is an empty text. One pass over the text, so that time is linear in it.
"""

import re
from dataclasses import dataclass, field, replace

MAX_DEPTH = 6  # of substitutions within substitutions
MAX_COMMANDS = 20_000
MAX_WORDS = 2000  # of one command
MAX_WORD = 200_000  # characters of one word, after expansion
MAX_VALUE = 20_000  # characters of one variable
MAX_EXPANDED = 2_000_000  # characters of all the values that one text is given

_PLAIN = re.compile(r"[^\s'\"\\$`;&|<>()#]+")
_NAME = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-=+?#%/])([^{}]*))?\}|([0-9@*#?$!-]))")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
_ANSI = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
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


class _Reader:
    def __init__(self, text: str, variables: dict[str, str], depth: int) -> None:
        self.text = text
        self.variables = variables
        self.depth = depth
        self.at = 0
        self.found: list[Command] = []
        self.loops = 0
        self.expanded = 0
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
            self._skip_blanks()
            begin = self.at
            word = self._word(expand=False)
            self.documents.append((word, dashed, any(mark in text[begin : self.at] for mark in "'\"\\")))
        elif text.startswith((">&", "<&"), self.at):
            self.at += 2
            self._skip_blanks()
            target = self._word()
            if not re.fullmatch(r"\d*-?", target):
                self.writes.append((">", target))
        elif text.startswith((">(", "<("), self.at):
            self.at += 1
            self.words.append(self._substitution(self._closing(self.at)))
        else:
            self.redirect = ">>" if text.startswith(">>", self.at) else text[self.at]
            self.at += len(self.redirect)
            if self.redirect == ">" and text.startswith("|", self.at):
                self.at += 1
            if self.start < 0:
                self.start = self.at - 1

    def _skip_blanks(self) -> None:
        while self.text.startswith((" ", "\t"), self.at):
            self.at += 1

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
            body = body if is_quoted else _NAME.sub(self._value, body)
            self.found[index] = replace(self.found[index], stdin=body[:MAX_WORD])
        self.waiting = []

    # ------------------------------------------------------------------ words

    def _take_word(self) -> None:
        if self.start < 0:
            self.start = self.at
        begin = self.at
        word = self._word()
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
        exported = _ASSIGNMENT.fullmatch(word) if self.words[0] in ("export", "declare", "local", "readonly") else None
        if exported:
            self.variables[exported[1]] = exported[2][:MAX_VALUE]

    def _word(self, *, expand: bool = True) -> str:
        """One word with its quotes removed and its variables replaced."""
        text, parts = self.text, list[str]()
        while self.at < len(text):
            here = text[self.at]
            plain = _PLAIN.match(text, self.at)
            if plain:
                parts.append(plain[0])
                self.at = plain.end()
            elif here == "'":
                parts.append(self._until("'"))
            elif here == '"':
                parts.append(self._double(expand))
            elif here == "\\":
                parts.append("" if text.startswith("\\\n", self.at) else text[self.at + 1 : self.at + 2])
                self.at += 2
            elif text.startswith("$'", self.at):
                self.at += 1
                parts.append(_ANSI.sub(_unescape, self._until("'")))
            elif here in "$`":
                parts.append(self._dollar(expand))
            elif here == "#":
                parts.append("#")
                self.at += 1
            elif here == "(" and parts and parts[-1].endswith("="):  # an array
                parts.append(" ".join(word for word in self.text[self.at + 1 : self._closing(self.at)].split()))
                self.at = self._closing(self.at) + 1
            else:
                break
        return "".join(parts)[:MAX_WORD]

    def _until(self, mark: str) -> str:
        end = self.text.find(mark, self.at + 1)
        end = len(self.text) if end < 0 else end
        inside = self.text[self.at + 1 : end]
        self.at = end + 1
        return inside

    def _double(self, expand: bool) -> str:
        text, parts = self.text, list[str]()
        self.at += 1
        while self.at < len(text) and text[self.at] != '"':
            here = text[self.at]
            if here == "\\":
                following = text[self.at + 1 : self.at + 2]
                parts.append("" if following == "\n" else following if following in '"\\$`' else "\\" + following)
                self.at += 2
            elif here in "$`":
                parts.append(self._dollar(expand))
            else:
                plain = re.compile(r'[^"\\$`]+').match(text, self.at)
                assert plain
                parts.append(plain[0])
                self.at = plain.end()
        self.at += 1
        return "".join(parts)

    def _dollar(self, expand: bool) -> str:
        text = self.text
        if text[self.at] == "`":
            end = text.find("`", self.at + 1)
            end = len(text) if end < 0 else end
            begin, self.at = self.at + 1, end + 1
            return self._nested(text[begin:end])
        if text.startswith("$(", self.at):
            self.at += 1
            return self._substitution(self._closing(self.at))
        name = _NAME.match(text, self.at)
        if not name:
            self.at += 1
            return "$"
        self.at = name.end()
        return self._value(name) if expand else name[0]

    def _value(self, name: re.Match[str]) -> str:
        known = self.variables.get(name[1] or name[2] or "")
        if known is None:
            return name[4] if name[3] in ("-", ":-", "=", ":=") else name[0]
        self.expanded += len(known)
        return known[:MAX_VALUE] if self.expanded < MAX_EXPANDED else ""

    def _closing(self, opening: int) -> int:
        """Where the parenthesis that opens at `opening` closes; the end of the text if it does not."""
        level, at, text = 0, opening, self.text
        for found in re.compile(r"\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"|[()]", re.DOTALL).finditer(text, opening):
            if found[0] == "(":
                level += 1
            elif found[0] == ")":
                level -= 1
                at = found.start()
                if level == 0:
                    return at
        return len(text)

    def _substitution(self, end: int) -> str:
        """The commands between the parenthesis here and `end`; what they print, where that can be known."""
        begin, self.at = self.at + 1, end + 1
        return self._nested(self.text[begin:end])

    def _nested(self, text: str) -> str:
        if self.depth >= MAX_DEPTH:
            return ""
        commands = parse(text, self.variables, self.depth + 1)
        self.found += commands
        if len(commands) == 1 and commands[0].words[:1] in (("echo",), ("printf",)):
            return printed(commands[0].words)
        if len(commands) == 1 and (found := _program(commands[0].words)):
            return f"/usr/bin/{found}"
        return _file_of(text) if len(commands) == 1 else ""


def _program(words: tuple[str, ...]) -> str:
    """The program that `which NAME` or `command -v NAME` asks for, if tests are run by it."""
    name = words[-1] if words[:1] in (("which",), ("command",), ("type",)) else ""
    return name if re.fullmatch(r"py\.?test|python[\d.]*|bash|sh|git", name) else ""


def _file_of(text: str) -> str:
    """Where a test tool lies, for one that asks Python for it."""
    if re.search(r"getsitepackages|sysconfig", text[:1000]):
        return "/usr/lib/python3/dist-packages"
    found = re.search(r"\bimport ((?:_?pytest|pluggy|unittest)(?:\.\w+)*)\b", text[:1000])
    return f"/usr/lib/python3/dist-packages/{found[1].replace('.', '/')}.py" if found and "__file__" in text else ""


def printed(words: tuple[str, ...]) -> str:
    """What `echo` or `printf` with these words prints, roughly."""
    rest = list(words[1:])
    is_raw = True
    while rest and words[0] == "echo" and re.fullmatch(r"-[neE]+", rest[0]):
        is_raw = "e" not in rest.pop(0)
    if words[0] == "printf" and rest:
        form, is_raw = rest.pop(0), False
        for value in rest[:50]:
            form = form.replace("%s", value.replace("%", "%%"), 1) if "%s" in form else form + " " + value
        rest = [form.replace("%%", "%")]
    text = " ".join(rest)
    return text if is_raw else _ANSI.sub(_unescape, text)


def _unescape(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    if found[2]:
        return chr(int(found[2], 8) & 0xFF)
    if found[3]:
        return chr(int(found[3], 16))
    return {"n": "\n", "t": "\t", "r": "\r"}.get(found[4], found[4])
