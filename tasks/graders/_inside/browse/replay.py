"""Do a list of steps on a site that starts afresh, and keep what was to be seen after each."""

from __future__ import annotations

import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from .devtools import DevToolsEngine
from .engine import CannotBrowse, Engine, StepFailed
from .steps import address, do_step

MAX_TEXT = 20_000
_LAST_SEC = 0.1
_HTTP_TIMEOUT_SEC = 10.0


@dataclass(frozen=True)
class Site:
    """Where the steps are done.

    `restart`: a path that, by POST, gives the site its first state again ("" for none); `state`: a path that, by GET,
    tells its database ("" for none); `refused`: beginnings of paths that no step may go to.
    """

    origin: str
    start: str = "/"
    restart: str = ""
    state: str = ""
    refused: list[str] = field(default_factory=list)


@dataclass
class Log:
    """What was to be seen: `moments[0]` before the first step, one after each step that was done, one at the end.

    A moment is {url, title, text, fields, state}; its state is left out where it is that of the moment before.
    """

    moments: list[dict[str, Any]] = field(default_factory=list)
    broke: str = ""  # why it went no further, "" if it did not
    outline: str = ""
    picture: bytes = b""


def replay(
    steps: list[dict[str, Any]],
    site: Site,
    *,
    time_limit_sec: float,
    engine: str = "devtools",
    with_picture: bool = False,
) -> Log:
    """Raises CannotBrowse where the browser or the site does not work; a step that cannot be done ends the replay."""
    limit = time.monotonic() + time_limit_sec
    if site.restart:
        ask(site.origin + site.restart, b"")
    log = Log()
    browser = make_engine(engine)
    try:
        browser.goto(address(site.origin, site.start, []))
        _keep(log, browser, site)
        for number, step in enumerate(steps, 1):
            if time.monotonic() > limit:
                log.broke = f"step {number}: the time limit of {time_limit_sec:g} s is over"
                break
            try:
                do_step(browser, step, site.origin, site.refused)
                _keep(log, browser, site)
            except StepFailed as error:
                log.broke = f"step {number} ({step['do']}): {error}"
                break
        browser.settle(_LAST_SEC)
        _keep(log, browser, site)  # as it is in the end: a step that broke off may have done half of its work
        if with_picture:
            log.picture = browser.screenshot()
    except StepFailed as error:  # of our own looking
        raise CannotBrowse(str(error)) from error
    finally:
        browser.close()
    return log


def make_engine(name: str) -> Engine:
    """Raises CannotBrowse."""
    if name == "playwright":
        from .playwright_engine import PlaywrightEngine

        return PlaywrightEngine()
    return DevToolsEngine()


def ask(url: str, body: bytes | None = None) -> bytes:
    """What the site answers. Raises CannotBrowse."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=body), timeout=_HTTP_TIMEOUT_SEC) as answer:
            content: bytes = answer.read()
            return content
    except (OSError, urllib.error.URLError) as error:
        path = urllib.parse.urlsplit(url).path.split("/")[1]  # no more of it: a secret may follow
        raise CannotBrowse(f"the site does not answer /{path}: {error}") from error


def _keep(log: Log, browser: Engine, site: Site) -> None:
    """Raises StepFailed where the browser has left the site."""
    seen = browser.look()
    url = seen["url"]
    path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    is_outside = not (url + "/").startswith(site.origin + "/")
    if is_outside or any(path.startswith(prefix) for prefix in site.refused):
        browser.goto(address(site.origin, site.start, []))
        raise StepFailed(
            "it leads to a page that is not for visitors" if not is_outside else f"it leads to {url[:200]}"
        )
    moment = {"url": url, "title": seen["title"], "text": seen["text"][:MAX_TEXT], "fields": seen["fields"]}
    log.outline = seen["outline"]
    if site.state:
        state = ask(site.origin + site.state).decode()
        known = next((kept["state"] for kept in reversed(log.moments) if "state" in kept), None)
        if state != known:
            moment["state"] = state
    log.moments.append(moment)
