"""The generated service: runs inside the sandbox, with the standard library alone.

`DATA` is JSON: `tables` (resource -> id -> record), `operations` (what each does, and with which parameters),
`openapi`, and a `token` that the path of the end state holds, so that only a grader reads it. Every operation works on
the tables in memory and on nothing else.
"""

import copy
import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

PAGE_SIZE = 10
_MOST_BODY = 1_000_000
_FORMATS = {"date": r"\d{4}-\d{2}-\d{2}", "time": r"\d{2}:\d{2}", "email": r"[^@\s]+@[^@\s]+"}
_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}

Record = dict[str, Any]
Answer = tuple[int, Any]


class Rejected(Exception):
    """An answer of 400 and more."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Engine:
    """The tables, and the operations on them."""

    def __init__(self, service: dict[str, Any]) -> None:
        self.service = service
        self.tables: dict[str, dict[str, Record]] = copy.deepcopy(service["tables"])
        self.operations: dict[str, dict[str, Any]] = {each["name"]: each for each in service["operations"]}

    def call(self, name: str, arguments: dict[str, Any]) -> Answer:
        """Status and body."""
        operation = self.operations[name]
        try:
            checked = self._checked(operation, arguments)
            does = getattr(self, f"_{operation['does']}")
            status = 201 if operation["does"] == "create" else 200
            return status, does(operation, checked)
        except Rejected as reason:
            return reason.status, {"error": str(reason)}

    def changes(self) -> dict[str, dict[str, Record | None]]:
        """Of each table the records that are not as they were; None for one that is gone."""
        found: dict[str, dict[str, Record | None]] = {}
        for resource, before in self.service["tables"].items():
            now = self.tables[resource]
            changed = {key: now.get(key) for key in (*before, *now) if before.get(key) != now.get(key)}
            if changed:
                found[resource] = copy.deepcopy(dict(sorted(changed.items())))
        return found

    def _checked(self, operation: dict[str, Any], arguments: dict[str, Any]) -> Record:
        known = {each["name"]: each for each in operation["parameters"]}
        if unknown := sorted(set(arguments) - set(known)):
            raise Rejected(400, f"{operation['name']} has no parameter {unknown[0]}")
        found = {}
        for name, parameter in known.items():
            if name not in arguments:
                if parameter["required"]:
                    raise Rejected(400, f"{operation['name']} needs {name}")
                continue
            found[name] = self._value(parameter, arguments[name])
        return found

    def _value(self, parameter: dict[str, Any], value: Any) -> Any:
        name, kind = parameter["name"], parameter["type"]
        if isinstance(value, str) and kind in ("integer", "number") and parameter["in"] != "body":
            try:
                value = int(value) if kind == "integer" else float(value)
            except ValueError:
                raise Rejected(400, f"{name} must be a {kind}") from None
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
            raise Rejected(400, f"{name} must be a {kind}")
        if "enum" in parameter and value not in parameter["enum"]:
            raise Rejected(400, f"{name} must be one of {', '.join(parameter['enum'])}")
        form = _FORMATS.get(parameter.get("format", ""))
        if form and not re.fullmatch(form, str(value)):
            raise Rejected(400, f"{name} must be a {parameter['format']}")
        if "minimum" in parameter and value < parameter["minimum"]:
            raise Rejected(400, f"{name} must be at least {parameter['minimum']}")
        if (resource := parameter.get("refers")) and value not in self.tables[resource]:
            raise Rejected(404 if parameter["in"] == "path" else 400, f"{name}: there is no {resource} {value}")
        return value

    def _list(self, operation: dict[str, Any], arguments: Record) -> Any:
        """Records whose fields are the arguments; `q` looks for a part of the field that the operation names."""
        wanted = {name: value for name, value in arguments.items() if name not in ("page", "q")}
        part = str(arguments.get("q", "")).lower()
        found = [
            record
            for record in self.tables[operation["resource"]].values()
            if all(_alike(record[name], value) for name, value in wanted.items())
            and (not part or part in str(record[operation["searches"]]).lower())
        ]
        pages = max(1, -(-len(found) // PAGE_SIZE))
        page = arguments.get("page", 1)
        if page < 1 or page > pages:
            raise Rejected(400, f"page must be between 1 and {pages}")
        items = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        shown = [{name: record[name] for name in operation["shows"]} for record in items]
        return {"items": shown, "page": page, "pages": pages, "total": len(found)}

    def _get(self, operation: dict[str, Any], arguments: Record) -> Any:
        return self._record(operation, arguments)

    def _preview(self, operation: dict[str, Any], arguments: Record) -> Any:
        """What `create` would do, without doing it."""
        return {"valid": True, **operation["sets"], **arguments}

    def _create(self, operation: dict[str, Any], arguments: Record) -> Any:
        fields = {**operation["blank"], **operation["sets"], **arguments}
        table = self.tables[operation["resource"]]
        # From what it holds: whoever creates the right thing gets the same id, whatever was tried before.
        number = 0
        while (key := _id(operation["prefix"], self.service["token"], fields, number)) in table:
            number += 1
        table[key] = {"id": key, **fields}
        return table[key]

    def _change(self, operation: dict[str, Any], arguments: Record) -> Any:
        record = self._record(operation, arguments)
        for field, allowed in operation["when"].items():
            if record[field] not in allowed:
                raise Rejected(409, f"{field} is {record[field]}; it must be {' or '.join(map(str, allowed))}")
        record.update(operation["sets"])
        record.update({name: value for name, value in arguments.items() if name != operation["key"]})
        return record

    def _add(self, operation: dict[str, Any], arguments: Record) -> Any:
        record = self._record(operation, arguments)
        amount = operation["sign"] * arguments[operation["amount"]]
        total = round(record[operation["field"]] + amount, 2)
        if total < 0:
            raise Rejected(409, f"{operation['field']} is only {record[operation['field']]}")
        record[operation["field"]] = total
        return record

    def _move(self, operation: dict[str, Any], arguments: Record) -> Any:
        table, field = self.tables[operation["resource"]], operation["field"]
        source, target = (table[arguments[name]] for name in operation["ends"])
        amount = arguments[operation["amount"]]
        if source is target:
            raise Rejected(409, f"{operation['ends'][0]} and {operation['ends'][1]} are the same")
        if source[field] < amount:
            raise Rejected(409, f"{field} of {source['id']} is only {source[field]}")
        source[field] = round(source[field] - amount, 2)
        target[field] = round(target[field] + amount, 2)
        return {operation["ends"][0]: source, operation["ends"][1]: target}

    def _remove(self, operation: dict[str, Any], arguments: Record) -> Any:
        record = self._record(operation, arguments)
        del self.tables[operation["resource"]][record["id"]]
        return {"removed": record["id"]}

    def _record(self, operation: dict[str, Any], arguments: Record) -> Record:
        return self.tables[operation["resource"]][arguments[operation["key"]]]


def _alike(ours: Any, theirs: Any) -> bool:
    return ours.lower() == theirs.lower() if isinstance(ours, str) and isinstance(theirs, str) else bool(ours == theirs)


def _id(prefix: str, token: str, fields: Record, number: int) -> str:
    text = json.dumps([token, prefix, fields, number], sort_keys=True)
    return f"{prefix}-{int(hashlib.sha256(text.encode()).hexdigest(), 16) % 900_000 + 100_000}"


class Handler(BaseHTTPRequestHandler):
    """Finds the operation of a path."""

    engine: Engine
    lock: Lock

    def _answer(self) -> None:
        with self.lock:
            status, body = self._found()
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def _found(self) -> Answer:
        parts = urlsplit(self.path)
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        size = int(self.headers.get("Content-Length") or 0)
        if size > _MOST_BODY:
            return 413, {"error": "the body is too large"}
        body = self.rfile.read(size)
        if self.command == "GET" and parts.path in ("/", "/health"):
            return 200, {"service": self.engine.service["openapi"]["info"]["title"], "openapi": "/openapi.json"}
        if self.command == "GET" and parts.path == "/openapi.json":
            return 200, self.engine.service["openapi"]
        if self.command == "GET" and parts.path == f"/state/{self.engine.service['token']}":
            return 200, self.engine.changes()
        arguments: dict[str, Any] = {}
        if body:
            try:
                arguments = json.loads(body)
            except ValueError:
                return 400, {"error": "the body is no JSON"}
            if not isinstance(arguments, dict):
                return 400, {"error": "the body must be a JSON object"}
        is_path_known = False
        for operation in self.engine.operations.values():
            pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", operation["path"])
            if match := re.fullmatch(pattern, parts.path):
                is_path_known = True
                if operation["method"] == self.command:
                    named = {name: unquote(value) for name, value in match.groupdict().items()}
                    return self.engine.call(operation["name"], {**given, **arguments, **named})
        if is_path_known:
            return 405, {"error": f"{self.command} is not possible here"}
        return 404, {"error": f"there is nothing at {parts.path}; see /openapi.json"}

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


def serve(data: bytes, port: int) -> None:
    Handler.engine, Handler.lock = Engine(json.loads(data)), Lock()
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(globals()["DATA"], globals()["PORT"])
