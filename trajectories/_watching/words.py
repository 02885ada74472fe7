"""One word of shell text: its quotes are removed, its variables and substitutions replaced."""

import re
from abc import ABC, abstractmethod

from trajectories._watching.printing import unescaped

MAX_WORD = 200_000  # characters of one word, after expansion
MAX_VALUE = 20_000  # characters of one variable
MAX_EXPANDED = 2_000_000  # characters of all the values that one text is given

_PLAIN = re.compile(r"[^\s'\"\\$`;&|<>()#]+")
_PLAIN_IN_QUOTES = re.compile(r'[^"\\$`]+')
_NAME = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-=+?#%/])([^{}]*))?\}|([0-9@*#?$!-]))")
_NESTING = re.compile(r"\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"|[()]", re.DOTALL)


class WordReader(ABC):
    """Reads words of a text, from `at` on. `variables` are the values that are known."""

    def __init__(self, text: str, variables: dict[str, str]) -> None:
        self.text = text
        self.variables = variables
        self.at = 0
        self.expanded = 0

    @abstractmethod
    def substitute(self, text: str) -> str:
        """What the commands of a substitution print."""

    def word(self, *, expand: bool = True) -> str:
        """The word that begins here; empty where none does."""
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
                parts.append(unescaped(self._until("'")))
            elif here in "$`":
                parts.append(self._dollar(expand))
            elif here == "#":
                parts.append("#")
                self.at += 1
            elif here == "(" and parts and parts[-1].endswith("="):  # an array
                parts.append(" ".join(self._inside().split()))
            else:
                break
        return "".join(parts)[:MAX_WORD]

    def substitution(self) -> str:
        """What the commands between the parenthesis here and its end print."""
        return self.substitute(self._inside())

    def expanded_names(self, text: str) -> str:
        """A text with its variables replaced, and nothing else."""
        return _NAME.sub(self._value, text)

    def skip_blanks(self) -> None:
        while self.text.startswith((" ", "\t"), self.at):
            self.at += 1

    def _until(self, mark: str) -> str:
        """Step over a mark and all up to the next one, which is given."""
        end = self.text.find(mark, self.at + 1)
        end = len(self.text) if end < 0 else end
        begin, self.at = self.at + 1, end + 1
        return self.text[begin:end]

    def _inside(self) -> str:
        """Step over the parenthesis here, to the end of the text if it does not close; what is in it is given."""
        level, end = 0, len(self.text)
        for found in _NESTING.finditer(self.text, self.at):
            level += {"(": 1, ")": -1}.get(found[0], 0)
            if found[0] == ")" and level == 0:
                end = found.start()
                break
        begin, self.at = self.at + 1, end + 1
        return self.text[begin:end]

    def _double(self, expand: bool) -> str:
        text, parts = self.text, list[str]()
        self.at += 1
        while self.at < len(text) and text[self.at] != '"':
            plain = _PLAIN_IN_QUOTES.match(text, self.at)
            if plain:
                parts.append(plain[0])
                self.at = plain.end()
            elif text[self.at] == "\\":
                following = text[self.at + 1 : self.at + 2]
                parts.append("" if following == "\n" else following if following in '"\\$`' else "\\" + following)
                self.at += 2
            else:
                parts.append(self._dollar(expand))
        self.at += 1
        return "".join(parts)

    def _dollar(self, expand: bool) -> str:
        text = self.text
        if text[self.at] == "`":
            return self.substitute(self._until("`"))
        if text.startswith("$(", self.at):
            self.at += 1
            return self.substitution()
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
