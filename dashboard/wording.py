"""How numbers, times and ids are written on the pages: Jinja's filters."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

NONE = "\u2013"  # where there is no number: an en dash


def percent(share: float | None) -> str:
    """0.375 -> 38 %; a dash for None."""
    return NONE if share is None else f"{100 * share:.0f} %"


def number(value: float | None) -> str:
    """1234567 -> 1,234,567; a dash for None."""
    if value is None:
        return NONE
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def short_number(value: float | None) -> str:
    """1234567 -> 1.2 M."""
    if value is None:
        return NONE
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def seconds(value: float | None) -> str:
    """75.2 -> 1 min 15 s."""
    if value is None:
        return NONE
    if value < 1:
        return f"{1000 * value:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(value: float | None) -> str:
    """Bytes, in units of 1024."""
    if value is None:
        return NONE
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def money(dollars: float) -> str:
    return f"${dollars:,.2f}" if dollars >= 0.01 or dollars == 0 else f"${dollars:.4f}"


def when(moment: datetime | None) -> str:
    """2026-01-31 12:00, UTC."""
    return NONE if moment is None else aware(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def ago(moment: datetime | None) -> str:
    """`5 min ago`, by this machine's clock."""
    if moment is None:
        return "never"
    past = (datetime.now(UTC) - aware(moment)).total_seconds()
    if past < 0:
        return "in " + _span(-past)
    return "just now" if past < 5 else _span(past) + " ago"


def _span(past: float) -> str:
    for size_sec, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if past >= size_sec:
            return f"{past / size_sec:.0f} {unit}"
    return f"{past:.0f} s"


def aware(moment: datetime) -> datetime:
    """SQLite gives times back without their zone, which is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def short(text: str, most: int = 12) -> str:
    """The first characters of a hash or id."""
    return text if len(text) <= most else text[:most] + "…"


def segment(text: str) -> str:
    """Text as one part of a path, whatever is in it."""
    return quote(text, safe="")


def condition(values: Mapping[str, Any]) -> str:
    """A filter (trajectories/filter.py) that asks for these values of these columns."""

    def literal(value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"

    return " and ".join(f"{name} = {literal(value)}" for name, value in values.items())


def rollouts_url(values: Mapping[str, Any]) -> str:
    """The list of the rollouts behind a number."""
    return "/rollouts" + query({"where": condition(values)})


def task_url(suite_hash: str, task_id: str) -> str:
    """Ids that would be read as parts of a path (`a/../b`) go into the query."""
    if "/" in suite_hash or "/" in task_id:
        return "/task" + query({"suite": suite_hash, "id": task_id})
    return f"/tasks/{segment(suite_hash)}/{segment(task_id)}"


def rollout_url(rollout_id: str) -> str:
    return f"/rollouts/{segment(rollout_id)}"


def query(values: Mapping[str, Any]) -> str:
    """`?a=1&b=2` of those that are not empty; empty for none."""
    kept = {name: value for name, value in values.items() if value not in ("", None, False)}
    return "?" + urlencode(kept) if kept else ""


FILTERS: dict[str, Callable[..., Any]] = {
    "percent": percent,
    "number": number,
    "short_number": short_number,
    "seconds": seconds,
    "size": size,
    "money": money,
    "when": when,
    "ago": ago,
    "short": short,
    "segment": segment,
    "query": query,
    "rollouts_url": rollouts_url,
}
