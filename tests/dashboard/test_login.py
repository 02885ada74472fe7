"""Who gets in, for how long, and what is refused."""

import time
from collections.abc import Callable
from hashlib import sha256

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from dashboard.access import local
from dashboard.app import STATIC
from dashboard.config import DashboardConfig
from dashboard.pages import PAGES
from dashboard.signing import Signer
from trajectories.store import Store

from .conftest import TOKEN, form_token


def test_a_page_leads_to_the_login_and_back(make_client: Callable[..., TestClient]) -> None:
    client = make_client(sign_in=False)
    asked = client.get("/?a=1", follow_redirects=False)
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?back=%2F%3Fa%3D1")
    answer = client.post("/login", data={"token": TOKEN, "back": "/?a=1"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?a=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert client.get("/").status_code == 200


def test_another_token_is_refused(make_client: Callable[..., TestClient]) -> None:
    client = make_client(sign_in=False)
    answer = client.post("/login", data={"token": TOKEN + "x"})
    assert answer.status_code == 403 and "That is not the token" in answer.text
    assert client.get("/rollouts", follow_redirects=False).status_code == 303


def test_no_page_but_login_and_health_is_open(make_client: Callable[..., TestClient]) -> None:
    client = make_client(sign_in=False)
    for path in ("/", "/suites", "/tasks", "/rollouts", "/matrix", "/metrics", "/parts/live", "/rollouts/0123"):
        assert client.get(path, follow_redirects=False).status_code == 303, path
    part = client.get("/parts/live", headers={"hx-request": "true"})
    assert part.status_code == 401 and part.headers["hx-redirect"].startswith("/login")


def test_a_program_reads_by_the_token_and_writes_nothing(make_client: Callable[..., TestClient]) -> None:
    client = make_client(sign_in=False)
    assert client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/metrics", headers={"authorization": "Bearer other"}).status_code == 401
    answer = client.post("/logout", headers={"authorization": f"Bearer {TOKEN}"}, follow_redirects=False)
    assert answer.status_code == 401


def test_a_changed_or_old_cookie_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer(TOKEN)
    cookie = signer.cookie("Ada")
    session = signer.session(cookie)
    assert session is not None and session.person == "Ada"
    name, nonce, until, signature = cookie.split(".")
    assert signer.session(f"{name}.{nonce}.{int(until) + 1}.{signature}") is None
    assert signer.session("") is None and signer.session("a.b.c.d") is None
    assert Signer(TOKEN + "2").session(cookie) is None
    monkeypatch.setattr(time, "time", lambda: int(until) + 1.0)
    assert signer.session(cookie) is None


def test_a_login_leads_nowhere_else() -> None:
    assert local("/tasks?a=1") == "/tasks?a=1"
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/login"):
        assert local(elsewhere) == "/", elsewhere


def test_a_form_of_another_session_is_refused(make_client: Callable[..., TestClient]) -> None:
    client, other = make_client(), make_client()
    assert client.post("/logout").status_code == 403
    assert client.post("/logout", data={"csrf": form_token(other)}).status_code == 403
    assert client.post("/logout", data={"csrf": form_token(client)}).url.path == "/login"


def test_every_post_but_the_login_asks_for_the_form_token(make_client: Callable[..., TestClient]) -> None:
    """Whatever page is added: its POST without a token is refused."""
    client = make_client()
    routes = [(route.path, route.methods) for route in _routes() if route.methods - {"GET", "HEAD"}]
    assert len(routes) > 1
    for path, methods in routes:
        for method in methods - {"GET", "HEAD"}:
            if path != "/login":
                assert client.request(method, path.replace("{", "").replace("}", "")).status_code in (403, 422), path


def test_read_only_refuses_all_that_writes_and_lets_people_leave(make_client: Callable[..., TestClient]) -> None:
    client = make_client(is_read_only=True)
    token = form_token(client)
    answer = client.post("/review/marks/1/undo", data={"csrf": token})
    assert answer.status_code == 403 and "read-only" in answer.text
    assert client.post("/logout", data={"csrf": token}).url.path == "/login"


def test_headers_of_every_kind_of_answer(make_client: Callable[..., TestClient]) -> None:
    client = make_client()
    for path in ("/", "/nothing", "/metrics", "/health", "/static/dashboard.css", "/rollouts?where=("):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy, path
        assert headers["x-content-type-options"] == "nosniff" and "cache-control" in headers, path


def test_a_short_token_is_refused(filled: Store) -> None:
    with pytest.raises(ValueError, match="16 characters"):
        DashboardConfig(filled, "short")


def test_what_others_made_is_what_the_table_says() -> None:
    lines = [
        line.split("|") for line in (STATIC / "VENDORED.md").read_text().splitlines() if line.startswith("| vendor")
    ]
    listed = {columns[1].strip(): columns[5].strip() for columns in lines}
    code = {f"vendor/{file.name}" for file in (STATIC / "vendor").iterdir() if "LICENSE" not in file.name}
    assert code == set(listed)
    for name, sum in listed.items():
        assert sha256((STATIC / name).read_bytes()).hexdigest() == sum


def _routes() -> list[APIRoute]:

    return [route for module in PAGES for route in module.router.routes if isinstance(route, APIRoute)]
