"""A real headless Chromium, spoken to by its DevTools protocol: pages are opened, keys pressed, and looked at."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium-headless-shell", "chromium", "google-chrome")
WAIT_SEC = 30.0
KEYS = {"Enter": 13, "Escape": 27}


def program() -> str | None:
    """The path of a Chromium that is installed here."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self.told: list[str] = []
        """What the page's console and its errors said."""
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; events that come meanwhile are looked through for trouble."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(timeout=WAIT_SEC))
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                found: dict[str, Any] = message.get("result", {})
                return found
            self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        if message.get("method") == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.told.append(parameters["entry"]["text"])
        if message.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.told.append(details.get("exception", {}).get("description", details["text"]))

    def open(self, url: str) -> None:
        """Until it has loaded."""
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=url)
        self.wait("location.href.split('#')[0] !== 'about:blank' && document.readyState === 'complete'")

    def ask(self, expression: str) -> Any:
        """The value of an expression; a promise is waited for."""
        found = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def wait(self, expression: str, *, sec: float = WAIT_SEC) -> Any:
        """Until it holds; its value."""
        until = time.monotonic() + sec
        while time.monotonic() < until:
            try:
                if value := self.ask(expression):
                    return value
            except AssertionError:
                pass  # between two pages there is nothing to ask
            time.sleep(0.02)
        raise AssertionError(f"after {sec:g} s it still does not hold: {expression}; the page told {self.told}")

    def press(self, key: str) -> None:
        """A key as a person presses it."""
        text = {"text": key} if len(key) == 1 else {}
        code = {"windowsVirtualKeyCode": KEYS[key]} if key in KEYS else {}
        text = {"text": "\r"} if key == "Enter" else text
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **code)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    def write(self, text: str) -> None:
        """Into what has the focus."""
        self.send("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """The middle of the first element, as the mouse does it."""
        place = self.ask(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def picture(self, file: Path, *, width: int = 1400, height: int = 900) -> None:
        """A PNG of what is seen."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        time.sleep(0.2)
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def chromium(scratch: Path) -> Iterator[Callable[[], Page]]:
    """A browser that is gone afterwards; call it for a new tab. `scratch`: its profile."""
    found = program()
    assert found is not None, "no Chromium is installed"
    process = subprocess.Popen(
        [found, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0",
         "--remote-allow-origins=*", f"--user-data-dir={scratch / 'profile'}", "--window-size=1400,900", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(scratch)},
        start_new_session=True,
    )  # fmt: skip
    connections: list[ClientConnection] = []

    def page() -> Page:
        import httpx

        target = httpx.put(f"http://127.0.0.1:{port}/json/new?about:blank", timeout=WAIT_SEC, trust_env=False).json()
        connection = connect(target["webSocketDebuggerUrl"], max_size=None, proxy=None)
        connections.append(connection)
        return Page(connection)

    try:
        port = _port(scratch / "profile" / "DevToolsActivePort", process)
        yield page
    finally:
        for connection in connections:
            connection.close()
        os.killpg(process.pid, signal.SIGKILL)  # Debian's is a shell script, whose end would leave the browser
        process.wait(timeout=20)


def _port(file: Path, process: "subprocess.Popen[bytes]") -> int:
    until = time.monotonic() + WAIT_SEC
    while time.monotonic() < until:
        assert process.poll() is None, "Chromium ended at once"
        if file.exists() and (lines := file.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.02)
    raise AssertionError("Chromium did not say its port")
