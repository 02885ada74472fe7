"""HTML: the frame of every page, forms and their fields. All that comes from data is escaped here or by `esc`."""

from __future__ import annotations

import html
from collections.abc import Iterable

from .database import Row
from .routing import Reply, Visit


def esc(value: object) -> str:
    return html.escape(str(value), quote=True)


def money(cents: int) -> str:
    return f"€ {cents // 100:,}.{cents % 100:02d}"


def page(visit: Visit, title: str, body: str, *, error: str = "", status: int = 200) -> Reply:
    """A whole page; `error` is told above its body."""
    session, user = visit.session, visit.user
    notice = session["notice"]
    if notice:
        visit.notice("")
    count = visit.database.one("select coalesce(sum(quantity), 0) as n from cart_lines where owner = ?", visit.owner)
    assert count is not None
    if user:
        account = (
            f'<span>Hello, {esc(user["name"])}</span> <a href="/account">My account</a> <a href="/orders">My orders</a>'
            f' <a href="/bookings">My bookings</a> {form("/logout", button("Sign out", "plain"))}'
        )
    else:
        account = '<a href="/login">Sign in</a>'
    messages = f'<p class="notice" role="status">{esc(notice)} <button type="button" class="plain" data-close '
    messages = messages + 'aria-label="Dismiss">Close</button></p>' if notice else ""
    if error:
        messages += f'<p class="error" role="alert">{esc(error)}</p>'
    query = visit.query.get("q", "") if visit.path == "/search" else ""
    return Reply(
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{esc(title)} | {esc(visit.shop_name)}</title>
<link rel="stylesheet" href="/static/style.css"><script src="/static/shop.js" defer></script></head>
<body>
<header><a class="brand" href="/">{esc(visit.shop_name)}</a>
<form action="/search" role="search"><input type="search" name="q" aria-label="Search the shop" value="{esc(query)}">
<button>Search</button></form>
<nav aria-label="Account">{account} <a href="/compare">Compare</a> <a href="/workshop">Workshop</a>
<a href="/help">Help</a> <a href="/cart">Cart ({count["n"]})</a></nav></header>
{messages}
<main><h1>{esc(title)}</h1>
{body}
</main>
<footer>© {esc(visit.shop_name)} · Today is {esc(visit.today)}</footer>
</body></html>""",
        status,
    )


def button(text: str, kind: str = "") -> str:
    return f'<button class="{kind}">{esc(text)}</button>'


def form(action: str, inside: str, *, method: str = "post", confirm: str = "") -> str:
    """`confirm`: a question that a dialog asks before it is sent."""
    asks = f' data-confirm="{esc(confirm)}"' if confirm else ""
    return f'<form action="{esc(action)}" method="{method}"{asks}>{inside}</form>'


def field(label: str, name: str, value: object = "", *, kind: str = "text", extra: str = "") -> str:
    return f'<label>{esc(label)} <input type="{kind}" name="{name}" value="{esc(value)}" {extra}></label>'


def hidden(name: str, value: object) -> str:
    return f'<input type="hidden" name="{name}" value="{esc(value)}">'


def choice(label: str, name: str, options: Iterable[tuple[object, str]], chosen: object = None) -> str:
    """A select box of (value, text)."""
    made = "".join(
        f'<option value="{esc(value)}"{" selected" if str(value) == str(chosen) else ""}>{esc(text)}</option>'
        for value, text in options
    )
    return f'<label>{esc(label)} <select name="{name}">{made}</select></label>'


def radios(legend: str, name: str, options: Iterable[tuple[object, str]], chosen: object = None) -> str:
    made = "".join(
        f'<label><input type="radio" name="{name}" '
        f'value="{esc(value)}"{" checked" if str(value) == str(chosen) else ""}>'
        f" {esc(text)}</label>"
        for value, text in options
    )
    return f"<fieldset><legend>{esc(legend)}</legend>{made}</fieldset>"


def stepper(label: str, name: str, value: int, most: int) -> str:
    """A field for a number with a button on either side, which static.py's script brings to life."""
    return (
        f'<span class="stepper"><button type="button" data-step="-1" aria-label="Less">-</button>'
        f'<label>{esc(label)} <input type="number" name="{name}" value="{value}" min="1" max="{most}"></label>'
        f'<button type="button" data-step="1" aria-label="More">+</button></span>'
    )


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Cells are HTML already."""
    head = "".join(f"<th>{esc(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def address_text(row: Row) -> str:
    return f"{row['name']}, {row['street']}, {row['postcode']} {row['city']}"


def whole_number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
