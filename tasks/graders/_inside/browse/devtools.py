"""The engine over DevTools: real mouse and key events for what a person would do by mouse and keys."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

from .chromium import Chromium, ProtocolError
from .engine import StepFailed, find_executable
from .page_script import FUNCTION

WORLD = "browse"
TARGET_TIMEOUT_SEC = 2.0  # a control may appear a moment later
LOAD_TIMEOUT_SEC = 10.0
_POLL_SEC = 0.05
_SETTLE_SEC = 0.01  # a navigation is told of when the page has had its turn; this is for the way of the message
_STARTS = ("Page.frameRequestedNavigation", "Page.frameStartedNavigating", "Page.frameStartedLoading")
KEYS: dict[str, tuple[str, int, str]] = {  # code, Windows key code, text
    "Enter": ("Enter", 13, "\r"),
    "Tab": ("Tab", 9, ""),
    "Escape": ("Escape", 27, ""),
    "Space": ("Space", 32, " "),
    "Backspace": ("Backspace", 8, ""),
    "Delete": ("Delete", 46, ""),
    "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
}


class DevToolsEngine:
    """Chromium's first page."""

    def __init__(self, executable: str | None = None) -> None:
        """Raises CannotBrowse."""
        self._chromium = Chromium(executable or find_executable())
        try:
            target = self._chromium.call("Target.createTarget", {"url": "about:blank"})["targetId"]
            attached = self._chromium.call("Target.attachToTarget", {"targetId": target, "flatten": True})
            self._session: str = attached["sessionId"]
            self._call("Page.enable")
            self._frame: str = self._call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        except BaseException:
            self._chromium.close()
            raise

    def goto(self, url: str) -> None:
        def navigate() -> None:
            answer = self._call("Page.navigate", {"url": url})
            if error := answer.get("errorText"):
                raise StepFailed(f"{url} cannot be opened: {error}")

        self._act(navigate)

    def back(self) -> None:
        history = self._call("Page.getNavigationHistory")
        if history["currentIndex"] < 2:  # the first is the empty page
            raise StepFailed("there is no page to go back to")
        entry = history["entries"][history["currentIndex"] - 1]["id"]
        self._act(lambda: self._call("Page.navigateToHistoryEntry", {"entryId": entry}))

    def click(self, target: dict[str, Any]) -> None:
        place = self._ask({"ask": "place", "target": target})
        self._act(lambda: self._press_mouse(place["x"], place["y"]))

    def fill(self, target: dict[str, Any], text: str) -> None:
        def edit() -> None:
            if self._ask({"ask": "edit", "target": target, "text": text})["isDone"]:
                return
            if text:
                self._call("Input.insertText", {"text": text})
            else:
                self._press_key("Backspace")

        self._act(edit)

    def select(self, target: dict[str, Any], option: str) -> None:
        self._act(lambda: self._ask({"ask": "choose", "target": target, "option": option}))

    def check(self, target: dict[str, Any], is_on: bool) -> None:
        place = self._ask({"ask": "place", "target": target})
        if place["kind"] not in ("checkbox", "radio"):
            raise StepFailed(f'"{place["name"]}" is a {place["kind"]}, not a box to be ticked')
        if place["checked"] != is_on:
            self._act(lambda: self._press_mouse(place["x"], place["y"]))

    def press(self, key: str) -> None:
        self._act(lambda: self._press_key(key))

    def look(self) -> dict[str, Any]:
        return self._ask({"ask": "look"})

    def screenshot(self) -> bytes:
        return base64.b64decode(self._call("Page.captureScreenshot", {"format": "png"})["data"])

    def close(self) -> None:
        self._chromium.close()

    def _call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._chromium.call(method, params, session=self._session)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask the page, again for a while where it is not ready. Raises StepFailed."""
        limit = time.monotonic() + TARGET_TIMEOUT_SEC
        while True:
            try:
                context = self._call("Page.createIsolatedWorld", {"frameId": self._frame, "worldName": WORLD})
                answer = self._call(
                    "Runtime.callFunctionOn",
                    {
                        "functionDeclaration": FUNCTION,
                        "executionContextId": context["executionContextId"],
                        "arguments": [{"value": request}],
                        "returnByValue": True,
                    },
                )
            except ProtocolError as error:  # the page has just been replaced
                said: dict[str, Any] = {"error": str(error), "again": True}
            else:
                if "exceptionDetails" in answer:
                    raise StepFailed(f"the page could not be asked: {answer['exceptionDetails']}")
                said = answer["result"]["value"]
            if "error" not in said:
                return said
            if not said.get("again") or time.monotonic() > limit:
                raise StepFailed(said["error"])
            time.sleep(_POLL_SEC)

    def _act(self, act: Callable[[], Any]) -> None:
        """Do it, and wait until a page that it opens is there. Raises StepFailed."""
        events = self._chromium.events
        events.clear()
        try:
            act()
            self._let_page_work()
        except ProtocolError as error:
            raise StepFailed(str(error)) from error
        self._wait_until_quiet(_SETTLE_SEC)

    def settle(self, seconds: float) -> None:
        """Wait for what may still be coming. Raises StepFailed."""
        self._chromium.events.clear()
        self._wait_until_quiet(seconds)

    def _let_page_work(self) -> None:
        """Until the page has run what an event made it put off: sending a form is such a thing."""
        turns = "new Promise(done => setTimeout(() => setTimeout(done)))"
        try:
            self._call("Runtime.evaluate", {"expression": turns, "awaitPromise": True})
        except ProtocolError:  # another page has taken its place: the events tell of it
            return

    def _wait_until_quiet(self, settle_sec: float) -> None:
        events = self._chromium.events
        limit = time.monotonic() + LOAD_TIMEOUT_SEC
        quiet = time.monotonic() + settle_sec
        is_loading, seen = False, 0
        while True:
            for event in events[seen:]:
                name, frame = event["method"], event.get("params", {}).get("frameId")
                if name in _STARTS and frame == self._frame:
                    is_loading = True
                elif name == "Page.frameStoppedLoading" and frame == self._frame:
                    is_loading, quiet = False, 0.0
                elif name in ("Inspector.targetCrashed", "Target.targetCrashed"):
                    raise StepFailed("the page crashed")
                seen += 1
            now = time.monotonic()
            if is_loading and now > limit:
                raise StepFailed(f"the page did not load within {LOAD_TIMEOUT_SEC:g} s")
            if not is_loading and now > quiet:
                return
            self._chromium.listen((limit if is_loading else quiet) - now)

    def _press_mouse(self, x: float, y: float) -> None:
        for kind, buttons in (("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)):
            button = "none" if kind == "mouseMoved" else "left"
            event = {"type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": 1}
            self._call("Input.dispatchMouseEvent", event)

    def _press_key(self, key: str) -> None:
        code, number, text = KEYS[key]
        name = " " if key == "Space" else key
        event = {"key": name, "code": code, "windowsVirtualKeyCode": number, "nativeVirtualKeyCode": number}
        down = {**event, "type": "keyDown" if text else "rawKeyDown"}
        self._call("Input.dispatchKeyEvent", {**down, **({"text": text} if text else {})})
        self._call("Input.dispatchKeyEvent", {**event, "type": "keyUp"})
