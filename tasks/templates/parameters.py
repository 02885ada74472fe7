"""Kinds of parameters: each becomes a function that draws a value from a seeded generator of random numbers.

What a kind needs (tables, trees, files, queries, functions) is read and checked when the template is loaded.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from tasks.errors import BadTemplate
from tasks.templates._python import explain, load_function, takes
from tasks.templates._tables import read_table
from tasks.templates.rendering import Fault, compile_expression, names_used, parameter_names, plain
from tasks.templates.schema import Parameter
from tasks.templates.taxonomy import Tree, read_tree

Draw = Callable[[Random, Mapping[str, Any]], Any]


class FieldFault(Exception):
    """What is wrong with one field of a parameter; `name`: what it asks for and is not there."""

    def __init__(self, field: str, what: str, line: int = 1, *, name: str = "") -> None:
        super().__init__(what)
        self.field, self.what, self.line, self.name = field, what, line, name


@dataclass(frozen=True)
class Sampler:
    """One parameter, ready to be drawn. `draw` raises FieldFault."""

    name: str
    draw: Draw
    tree: Tree | None = None


def prepare(name: str, parameter: Parameter, folder: Path, earlier: tuple[str, ...]) -> Sampler:
    """`earlier`: names of the parameters before it. Raises FieldFault."""
    match parameter.kind:
        case "range":
            return Sampler(name, _range(parameter))
        case "choice":
            return Sampler(name, _choice(parameter))
        case "table":
            return Sampler(name, _table(name, parameter, folder, earlier))
        case "taxonomy":
            tree = _tree(parameter, folder)
            values = [dict(leaf.value) for leaf in tree.leaves]
            return Sampler(name, lambda rng, known: rng.choice(values), tree)
        case "file":
            return Sampler(name, _file(parameter, folder))
        case "sql":
            return Sampler(name, _sql(parameter, folder, earlier))
        case "python":
            return Sampler(name, _python(parameter, folder, earlier))
    return Sampler(name, _value(parameter, earlier))


def _range(parameter: Parameter) -> Draw:
    assert parameter.range is not None
    low, high = parameter.range
    if low > high:
        raise FieldFault("range", f"begins at {low} and ends before it, at {high}; write the smaller one first")
    if parameter.step is None and not (isinstance(low, int) and isinstance(high, int)):
        return lambda rng, known: rng.uniform(low, high)
    # decimal, so that 0.1 + 2 * 0.1 is 0.3
    first, step = Decimal(str(low)), Decimal(str(parameter.step or 1))
    count = int((Decimal(str(high)) - first) / step) + 1
    as_number = int if all(isinstance(each, int) for each in (low, parameter.step or 1)) else float
    return lambda rng, known: as_number(first + rng.randrange(count) * step)


def _choice(parameter: Parameter) -> Draw:
    choices, weights = parameter.choice, parameter.weights
    assert choices is not None
    if weights is None:
        return lambda rng, known: rng.choice(choices)
    if len(weights) != len(choices):
        raise FieldFault("weights", f"has {len(weights)} numbers for {len(choices)} choices; give one each")
    if not sum(weights):
        raise FieldFault("weights", "are all 0; nothing could be drawn")
    return lambda rng, known: rng.choices(choices, weights)[0]


def _table(name: str, parameter: Parameter, folder: Path, earlier: tuple[str, ...]) -> Draw:
    assert parameter.table is not None
    rows = _field("table", lambda: read_table(_existing(folder, parameter.table or "")))
    if not rows:
        raise FieldFault("table", f"{parameter.table} has no rows")
    if parameter.where is None:
        return lambda rng, known: dict(rng.choice(rows))
    where = _field("where", lambda: compile_expression(parameter.where or "", {*earlier, name, "row"}))

    def fitting(known: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = [row for row in rows if _field("where", lambda row=row: where({"row": row, **known, name: row}))]  # type: ignore[misc]
        if not found:
            raise FieldFault("where", f"holds for none of the {len(rows)} rows of {parameter.table}")
        return found

    fixed = fitting({}) if not names_used(parameter.where) & (set(earlier) - {name, "row"}) else None
    return lambda rng, known: dict(rng.choice(fixed if fixed is not None else fitting(known)))


def _tree(parameter: Parameter, folder: Path) -> Tree:
    try:
        return read_tree(_field("taxonomy", lambda: _existing(folder, parameter.taxonomy or "")))
    except BadTemplate as error:
        raise FieldFault("taxonomy", str(error)) from error


def _file(parameter: Parameter, folder: Path) -> Draw:
    assert parameter.file is not None
    pattern = parameter.file
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise FieldFault("file", "must lie beside the template; write a path without .. and /")
    files = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not files:
        raise FieldFault("file", f"no file beside the template is called {pattern!r}")
    values = []
    for path in files:
        try:
            values.append({"path": path.relative_to(folder).as_posix(), "text": path.read_bytes().decode()})
        except UnicodeDecodeError as error:
            raise FieldFault("file", f"{path} is not UTF-8 text") from error
    return lambda rng, known: dict(rng.choice(values))


def _sql(parameter: Parameter, folder: Path, earlier: tuple[str, ...]) -> Draw:
    query = parameter.sql or ""
    database = _open(_field("database", lambda: _existing(folder, parameter.database or "")))
    names = parameter_names(query)
    if unknown := sorted(names - set(earlier)):
        what = f"there is no parameter {unknown[0]!r} before it; there are: {_listed(earlier)}"
        raise FieldFault("sql", what, name=unknown[0])
    try:
        database.execute(f"explain {query}", dict.fromkeys(names))
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise FieldFault("sql", f"SQLite refuses the query: {error}") from error

    def rows(known: Mapping[str, Any]) -> list[dict[str, Any]]:
        try:
            found = [dict(row) for row in database.execute(query, {name: known[name] for name in names})]
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise FieldFault("sql", f"SQLite: {error}") from error
        if not found:
            raise FieldFault("sql", "the query gives no row")
        # a query without ORDER BY gives them in an order that SQLite may change
        return sorted(found, key=lambda row: json.dumps(row, default=repr))

    fixed = rows({}) if not names else None
    return lambda rng, known: dict(rng.choice(fixed if fixed is not None else rows(known)))


def _open(file: Path) -> sqlite3.Connection:
    try:
        if file.suffix == ".sql":
            database = sqlite3.connect(":memory:", check_same_thread=False)
            database.executescript(file.read_text(encoding="utf-8"))
        else:
            database = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            database.execute("select count(*) from sqlite_master")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise FieldFault("database", f"{file} cannot be opened: {error}") from error
    database.row_factory = sqlite3.Row
    return database


def _python(parameter: Parameter, folder: Path, earlier: tuple[str, ...]) -> Draw:
    function = _field("python", lambda: load_function(folder, parameter.python or ""))
    given = parameter.arguments
    field = "arguments" if given else "python"
    wanted = sorted(_field(field, lambda: takes(function, set(given), set(earlier))))

    def draw(rng: Random, known: Mapping[str, Any]) -> Any:
        try:
            return function(rng, **given, **{name: known[name] for name in wanted})
        except Exception as error:
            raise FieldFault("python", explain(error, folder)) from error

    return draw


def _value(parameter: Parameter, earlier: tuple[str, ...]) -> Draw:
    text = parameter.value
    if not isinstance(text, str):
        return lambda rng, known: text
    expression = _field("value", lambda: compile_expression(text, earlier))
    return lambda rng, known: _field("value", lambda: expression(known))


def small(value: Any) -> Any:
    """A parameter as it is kept in a task's provenance: short plain values; None for all else."""
    try:
        text = json.dumps(found := plain(value))
    except Fault:
        return None
    return found if len(text) <= 200 else None


def _existing(folder: Path, path: str) -> Path:
    file = folder / path
    if not file.is_file():
        raise Fault(f"there is no file {file}")
    return file


def _field(field: str, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except Fault as fault:
        raise FieldFault(field, fault.what, fault.line, name=fault.name) from fault


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(sorted(names)) or "none"
