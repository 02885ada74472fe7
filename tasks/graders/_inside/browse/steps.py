"""The steps that may be asked of a browser: read and checked, then done.

A step is an object: `do`, and what that needs:

    {"do": "goto", "path": "/cart"}
    {"do": "click", "on": "Add to cart"}
    {"do": "fill", "on": "Email", "text": "a@b.example"}
    {"do": "select", "on": "Sort by", "option": "Price, low to high"}
    {"do": "check", "on": "I agree"}          and "uncheck"
    {"do": "press", "key": "Enter"}
    {"do": "wait_for", "text": "Thank you"}
    {"do": "back"}

`on` is the name that people see (a label, a button's or link's text), whole or in part; where several have it, "in": a
text of the row or box around it, "nth": 1 for the first, "kind": link, button, field, choice, checkbox or radio.
"css": a selector, in place of `on`.
"""

from __future__ import annotations

import json
import time
import urllib.parse
from typing import Any

from .devtools import KEYS
from .engine import Engine, StepFailed

MAX_TEXT = 5_000
MAX_NTH = 1_000
WAIT_TIMEOUT_SEC = 5.0
_TARGET = {"on": str, "css": str, "in": str, "nth": int, "kind": str}
_NEEDS: dict[str, dict[str, type]] = {
    "goto": {"path": str},
    "click": {},
    "fill": {"text": str},
    "select": {"option": str},
    "check": {},
    "uncheck": {},
    "press": {"key": str},
    "wait_for": {"text": str},
    "back": {},
}
_WITH_TARGET = ("click", "fill", "select", "check", "uncheck")
KINDS = ("link", "button", "field", "choice", "checkbox", "radio", "summary")


class BadSteps(Exception):
    """What was handed in is no list of steps; the message says which one and why."""


def read_steps(content: bytes, *, max_steps: int) -> list[dict[str, Any]]:
    """Raises BadSteps."""
    try:
        steps = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadSteps(f"is no JSON: {error}") from error
    if not isinstance(steps, list):
        raise BadSteps("must be a JSON list of steps")
    if len(steps) > max_steps:
        raise BadSteps(f"has {len(steps)} steps; at most {max_steps} are allowed")
    for number, step in enumerate(steps, 1):
        if problem := problem_of(step):
            raise BadSteps(f"step {number}: {problem}")
    return steps


def problem_of(step: Any) -> str | None:
    """What is wrong with its form; None where nothing is."""
    if not isinstance(step, dict):
        return 'must be an object like {"do": "click", "on": "Sign in"}'
    do = step.get("do")
    if not isinstance(do, str) or do not in _NEEDS:
        return f'"do" must be one of: {", ".join(_NEEDS)}'
    fields = {"do": str, **_NEEDS[do], **(_TARGET if do in _WITH_TARGET else {})}
    for name, value in step.items():
        if name not in fields:
            return f'"{do}" takes no "{name}"; it takes: {", ".join(fields)}'
        if type(value) is not fields[name]:
            return f'"{name}" must be {"a whole number" if fields[name] is int else "a text"}'
        if isinstance(value, str) and len(value) > MAX_TEXT:
            return f'"{name}" has more than {MAX_TEXT} characters'
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            return f'"{name}" holds half a letter, which no browser takes'
    for name in _NEEDS[do]:
        if name not in step:
            return f'"{do}" needs "{name}"'
    if do in _WITH_TARGET and ("on" in step) == ("css" in step):
        return f'"{do}" needs "on" (the name of a control) or "css", one of them'
    if do in _WITH_TARGET and not (step.get("on") or step.get("css") or "").strip():
        return f'"{do}" needs the name of a control, not an empty text'
    if not 1 <= step.get("nth", 1) <= MAX_NTH:
        return f'"nth" counts from 1 (to {MAX_NTH} at most)'
    if "kind" in step and step["kind"] not in KINDS:
        return f'"kind" must be one of: {", ".join(KINDS)}'
    if do == "press" and step["key"] not in KEYS:
        return f'"key" must be one of: {", ".join(KEYS)}'
    return None


def address(origin: str, path: str, refused: list[str]) -> str:
    """The URL of a path of the site. Raises StepFailed for one outside it, or that is not for visitors."""
    if any(ord(letter) <= 32 for letter in path) or "\\" in path:
        raise StepFailed(f"{path!r} is no path")
    if not path.startswith("/") or path.startswith("//"):
        raise StepFailed(f'{path!r} must be a path of this site, like "/cart"')
    plain = urllib.parse.unquote(urllib.parse.urlsplit(path).path)
    while "//" in plain:
        plain = plain.replace("//", "/")
    if "/." in plain or any(plain.startswith(prefix) for prefix in refused):
        raise StepFailed(f"{path!r} is not for visitors")
    return origin + path


def do_step(engine: Engine, step: dict[str, Any], origin: str, refused: list[str]) -> None:
    """Raises StepFailed, CannotBrowse."""
    do = step["do"]
    target = {name: step[name] for name in _TARGET if name in step}
    if do == "goto":
        engine.goto(address(origin, step["path"], refused))
    elif do == "back":
        engine.back()
    elif do == "click":
        engine.click(target)
    elif do == "fill":
        engine.fill(target, step["text"])
    elif do == "select":
        engine.select(target, step["option"])
    elif do in ("check", "uncheck"):
        engine.check(target, do == "check")
    elif do == "press":
        engine.press(step["key"])
    else:
        _wait_for(engine, step["text"])


def _wait_for(engine: Engine, text: str) -> None:
    wanted = " ".join(text.split()).casefold()
    limit = time.monotonic() + WAIT_TIMEOUT_SEC
    while wanted not in engine.look()["text"].casefold():
        if time.monotonic() > limit:
            raise StepFailed(f"the text {text!r} did not appear within {WAIT_TIMEOUT_SEC:g} s")
        time.sleep(0.1)
