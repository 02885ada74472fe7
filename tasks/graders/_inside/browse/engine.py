"""What drives a browser must be able to do; and the ways in which it can fail."""

from __future__ import annotations

import os
from typing import Any, Protocol

# The headless shell first: it takes a third of Chromium's processor time (0.35 s to start, against 1.2 s). Programs
# themselves before Debian's start scripts, which cost a shell and look at the host.
PLACES = (
    "/usr/lib/chromium/chromium-headless-shell",
    "/usr/lib/chromium/chromium",
    "/opt/google/chrome/chrome",
)
NAMES = ("chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
MENDED_BY = "install it: apt-get install -y chromium-headless-shell (or chromium)"


class CannotBrowse(Exception):
    """The browser does not start, or died: nobody's step is to blame."""


class StepFailed(Exception):
    """A step cannot be done on the page as it is."""


class Engine(Protocol):
    """One browser with one page. What it calls a control is described in `steps.py`."""

    def goto(self, url: str) -> None: ...

    def back(self) -> None: ...

    def click(self, target: dict[str, Any]) -> None: ...

    def fill(self, target: dict[str, Any], text: str) -> None: ...

    def select(self, target: dict[str, Any], option: str) -> None: ...

    def check(self, target: dict[str, Any], is_on: bool) -> None: ...

    def press(self, key: str) -> None: ...

    def settle(self, seconds: float) -> None:
        """Wait for what may still be coming."""
        ...

    def look(self) -> dict[str, Any]:
        """url, title, text (what is visible), outline (for readers), fields (name -> value)."""
        ...

    def screenshot(self) -> bytes:
        """A PNG of what is in view."""
        ...

    def close(self) -> None: ...


def find_executable() -> str:
    """Raises CannotBrowse where no Chromium is installed."""
    on_path = (os.path.join(folder, name) for name in NAMES for folder in os.get_exec_path())
    for path in (*PLACES, *on_path):
        if os.access(path, os.X_OK):
            return path
    raise CannotBrowse(f"Chromium is not installed here; {MENDED_BY}")
