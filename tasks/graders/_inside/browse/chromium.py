"""One headless Chromium, spoken to over a pair of pipes: messages of the DevTools protocol, each ended by a zero byte.

A pipe, not a port: no other process can take hold of the browser, and no WebSocket is needed.
Protocol: https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import tempfile
import time
from typing import Any

from .engine import CannotBrowse

FLAGS = (
    "--headless",
    "--no-sandbox",  # we are in one, which allows no second
    "--remote-debugging-pipe",
    "--no-zygote",  # these two: 0.4 s less to start
    "--in-process-gpu",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-features=Translate,MediaRouter,OptimizationHints,DialMediaRouteProvider",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-startup-window",
    "--hide-scrollbars",
    "--window-size=1100,800",
)
START_TIMEOUT_SEC = 30.0
CALL_TIMEOUT_SEC = 20.0
_STDERR_BYTES = 2_000


class ProtocolError(Exception):
    """Chromium refused a call."""


class Chromium:
    """A browser process. `events` holds what it told unasked, in order; who reads them may clear them."""

    def __init__(self, executable: str) -> None:
        """Raises CannotBrowse."""
        self.events: list[dict[str, Any]] = []
        self._profile = tempfile.mkdtemp(prefix="browse-")
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed in close()
        self._last_id = 0
        self._buffer = bytearray()
        to_browser, self._to = os.pipe()
        self._from, from_browser = os.pipe()

        def take_pipes() -> None:  # in the child: it reads calls from 3 and writes answers to 4
            calls, answers = os.dup(to_browser), os.dup(from_browser)
            high = [os.dup(fd) for fd in (calls, answers)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        argv = [executable, *FLAGS, f"--user-data-dir={self._profile}"]
        environment = {**os.environ, "HOME": self._profile, "LANG": "en_US.UTF-8", "TZ": "UTC"}
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=environment,
                preexec_fn=take_pipes,
                close_fds=False,
                start_new_session=True,
            )
        except OSError as error:
            shutil.rmtree(self._profile, ignore_errors=True)
            raise CannotBrowse(f"Chromium does not start: {error}") from error
        finally:
            os.close(to_browser)
            os.close(from_browser)
        try:
            self.call("Browser.getVersion", timeout_sec=START_TIMEOUT_SEC)
        except CannotBrowse as error:
            self.close()
            raise CannotBrowse(f"{error}{_limit_of_addresses()}") from None
        except BaseException:
            self.close()
            raise

    def call(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        session: str | None = None,
        timeout_sec: float = CALL_TIMEOUT_SEC,
    ) -> dict[str, Any]:
        """Its answer. Raises ProtocolError, and CannotBrowse where none comes."""
        number = self._send(method, params, session)
        limit = time.monotonic() + timeout_sec
        while True:
            answer = self._next(limit)
            if answer is None:
                raise CannotBrowse(f"Chromium did not answer {method} within {timeout_sec:g} s: {self._last_words()}")
            if answer.get("id") != number:
                self._take(answer)
                continue
            if "error" in answer:
                raise ProtocolError(f"{method}: {answer['error'].get('message', answer['error'])}")
            result: dict[str, Any] = answer["result"]
            return result

    def listen(self, timeout_sec: float) -> bool:
        """Take in one event; False where none comes in time."""
        message = self._next(time.monotonic() + timeout_sec)
        if message is None:
            return False
        self._take(message)
        return True

    def close(self) -> None:
        """End it and all its children, and remove its profile."""
        for fd in (self._to, self._from):
            os.close(fd)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # nothing in the profile is to be kept
        self._process.wait()
        self._errors.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _send(self, method: str, params: dict[str, Any] | None, session: str | None) -> int:
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        try:
            os.write(self._to, json.dumps(message).encode() + b"\0")
        except OSError as error:
            raise CannotBrowse(f"Chromium is gone: {self._last_words()}") from error
        return self._last_id

    def _take(self, message: dict[str, Any]) -> None:
        """An event, or an answer that nobody waits for."""
        if message.get("method") == "Page.javascriptDialogOpening":  # it would hold the page, and every call to it
            self._send("Page.handleJavaScriptDialog", {"accept": False}, message.get("sessionId"))
        elif "method" in message:
            self.events.append(message)

    def _next(self, limit: float) -> dict[str, Any] | None:
        while True:
            end = self._buffer.find(b"\0")
            if end >= 0:
                message: dict[str, Any] = json.loads(bytes(self._buffer[:end]))
                del self._buffer[: end + 1]
                return message
            if not select.select([self._from], [], [], max(0.0, limit - time.monotonic()))[0]:
                return None
            part = os.read(self._from, 1 << 16)
            if not part:
                raise CannotBrowse(f"Chromium ended: {self._last_words()}")
            self._buffer += part

    def _last_words(self) -> str:
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - _STDERR_BYTES))
        text = self._errors.read().decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if "dbus" not in line]
        return " / ".join(lines[-5:]) or "it wrote nothing"


def _limit_of_addresses() -> str:
    """Chromium reserves far more addresses than it uses; a limit of them ends it at once, without a word."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return ""
    return (
        f" (its address space is limited to {limit >> 20} MiB, in place of control groups, which this sandbox lacks: "
        "run as root, or give this user control groups)"
    )
