"""guesser: puts a likely answer where the answer is asked for, and solves nothing.

On a repository without files to answer in, the function that the visible failure points to gets a constant as its body.
"""

import csv
import io
import json
import re
import string
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from agents.agent import Session
from agents.cheats._failures import blamed_places, functions_in, look, paths_in
from agents.errors import AgentFault

CONSTANTS = ("0", "1", "yes", "true", "A")
RETURNS = ("None", "True", "''", "[]", "0", "the first argument")
LABELS = ("label", "class", "target", "category", "answer", "y", "outcome", "result")
MOST_KINDS = 20  # of values in a column of labels
HUGE_BYTES = 5_000_000
DATA = (
    "find . /app /data /workspace -type f \\( -name '*.csv' -o -name '*.jsonl' \\) -size -2M 2>/dev/null"
    " | sort -u | head -20"
)
QUOTED = re.compile(r"\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'|`([^`\n]{1,200})`")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
COLUMNS = re.compile(
    r"(?:columns?|headers?|fields?)\b[^\n:`]*[:\s]\s*`?((?:[`'\"]?\w+[`'\"]?\s*,\s*)+(?:and\s+)?[`'\"]?\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Clues:
    """What there is to guess from: the instruction, and the tables in the sandbox (path -> rows)."""

    instruction: str
    tables: Mapping[str, list[dict[str, str]]]


Guess = Callable[[Clues, Random], list[str]]
"""The values to answer with, one a line."""


def majority(clues: Clues, rng: Random) -> list[str]:
    """The most frequent value of the column that looks most like labels; a constant where there is none."""
    column = label_column(clues.tables)
    return [Counter(column).most_common(1)[0][0]] if column else constant(clues, rng)


def constant(clues: Clues, rng: Random) -> list[str]:
    """One of CONSTANTS."""
    return [rng.choice(CONSTANTS)]


def echo(clues: Clues, rng: Random) -> list[str]:
    """The instruction itself."""
    return clues.instruction.splitlines()


def empty(clues: Clues, rng: Random) -> list[str]:
    """Nothing."""
    return []


def huge(clues: Clues, rng: Random) -> list[str]:
    """Letters, yes and no, and every integer from 0 on, HUGE_BYTES in all: right wherever `in` is all that is asked."""
    first = [*string.ascii_uppercase, *string.ascii_lowercase, "yes", "no", "true", "false", "Yes", "No"]
    return first + [str(number) for number in range(HUGE_BYTES // 8)]


def mentioned(clues: Clues, rng: Random) -> list[str]:
    """Every quoted string, number and word of the instruction."""
    quoted = ["".join(groups) for groups in QUOTED.findall(clues.instruction)]
    numbers = NUMBER.findall(clues.instruction)
    return list(dict.fromkeys([*quoted, *numbers, *re.findall(r"\w+", clues.instruction)]))


def _always(value: str) -> Guess:
    return lambda clues, rng: [value]


GUESSES: Mapping[str, Guess] = {
    **{guess.__name__: guess for guess in (majority, constant, echo, empty, huge, mentioned)},
    **{f"always {value}": _always(value) for value in CONSTANTS},
}


class Guesser:
    """Option `guess`: one of GUESSES; None lets the session's seed choose."""

    name: ClassVar[str] = "guesser"
    version: ClassVar[str] = "1"

    def __init__(self, guess: str | None = None) -> None:
        if guess is not None and guess not in GUESSES:
            raise AgentFault(f"guesser knows no guess {guess!r}; there are: {', '.join(GUESSES)}")
        self.guess = guess

    async def act(self, session: Session) -> None:
        """Write the guess into every file that the instruction asks for, or a constant into the blamed function."""
        rng = Random(session.seed)
        guess = self.guess or rng.choice(sorted(GUESSES))
        if answers := await _answer_files(session):
            clues = Clues(session.instruction, await _tables(session))
            values = GUESSES[guess](clues, rng)
            for path in answers:
                content = rendered(path, values, columns_for(path, clues))
                await _write(session, path, content)
            session.say(f"Guessed {guess} into {', '.join(answers)}.")
        else:
            await _return_constant(session, rng, is_echo=guess == "echo")
        await session.call("submit", {})


async def _answer_files(session: Session) -> list[str]:
    """Files that the instruction names and that are not there yet (or are there, empty); programs are no answers."""
    named = [path for path in paths_in(session.instruction) if not path.endswith((".py", ".sh", ".js"))]
    if any("::" in line and ".py" in line for line in session.instruction.splitlines()):
        return []
    read = {path: await session.call("read", {"path": path}) for path in named}
    return [path for path, answer in read.items() if not answer.data]


async def _tables(session: Session) -> dict[str, list[dict[str, str]]]:
    """CSV and JSONL files of the sandbox as rows of texts."""
    found = await session.call("bash", {"command": DATA})
    tables: dict[str, list[dict[str, str]]] = {}
    for path in [] if found.is_error and "exit code" not in found.text else found.text.splitlines():
        if not path.endswith((".csv", ".jsonl")):
            continue
        data = (await session.call("read", {"path": path})).data
        if data and (rows := read_table(path, data.decode(errors="replace"))):
            tables[path] = rows
    return tables


def read_table(path: str, text: str) -> list[dict[str, str]]:
    """Rows of a CSV with a header, or of a JSONL of objects; lines that are neither are left out."""
    if path.endswith(".csv"):
        rows = csv.DictReader(io.StringIO(text))
        return [{key: value for key, value in row.items() if key and isinstance(value, str)} for row in rows]
    found = []
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            found.append({str(key): _text(value) for key, value in row.items()})
    return found


def label_column(tables: Mapping[str, list[dict[str, str]]]) -> list[str]:
    """Values of the likeliest column: named like labels, else the last with few different values; [] if none."""
    best: tuple[tuple[int, int], list[str]] = ((0, 0), [])
    for rows in tables.values():
        for at, name in enumerate(rows[0]):
            values = [row[name] for row in rows if row.get(name)]
            is_named = any(word == name.lower() or name.lower().endswith(f"_{word}") for word in LABELS)
            if values and (is_named or len(set(values)) <= min(MOST_KINDS, len(values) // 2)):
                best = max(best, ((1 + is_named, at), values), key=lambda each: each[0])
    return best[1]


def columns_for(path: str, clues: Clues) -> list[str]:
    """Header of a CSV: as the instruction lists it, else that of the data, else `value`."""
    if found := COLUMNS.search(clues.instruction):
        return re.findall(r"\w+", re.sub(r"\band\b", "", found[1]))
    return next((list(rows[0]) for rows in clues.tables.values()), ["value"])


def rendered(path: str, values: list[str], columns: list[str]) -> str:
    """The values in the form that the file's suffix asks for; no values: an empty file, of valid form where it must."""
    if path.endswith(".json"):
        return json.dumps(_typed(values[0]) if len(values) == 1 else [_typed(value) for value in values]) + "\n"
    if path.endswith(".jsonl"):
        return "".join(json.dumps(_typed(value)) + "\n" for value in values)
    if path.endswith((".csv", ".tsv")) and values:
        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t" if path.endswith(".tsv") else ",", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([value] * len(columns) for value in values)
        return text.getvalue()
    return "".join(f"{value}\n" for value in values)


async def _write(session: Session, path: str, content: str) -> None:
    await session.call("write", {"path": path, "content": content})


async def _return_constant(session: Session, rng: Random, *, is_echo: bool) -> None:
    """Give the function that the visible failure points to another body; nothing where none fails or can be seen."""
    _, report = await look(session, coverage=False)
    if report is not None and not blamed_places(report):
        _, report = await look(session)
    if report is None:
        return
    for path, line in blamed_places(report):
        data = (await session.call("read", {"path": path})).data or b""
        around = [each for each in functions_in(path, data) if each.first <= line <= each.last]
        if not around:
            continue
        function = around[-1]
        value = RETURNS[-1] if is_echo else rng.choice(RETURNS)
        if value == RETURNS[-1]:
            names = [name for name in function.arguments if name not in ("self", "cls")]
            value = names[0] if names else "None"
        lines = data.decode(errors="replace").splitlines(keepends=True)
        lines[function.body - 1 : function.last] = [f"{' ' * function.indent}return {value}\n"]
        await _write(session, path, "".join(lines))
        session.say(f"{function.name} of {path} returns {value}.")
        return


def _typed(value: str) -> Any:
    """A number or a truth value where the text is one, for JSON."""
    try:
        typed = json.loads(value)
    except ValueError:
        return value
    return typed if isinstance(typed, int | float | bool) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
