"""A service for tests: a list of notes that can be added to, slowly shown and deleted after a question.

`DATA` is the secret word of its state.
"""

import json
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET: str = globals()["DATA"].decode()
NOTES: list[str] = []
PAGE = """<!doctype html><title>Notes</title><h1>Notes</h1>
<ul>{items}</ul>
<form method="post" action="/add"><label>Note <input name="note"></label>
<label>Colour <select name="colour"><option>red<option>blue<option disabled>gold</select></label>
<label><input type="checkbox" name="loud"> Loud</label><label>Due <input type="date" name="due"></label>
<button>Add</button></form>
<button onclick="setTimeout(() => late.hidden = false, 300)">Show later</button><p id="late" hidden>Here I am</p>
<button onclick="alert('Hello'); document.title = 'Was asked'">Ask</button>
<button onclick="veil.hidden = false">Cover</button> <button disabled>Broken</button>
<div id="veil" hidden style="position: fixed; inset: 0; background: grey">Covered</div>
<a href="/second">Next</a> <a href="http://192.0.2.1/">Away</a> <a href="/hidden/">Secret</a>"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == f"/hidden/{SECRET}":
            tables = {"notes": {"columns": ["id", "text"], "rows": [[i, text] for i, text in enumerate(NOTES, 1)]}}
            self.answer(json.dumps(tables), "application/json")
        elif self.path.startswith("/second"):
            self.answer("<!doctype html><title>Second</title><p>Second page</p><p>Add</p>")
        elif self.path == "/" or self.path.startswith("/?"):
            rows = "".join(f"<li>{text} <button>Delete</button></li>" for text in NOTES)
            self.answer(PAGE.replace("{items}", rows))
        else:
            self.answer("<!doctype html><title>Nothing</title><p>Nothing here</p>", status=404)

    def do_POST(self) -> None:
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()))
        if self.path == "/hidden/restart":
            NOTES.clear()
        else:
            words = [form.get("note", ""), form.get("colour", ""), form.get("due", ""), form.get("loud", "")]
            NOTES.append(" ".join(filter(None, words)))
        self.answer("", status=303)

    def answer(self, text: str, kind: str = "text/html; charset=utf-8", status: int = 200) -> None:
        self.send_response(status)
        if status == 303:
            self.send_header("Location", "/")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *parts: Any) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", globals()["PORT"]), Handler).serve_forever()
