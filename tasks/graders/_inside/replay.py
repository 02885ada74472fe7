"""Execute calls on a service and tell the state that it is in afterwards.

Request: {base_url, requests: {name: {method, path, query}}, calls: [{name, arguments}], state_path, seconds}.
An argument goes where `{argument}` stands in the path, else into the query where `query` lists it or the method has no
body, else into the JSON body. Answer: {state, faults}; {broken} where the service tells no state after the calls; or
{unreachable}.
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing is an import that costs time
    from typing import Any

FAULTS = (OSError, ValueError, http.client.HTTPException)
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> None:
    given = json.loads(sys.stdin.buffer.read())
    request = given["request"]
    end = time.monotonic() + request["seconds"]
    try:
        wait(request["base_url"], end)
        state_of(request, end)
    except FAULTS as error:
        answer = {"unreachable": told(error)}
    else:
        answer = replayed(request, end)
    sys.stdout.write(f"\n{given['word']}{json.dumps(answer)}\n")


def replayed(request: dict[str, Any], end: float) -> dict[str, Any]:
    faults = []
    for number, call in enumerate(request["calls"], start=1):
        try:
            fault = execute(call, request, end)
        except FAULTS as error:
            fault = told(error)
        if fault:
            faults.append(f"call {number}: {fault}"[:300])
    try:
        return {"state": state_of(request, end + 5), "faults": faults}
    except FAULTS as error:
        return {"broken": told(error)}


def state_of(request: dict[str, Any], end: float) -> Any:
    status, body = send("GET", request["base_url"] + request["state_path"], None, end)
    if status >= 300:
        raise ValueError(f"{request['state_path']} answers {status}")
    return json.loads(body)


def told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def wait(base_url: str, end: float) -> None:
    """Until something listens there."""
    while True:
        try:
            send("GET", base_url + "/", None, end)
            return
        except OSError:
            if time.monotonic() + 0.1 > end:
                raise
            time.sleep(0.1)


def execute(call: dict[str, Any], request: dict[str, Any], end: float) -> str | None:
    how = request["requests"].get(call["name"])
    if how is None:
        return f"there is no operation {call['name']}"
    arguments = dict(call["arguments"])
    path = how["path"]
    for name in re.findall(r"{([^{}]+)}", path):
        if name not in arguments:
            return f"{call['name']} needs {name}"
        path = path.replace("{" + name + "}", urllib.parse.quote(text_of(arguments.pop(name)), safe=""))
    method = how.get("method", "GET").upper()
    has_body = method in ("POST", "PUT", "PATCH")
    in_query = [name for name in arguments if name in how.get("query", []) or not has_body]
    query = urllib.parse.urlencode([(name, text_of(arguments.pop(name))) for name in in_query])
    url = request["base_url"] + path + ("?" + query if query else "")
    status, _ = send(method, url, json.dumps(arguments).encode() if has_body else None, end)
    return f"{call['name']} answers {status}" if status >= 400 else None


def text_of(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def send(method: str, url: str, body: bytes | None, end: float) -> tuple[int, bytes]:
    """(status, body); an answer of 400 and more is an answer too."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("no time is left")
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": "application/json"})
    try:
        with OPENER.open(request, timeout=left) as response:
            return response.status, response.read(5_000_000)
    except urllib.error.HTTPError as error:
        return error.code, error.read(100_000)


main()
