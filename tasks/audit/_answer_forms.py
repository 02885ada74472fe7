"""An answer in another form that says the same, where the instruction leaves the form free."""

import csv
import io
import json
import re
from pathlib import PurePosixPath
from typing import Any

_ORDERED = re.compile(
    r"\bsort|\b(?:in|by|same|this|that)\s+order\b|\border(?:ed)? by\b|\balphabetic|\bascending|\bdescending"
    r"|\bfirst\b.*\bthen\b|\brank",
    re.IGNORECASE,
)
_ORDER_IS_FREE = re.compile(
    r"\bany order\b|\border (?:does not|doesn't) matter|\bno particular order\b|\border is free", re.IGNORECASE
)
_EXACT = re.compile(
    r"\bindent|\bexact|\bbyte|\bcanonical|\b(?:single|one) line\b|\bcompact|\bnew ?line|\bquot|\bpretty", re.IGNORECASE
)


def other_forms(path: str, after: bytes, instruction: str) -> dict[str, bytes]:
    """What was done -> the file in that form; empty where nothing may be done."""
    text = after.decode()
    suffix = PurePosixPath(path).suffix.lower()
    is_exact = bool(_EXACT.search(instruction))
    found: dict[str, str] = {}
    if suffix == ".json":
        found |= _of_json(text, instruction, is_exact=is_exact)
    elif suffix in (".csv", ".tsv"):
        found |= _of_csv(text, "," if suffix == ".csv" else "\t", instruction, is_exact=is_exact)
    elif suffix != ".jsonl" and text.strip():
        lines = text.splitlines(keepends=True)
        if _ORDER_IS_FREE.search(instruction) and len(lines) > 1 and text.endswith("\n"):
            found["rows in another order"] = "".join(reversed(lines))
        elif not is_exact:
            found["last line end"] = text.removesuffix("\n") if text.endswith("\n") else f"{text}\n"
    return {name: new.encode() for name, new in found.items() if new.encode() != after}


def _of_json(text: str, instruction: str, *, is_exact: bool) -> dict[str, str]:
    try:
        value = json.loads(text, object_pairs_hook=_without_twins)
    except ValueError:
        return {}
    found = {}
    indent = 2 if "\n" in text.strip() else None
    if _has_keys(value) and not _ORDERED.search(instruction) and not is_exact:
        found["keys in another order"] = json.dumps(_turned(value), indent=indent, ensure_ascii=False) + "\n"
    if not is_exact and isinstance(value, dict | list):
        found["another indentation"] = json.dumps(value, indent=None if indent else 4, ensure_ascii=False) + "\n"
    return found


def _has_keys(value: Any) -> bool:
    if isinstance(value, dict):
        return len(value) > 1 or any(map(_has_keys, value.values()))
    return isinstance(value, list) and any(map(_has_keys, value))


def _turned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _turned(value[key]) for key in reversed(value)}
    return [_turned(each) for each in value] if isinstance(value, list) else value


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def _of_csv(text: str, delimiter: str, instruction: str, *, is_exact: bool) -> dict[str, str]:
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    if len(rows) < 2 or not all(rows):
        return {}
    found = {}
    newline = "\r\n" if "\r\n" in text else "\n"

    def text_of(these: list[list[str]], quoting: int) -> str:
        out = io.StringIO()
        # csv's stubs want literals for `quoting`
        writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting)  # type: ignore[arg-type]
        writer.writerows(these)
        return out.getvalue()

    if not is_exact:
        found["another quoting"] = text_of(rows, csv.QUOTE_ALL)
    if _ORDER_IS_FREE.search(instruction) and len(rows) > 2:
        found["rows in another order"] = text_of([rows[0], *reversed(rows[1:])], csv.QUOTE_MINIMAL)
    return found
