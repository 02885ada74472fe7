"""Visits, replies, and which function answers which path."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .database import Database, Row


@dataclass
class Visit:
    """One request of one visitor."""

    database: Database
    today: str  # ISO date: the shop's own, so that a return period means the same on every day
    shop_name: str
    token: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)

    @property
    def session(self) -> Row:
        found = self.database.one("select * from sessions where token = ?", self.token)
        if found is None:
            found = {"token": self.token, "user_id": None, "notice": "", "coupon": ""}
            self.database.insert("sessions", found)
        return found

    @property
    def user(self) -> Row | None:
        user_id = self.session["user_id"]
        return self.database.one("select * from users where id = ?", user_id) if user_id else None

    @property
    def owner(self) -> str:
        """Whose cart and comparison these are: a customer's, or those of a visitor without a name."""
        user_id = self.session["user_id"]
        return f"user {user_id}" if user_id else f"guest {self.token}"

    def set_session(self, **values: Any) -> None:
        assert self.session
        for name, value in values.items():
            self.database.do(f"update sessions set {name} = ? where token = ?", value, self.token)

    def notice(self, text: str) -> None:
        """Said once, on the next page."""
        self.set_session(notice=text)


@dataclass(frozen=True)
class Reply:
    body: str = ""
    status: int = 200
    location: str = ""


class NotFound(Exception):
    """There is no such page."""


class SignInFirst(Exception):
    """The page is for customers who have signed in."""


Answer = Callable[..., Reply]
_ROUTES: list[tuple[str, re.Pattern[str], Answer]] = []


def route(method: str, path: str) -> Callable[[Answer], Answer]:
    """Register what answers a path; `#` stands for a number, given as an argument."""
    pattern = re.compile(re.escape(path).replace(r"\#", r"(\d{1,9})"))

    def register(answer: Answer) -> Answer:
        _ROUTES.append((method, pattern, answer))
        return answer

    return register


def answer(method: str, visit: Visit) -> Reply:
    """Raises NotFound, SignInFirst."""
    for known, pattern, handle in _ROUTES:
        if known == method and (match := pattern.fullmatch(visit.path)):
            return handle(visit, *(int(part) for part in match.groups()))
    raise NotFound


def to(location: str) -> Reply:
    return Reply(status=303, location=location)


def customer(visit: Visit) -> Row:
    """Who has signed in. Raises SignInFirst."""
    user = visit.user
    if user is None:
        raise SignInFirst
    return user
