"""Calls with their values turned into variables, and sequences of them without their repetitions.

`write(path=answer.txt, content=maple)` becomes `write(path={path from the task}, content={content from what read
gave})`: what a workflow of another task can use is where a value came from, not the value.
"""

import re
import shlex
from collections.abc import Sequence
from typing import Any

from agents.memory.past import Did

LONGEST_BLOCK = 6  # calls that are seen as one round of a loop
SHORTEST_VALUE = 2  # characters: shorter ones are found everywhere
NOT_TOLD = frozenset({"timeout_sec"})  # arguments that say nothing of the way


def abstract_calls(did: Sequence[Did], instruction: str) -> list[str]:
    """Each call that was answered without an error as one line, its values as variables."""
    lines, before = list[str](), list[Did]()
    for each in did:
        if not each.is_error:
            lines.append(f"{each.tool}({_arguments(each, instruction, before)})")
            before.append(each)
    return lines


def without_loops(lines: Sequence[str]) -> list[str]:
    """Blocks of up to six lines that follow themselves are told once: `(again as needed)`; those inside first."""
    shortened = list(lines)
    for length in range(1, LONGEST_BLOCK + 1):
        shortened = _collapsed(shortened, length)
    return shortened


def _collapsed(lines: list[str], length: int) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(lines):
        block = lines[at : at + length]
        rounds = 1
        while len(block) == length and _same(block, lines[at + rounds * length : at + (rounds + 1) * length]):
            rounds += 1
        if rounds > 1:
            told = block if length > 1 else [block[0].removesuffix(AGAIN)]
            kept += [*told[:-1], f"{told[-1].removesuffix(AGAIN)}{AGAIN if length == 1 else _again(length)}"]
            at += rounds * length
        else:
            kept.append(lines[at])
            at += 1
    return kept


AGAIN = " (again as needed)"


def _again(length: int) -> str:
    return f" (these {length} again as needed)"


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    """The same calls, whether said to be repeated or not, and wherever their values came from."""
    return [_call(line) for line in one] == [_call(line) for line in other]


def _call(line: str) -> str:
    return re.sub(r" from (the task|what \w+ gave)\}", "}", re.sub(r" \(.*again as needed\)$", "", line))


def _arguments(did: Did, instruction: str, before: Sequence[Did]) -> str:
    told = []
    for name, value in did.arguments.items():
        if name in NOT_TOLD or value is None:
            continue
        told.append(f"{name}={_value(name, value, instruction, before)}")
    return ", ".join(told)


def _value(name: str, value: Any, instruction: str, before: Sequence[Did]) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return f"{{{name}}}"
    text = str(value).strip()
    if name in ("command", "cmd"):
        return abstract_command(text, instruction)
    if len(text) >= SHORTEST_VALUE and text in instruction:
        return f"{{{name} from the task}}"
    for earlier in reversed(before):
        if len(text) >= SHORTEST_VALUE and text in earlier.answer:
            return f"{{{name} from what {earlier.tool} gave}}"
    return f"{{{name}}}"


_KEPT_WORD = re.compile(r"^(-{1,2}[\w-]+|\||\|\||&&|;|>|>>|<|2>&1)$")
_WITH_SUBCOMMANDS = ("git", "pip", "npm", "cargo", "go")


def abstract_command(command: str, instruction: str) -> str:
    """Programs, their subcommands and options stay; paths, texts and numbers become variables."""
    first = command.strip().splitlines()[0] if command.strip() else ""
    try:
        lexer = shlex.shlex(first, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:  # an open quote
        words = first.split()
    told: list[str] = []
    is_program = True
    for word in words:
        is_subcommand = bool(told) and told[-1] in _WITH_SUBCOMMANDS and re.fullmatch(r"[a-z][a-z-]+", word)
        is_kept = is_program or is_subcommand or _KEPT_WORD.match(word)
        told.append(word if is_kept else _variable(word, instruction))
        is_program = word in ("|", "||", "&&", ";")
    return " ".join(told)


def _variable(word: str, instruction: str) -> str:
    kind = "number" if re.fullmatch(r"\d+", word) else "path" if "/" in word or "." in word else "text"
    is_asked = len(word) >= SHORTEST_VALUE and word in instruction
    return f"{{{kind} from the task}}" if is_asked else f"{{{kind}}}"
