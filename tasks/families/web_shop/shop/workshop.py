"""The workshop: appointments of several services and places, booked and cancelled."""

from __future__ import annotations

from .checkout import DELIVERIES
from .markup import button, choice, esc, field, form, hidden, money, page, table, whole_number
from .orders import RETURN_DAYS
from .routing import Reply, Visit, customer, route, to


@route("GET", "/workshop")
def workshop(visit: Visit, error: str = "") -> Reply:
    filters = ""
    conditions, values = ["1"], []
    for name, label in (("service", "Service"), ("place", "Place"), ("day", "Day")):
        rows = visit.database.all(f"select distinct {name} as it from slots order by it")
        chosen = visit.query.get(name, "")
        filters += choice(label, name, [("", "All"), *((row["it"], row["it"]) for row in rows)], chosen)
        if chosen:
            conditions.append(f"{name} = ?")
            values.append(chosen)
    slots = visit.database.all(
        f"select * from slots where {' and '.join(conditions)} order by day, time, place, service limit 40", *values
    )
    rows_ = [
        [
            esc(slot["service"]),
            esc(slot["place"]),
            slot["day"],
            slot["time"],
            "Taken" if slot["is_taken"] else f'<a href="/workshop/{slot["id"]}">Book</a>',
        ]
        for slot in slots
    ]
    note = "<p>Only the first 40 appointments are shown.</p>" if len(slots) == 40 else ""
    body = f'<form action="/workshop" class="filters">{filters}{button("Show appointments")}</form>{note}'
    body += table(["Service", "Place", "Day", "Time", ""], rows_)
    return page(visit, "Workshop", body, error=error, status=409 if error else 200)


@route("GET", "/workshop/#")
def slot_page(visit: Visit, number: int) -> Reply:
    customer(visit)
    slot = visit.database.one("select * from slots where id = ?", number)
    if slot is None or slot["is_taken"]:
        return workshop(visit, "This appointment is no longer free.")
    inside = hidden("slot", number) + field("Note for the workshop", "note") + button("Book this appointment")
    body = f"<p>{esc(slot['service'])} in {esc(slot['place'])}, {slot['day']} at {slot['time']}</p>"
    return page(visit, "Book an appointment", body + form("/workshop/book", inside, confirm="Book this appointment?"))


@route("POST", "/workshop/book")
def book(visit: Visit) -> Reply:
    user = customer(visit)
    number = whole_number(visit.form.get("slot", ""))
    slot = visit.database.one("select * from slots where id = ?", number)
    if slot is None or slot["is_taken"]:
        return workshop(visit, "This appointment is no longer free.")
    note = " ".join(visit.form.get("note", "").split())[:200]
    visit.database.do("update slots set is_taken = 1 where id = ?", number)
    row = {"user_id": user["id"], "slot_id": number, "note": note, "status": "booked"}
    visit.database.insert("bookings", row)
    visit.notice("Your appointment is booked.")
    return to("/bookings")


@route("GET", "/bookings")
def bookings(visit: Visit) -> Reply:
    user = customer(visit)
    found = visit.database.all(
        "select b.id, b.note, b.status, s.service, s.place, s.day, s.time from bookings b "
        "join slots s on s.id = b.slot_id where b.user_id = ? order by s.day, s.time, b.id",
        user["id"],
    )
    rows = []
    for each in found:
        what = f"{each['service']} on {each['day']} at {each['time']}"
        act = ""
        if each["status"] == "booked":
            act = form(f"/bookings/{each['id']}/cancel", button("Cancel", "plain"), confirm=f"Cancel {what}?")
        place, note = esc(each["place"]), esc(each["note"])
        rows.append([esc(each["service"]), place, each["day"], each["time"], note, esc(each["status"]), act])
    if not rows:
        return page(visit, "My bookings", "<p>No appointments.</p>")
    return page(visit, "My bookings", table(["Service", "Place", "Day", "Time", "Note", "Status", ""], rows))


@route("POST", "/bookings/#/cancel")
def cancel_booking(visit: Visit, number: int) -> Reply:
    user = customer(visit)
    booking = visit.database.one("select * from bookings where id = ? and user_id = ?", number, user["id"])
    if booking and booking["status"] == "booked":
        visit.database.do("update bookings set status = 'cancelled' where id = ?", number)
        visit.database.do("update slots set is_taken = 0 where id = ?", booking["slot_id"])
        visit.notice("Your appointment is cancelled.")
    return to("/bookings")


@route("GET", "/help")
def help_page(visit: Visit) -> Reply:
    fees = "".join(f"<li>{text}: {money(cents)}</li>" for text, cents in DELIVERIES.values())
    return page(
        visit,
        "Help",
        f"<h2>Delivery</h2><ul>{fees}</ul><p>Standard delivery is free from {money(10_000)} on, after the coupon.</p>"
        f"<h2>Returns</h2><p>Within {RETURN_DAYS} days of the order, from the order's page.</p>"
        "<h2>Coupons</h2><p>One coupon an order. Some need a minimum, or are for one department.</p>",
    )
