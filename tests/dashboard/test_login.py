"""Who gets in, for how long, and what is refused."""

from collections.abc import Callable

from fastapi.testclient import TestClient

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


def test_csrf(client: TestClient) -> None:
    assert client.post("/logout").status_code == 403
    assert client.post("/logout", data={"csrf": form_token(client)}).url.path == "/login"
