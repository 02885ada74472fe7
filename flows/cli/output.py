"""What a person sees: tables and JSON on stdout, a progress bar on stderr."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel


def print_json(data: BaseModel | Mapping[str, Any] | Sequence[Any]) -> None:
    """One JSON document on stdout."""
    text = data.model_dump_json() if isinstance(data, BaseModel) else json.dumps(data, default=str)
    sys.stdout.write(text + "\n")


def print_line(text: str) -> None:
    """One line on stdout, never wrapped: paths stay whole."""
    sys.stdout.write(text + "\n")


def print_table(title: str, rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Rows as a table on stdout; numbers to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        is_number = bool(rows) and all(isinstance(row.get(column), int | float) for row in rows)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    Console(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 140).print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@contextmanager
def progress_bar() -> Iterator[None]:
    """Show the events of the block on stderr: a bar on a terminal, a line every tenth elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from flows.progress import Event, listening

    console = Console(stderr=True)
    if not console.is_terminal:
        shown: dict[str, int] = {}

        def tell(event: Event) -> None:
            tenth = 10 * event.done // max(1, event.total)
            if tenth > shown.get(event.stage, -1):
                shown[event.stage] = tenth
                sys.stderr.write(f"{event.stage}: {event.done} of {event.total}\n")
                sys.stderr.flush()

        with listening(tell):
            yield
        return

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        known: dict[str, Any] = {}

        def draw(event: Event) -> None:
            if event.stage not in known:
                known[event.stage] = bars.add_task(event.stage, total=event.total)
            bars.update(known[event.stage], completed=event.done, total=event.total)

        with listening(draw):
            yield
