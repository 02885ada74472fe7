"""The site: runs inside the sandbox, with the standard library alone.

`DATA` is JSON: `pages` (path with query -> HTML) and `index` ([title, path, words] of what the search finds).
"""

import json
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

HITS = 10


class Handler(BaseHTTPRequestHandler):
    site: dict[str, Any]

    def do_GET(self) -> None:
        status, page = self._page()
        data = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _page(self) -> tuple[int, str]:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if parts.path == "/search":
            return 200, self._found(query.get("q", [""])[0], query.get("page", ["1"])[0])
        number = query.get("page", ["1"])[0]
        path = parts.path.rstrip("/") or "/"
        page = self.site["pages"].get(path if number == "1" else f"{path}?page={number}")
        if page is None:
            return 404, "<!doctype html><title>Not found</title><p>There is no such page. <a href='/'>Home</a></p>"
        return 200, page

    def _found(self, text: str, number: str) -> str:
        words = text.lower().split()
        hits = [(title, path) for title, path, known in self.site["index"] if all(word in known for word in words)]
        pages = max(1, -(-len(hits) // HITS))
        page = min(max(int(number), 1), pages) if number.isdigit() else 1
        lines = [
            f"<li><a href='{path}'>{escape(title)}</a></li>" for title, path in hits[(page - 1) * HITS : page * HITS]
        ]
        more = f"<a href='/search?q={quote_plus(text)}&amp;page={page + 1}'>next</a>" if page < pages else ""
        return (
            f"<!doctype html><title>Search</title><h1>Search</h1>"
            f"<form action='/search'><input name='q' value='{escape(text, quote=True)}'><button>Search</button></form>"
            f"<p>{len(hits)} pages found, page {page} of {pages}</p><ul>{''.join(lines)}</ul>{more}"
        )

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


def serve(data: bytes, port: int) -> None:
    Handler.site = json.loads(data)
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(globals()["DATA"], globals()["PORT"])
