"""The engine over Playwright, where its Python package is installed; it drives the same Chromium.

Which control a step means is found by the same rules; acting on it, and waiting for it, is Playwright's own.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

from .chromium import FLAGS
from .devtools import LOAD_TIMEOUT_SEC, TARGET_TIMEOUT_SEC
from .engine import CannotBrowse, StepFailed, find_executable
from .page_script import FUNCTION

_ACT_TIMEOUT_MS = 3_000
_SETTLE_MS = 30
_OURS_ALONE = ("--headless", "--remote-debugging-pipe", "--no-startup-window")


class PlaywrightEngine:
    """Chromium's first page."""

    def __init__(self) -> None:
        """Raises CannotBrowse."""
        try:
            playwright = importlib.import_module("playwright.sync_api")
        except ImportError as error:
            raise CannotBrowse("Playwright is not installed here; install it: pip install playwright") from error
        self._error: type[Exception] = playwright.Error
        self._driver = playwright.sync_playwright().start()
        try:
            flags = [flag for flag in FLAGS if flag not in _OURS_ALONE]
            self._browser = self._driver.chromium.launch(executable_path=find_executable(), args=flags)
            self._page = self._browser.new_page(viewport={"width": 1100, "height": 800})
        except self._error as error:
            self._driver.stop()
            raise CannotBrowse(f"Chromium does not start: {error}") from error
        self._page.set_default_timeout(_ACT_TIMEOUT_MS)
        self._page.set_default_navigation_timeout(LOAD_TIMEOUT_SEC * 1000)

    def goto(self, url: str) -> None:
        self._act(lambda: self._page.goto(url))

    def back(self) -> None:
        before = self._page.url
        self._act(self._page.go_back)
        if self._page.url in (before, "about:blank"):
            raise StepFailed("there is no page to go back to")

    def click(self, target: dict[str, Any]) -> None:
        self._act(self._element(target).click)

    def fill(self, target: dict[str, Any], text: str) -> None:
        self._act(lambda: self._element(target).fill(text))

    def select(self, target: dict[str, Any], option: str) -> None:
        self._ask({"ask": "choose", "target": target, "option": option})
        self._act(lambda: None)

    def check(self, target: dict[str, Any], is_on: bool) -> None:
        self._act(lambda: self._element(target).set_checked(is_on))

    def press(self, key: str) -> None:
        self._act(lambda: self._page.keyboard.press(key))

    def settle(self, seconds: float) -> None:
        self._act(lambda: self._page.wait_for_timeout(seconds * 1000))

    def look(self) -> dict[str, Any]:
        return self._ask({"ask": "look"})

    def screenshot(self) -> bytes:
        picture: bytes = self._page.screenshot()
        return picture

    def close(self) -> None:
        self._browser.close()
        self._driver.stop()

    def _element(self, target: dict[str, Any]) -> Any:
        self._ask({"ask": "exists", "target": target})
        return self._page.evaluate_handle(FUNCTION, {"ask": "element", "target": target}).as_element()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask the page, again for a while where it is not ready. Raises StepFailed."""
        limit = time.monotonic() + TARGET_TIMEOUT_SEC
        while True:
            try:
                said: dict[str, Any] = self._page.evaluate(FUNCTION, request)
            except self._error as error:  # the page has just been replaced
                said = {"error": str(error), "again": True}
            if "error" not in said:
                return said
            if not said.get("again") or time.monotonic() > limit:
                raise StepFailed(said["error"])
            self._page.wait_for_timeout(50)

    def _act(self, act: Callable[[], Any]) -> None:
        try:
            act()
            self._page.wait_for_timeout(_SETTLE_MS)
            self._page.wait_for_load_state()
        except self._error as error:
            raise StepFailed(str(error).splitlines()[0]) from error
