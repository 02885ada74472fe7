"""The shop over HTTP: one request at a time, cookies, and two paths that are not for visitors."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import traceback
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import account, cart, catalogue, checkout, orders, workshop  # noqa: F401  each registers its pages
from .database import Database
from .markup import page
from .routing import NotFound, Reply, SignInFirst, Visit, answer
from .static import SCRIPT, STYLE

MAX_BODY = 100_000
_COOKIE = "visit"
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}


class Shop:
    """What all requests share. `data`: {name, today, token, tables}."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.database = Database(data["tables"])
        self.name: str = data["name"]
        self.today: str = data["today"]
        self.token: str = data["token"]  # who knows it may read the database
        self.lock = threading.Lock()


def serve(data: dict[str, Any], port: int) -> None:
    """Until the process ends."""
    make_server(data, port).serve_forever()


def make_server(data: dict[str, Any], port: int) -> ThreadingHTTPServer:
    """Bound to the port of loopback; 0 takes a free one."""
    shop = Shop(data)

    class Handler(_Handler):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.shop = shop
            super().__init__(*args, **kwargs)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    return Server(("127.0.0.1", port), Handler)


class _Handler(BaseHTTPRequestHandler):
    shop: Shop
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer("GET", b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            self._send(Reply("Too large", 413), "text/plain")
            return
        self._answer("POST", self.rfile.read(int(length)))

    def _answer(self, method: str, body: bytes) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        if path.startswith("/static/"):
            self._static(path)
        elif path.startswith("/training/"):
            with self.shop.lock:
                self._training(method, path)
        else:
            token = self._cookie()
            visit = Visit(self.shop.database, self.shop.today, self.shop.name, token or secrets.token_hex(16), path)
            visit.query.update(parse_qsl(url.query, keep_blank_values=True))
            visit.form.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
            with self.shop.lock:
                reply = _reply(method, visit)
            self._send(reply, "text/html; charset=utf-8", cookie="" if token else visit.token)

    def _static(self, path: str) -> None:
        known = {"/static/style.css": (STYLE, "text/css"), "/static/shop.js": (SCRIPT, "text/javascript")}
        text, kind = known.get(path, ("", ""))
        self._send(Reply(text, 200 if text else 404), f"{kind or 'text/plain'}; charset=utf-8")

    def _training(self, method: str, path: str) -> None:
        if method == "POST" and path == "/training/restart":
            self.shop.database.restart()
            self._send(Reply("restarted"), "text/plain")
        elif method == "GET" and hmac.compare_digest(path.encode(), f"/training/state/{self.shop.token}".encode()):
            self._send(Reply(json.dumps(self.shop.database.dump())), "application/json")
        else:
            self._send(Reply("Not found", 404), "text/plain")

    def _cookie(self) -> str:
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(_COOKIE)
        except CookieError:
            return ""
        return found.value if found and len(found.value) == 32 else ""

    def _send(self, reply: Reply, kind: str, cookie: str = "") -> None:
        content = reply.body.encode()
        self.send_response(reply.status)
        keep = "max-age=3600" if kind.startswith(("text/css", "text/javascript")) else "no-store"
        for name, value in {
            **_HEADERS,
            "Cache-Control": keep,
            "Content-Type": kind,
            "Content-Length": str(len(content)),
        }.items():
            self.send_header(name, value)
        if reply.location:
            self.send_header("Location", reply.location)
        if cookie:
            self.send_header("Set-Cookie", f"{_COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Strict")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _reply(method: str, visit: Visit) -> Reply:
    try:
        return answer(method, visit)
    except NotFound:
        return page(visit, "Page not found", "<p>There is no such page. Perhaps it has moved.</p>", status=404)
    except SignInFirst:
        return account.sign_in_first(visit)
    except Exception:  # noqa: BLE001  a visitor gets a page, whatever it is; the operator gets the trace
        traceback.print_exc()
        return page(visit, "Something went wrong", "<p>We are sorry. Please go back and try again.</p>", status=500)
