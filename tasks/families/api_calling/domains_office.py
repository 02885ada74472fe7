"""Domains of an office: bank, invoices, tickets, calendar."""

from tasks.families.api_calling._twins import acting, changing, creating, removing
from tasks.families.api_calling.model import Domain, Field, Operation, Resource, count, day, money, phrase, ref, words

_NAME, _TOWN, _EMAIL = Field("person", (), "name"), Field("town", (), "town"), Field("email", (), "e-mail address")
_WHO = ("{name}", "{name} from {town}", "{name} ({email})")
_AMOUNT = money(20, 400)

BANK = Domain(
    "bank",
    "Bank",
    (
        Resource("holder", "holders", "HLD", {"name": _NAME, "town": _TOWN, "email": _EMAIL}, _WHO, ("name", "town"),
                 filters=("town",), searches="name"),
        Resource(
            "account", "accounts", "ACC",
            {"holder_id": ref("holder"), "type": words("current", "savings"), "balance": money(900, 9000),
             "status": words("open")},
            ("the {type} account of {holder_id}",), ("holder_id", "type", "status"),
            own={"daily_limit": 1000, "statement": "monthly"}, filters=("holder_id", "type", "status"),
            states=("open", "open", "open", "open", "frozen"),
        ),
    ),
    (
        Operation("transfer_money", "move", "account", "/transfers",
                  "Move money from one of our accounts to another at once.",
                  "transfer {amount} from {from_account} to {to_account}", takes={"amount": _AMOUNT},
                  amount="amount", ends=("from_account", "to_account"), field="balance"),
        Operation("reverse_transfer", "move", "account", "/transfers/reverse",
                  "Give money back that was transferred in error: it goes from to_account to from_account.",
                  takes={"amount": _AMOUNT}, amount="amount", ends=("to_account", "from_account"), field="balance"),
        Operation("deposit_cash", "add", "account", "/accounts/{id}/deposits", "Pay cash into an account.",
                  "deposit {amount} in cash into {it}", takes={"amount": _AMOUNT}, amount="amount", field="balance"),
        Operation("withdraw_cash", "add", "account", "/accounts/{id}/withdrawals", "Pay cash out of an account.",
                  "withdraw {amount} in cash from {it}", takes={"amount": _AMOUNT}, amount="amount", field="balance",
                  sign=-1),
        Operation("charge_fee", "add", "account", "/accounts/{id}/fees", "Take a fee of the bank from an account.",
                  takes={"amount": _AMOUNT}, amount="amount", field="balance", sign=-1),
        acting("freeze_account", "account", "/accounts/{id}/freeze",
               "Stop all payments from an account until somebody lifts the stop.", "freeze {it}",
               {"status": ["open"]}, status="frozen"),
        acting("close_account", "account", "/accounts/{id}/close", "Close an account for ever.",
               when={"status": ["open"]}, status="closed"),
        acting("unfreeze_account", "account", "/accounts/{id}/unfreeze", "Lift the stop of a frozen account.",
               "lift the freeze of {it}", {"status": ["frozen"]}, status="open"),
        changing("set_daily_limit", "account", "/accounts/{id}/daily-limit", "Set what may be paid in a day.",
                 "set the daily limit of {it} to {daily_limit}", daily_limit=count(2, 60)),
        changing("set_statement", "account", "/accounts/{id}/statement", "Set how often statements are sent.",
                 "send statements for {it} from now on {statement}", statement=words("weekly", "quarterly", "yearly")),
    ),
)  # fmt: skip

INVOICES = Domain(
    "invoices",
    "Invoices",
    (
        Resource("client", "clients", "CLT", {"company": Field("company", (), "company"), "town": _TOWN},
                 ("{company}", "{company} in {town}"), ("company", "town"), filters=("town",), searches="company"),
        Resource(
            "invoice", "invoices", "INV",
            {"client_id": ref("client"), "due": day("due date"), "amount": money(30, 800), "status": words("open")},
            ("the invoice of {client_id}", "the invoice of {client_id} that is due on {due}"),
            ("client_id", "status"), own={"reminders": 0, "discount_percent": 0},
            filters=("client_id", "due", "status"), states=("open", "open", "open", "paid", "disputed"),
        ),
    ),
    (
        *creating("issue_invoice", "invoice", "/invoices",
                  "issue an invoice over {amount} to {client_id}, due on {due}",
                  {"client_id": ref("client"), "due": day("due date"), "amount": money(30, 800)},
                  "Issue an invoice to a client.", status="open"),
        acting("mark_paid", "invoice", "/invoices/{id}/paid", "The client has paid the invoice in full.",
               "mark {it} as paid", {"status": ["open"]}, status="paid"),
        acting("write_off", "invoice", "/invoices/{id}/write-off",
               "Give up an invoice because the client can not pay.", "write off {it}",
               {"status": ["open", "disputed"]}, status="written_off"),
        acting("settle_by_credit", "invoice", "/invoices/{id}/settle",
               "Settle an invoice against a credit of the client. Not for money that came in.",
               when={"status": ["open"]}, status="settled"),
        acting("dispute_invoice", "invoice", "/invoices/{id}/dispute", "The client disputes the invoice.",
               "record that the client disputes {it}", {"status": ["open"]}, status="disputed"),
        changing("extend_due_date", "invoice", "/invoices/{id}/due", "Give an open invoice another due date.",
                 "let {it} be due on {due} instead", {"status": ["open"]}, due=day("due date")),
        changing("grant_discount", "invoice", "/invoices/{id}/discount", "Grant a discount in percent.",
                 "grant a discount of {discount_percent} percent on {it}", {"status": ["open"]},
                 discount_percent=count(2, 15)),
    ),
)  # fmt: skip

_SUBJECTS = phrase("printer on fire", "login fails", "slow network", "broken chair", "missing keyboard", "wrong badge",
                   "no heating", "noisy fan", "lost charger", "blank screen", "stuck door", "dead battery")  # fmt: skip
TICKETS = Domain(
    "tickets",
    "Help desk",
    (
        Resource("helper", "helpers", "HLP", {"name": _NAME, "town": _TOWN, "email": _EMAIL}, _WHO, ("name", "town"),
                 count=(14, 22), filters=("town",), searches="name"),
        Resource(
            "ticket", "tickets", "TCK",
            {"subject": _SUBJECTS, "reporter": Field("person", (), "reporter"),
             "priority": words("low", "normal", "high"), "status": words("open")},
            ("the ticket “{subject}” of {reporter}",), ("subject", "status"),
            own={"helper_id": "", "due": ""}, filters=("priority", "status", "subject"), searches="reporter",
            states=("open", "open", "open", "waiting", "closed"),
        ),
    ),
    (
        *creating("open_ticket", "ticket", "/tickets",
                  "open a ticket “{subject}” for {reporter} with {priority} priority",
                  {"subject": _SUBJECTS, "reporter": Field("person", (), "reporter"),
                   "priority": words("low", "normal", "high")}, "Open a ticket.", status="open"),
        acting("close_ticket", "ticket", "/tickets/{id}/close", "Close a ticket: the trouble is over.",
               "close {it}", {"status": ["open", "waiting"]}, status="closed"),
        acting("reject_ticket", "ticket", "/tickets/{id}/reject",
               "Refuse a ticket because it is no business of the help desk.", "reject {it}",
               {"status": ["open"]}, status="rejected"),
        acting("archive_ticket", "ticket", "/tickets/{id}/archive", "Move a ticket out of sight, solved or not.",
               when={"status": ["open", "waiting", "closed"]}, status="archived"),
        acting("reopen_ticket", "ticket", "/tickets/{id}/reopen", "Open a closed ticket again.", "reopen {it}",
               {"status": ["closed"]}, status="open"),
        acting("await_reporter", "ticket", "/tickets/{id}/wait", "Wait for an answer of the reporter.",
               when={"status": ["open"]}, status="waiting"),
        changing("assign_ticket", "ticket", "/tickets/{id}/helper", "Give a ticket to a helper.",
                 "assign {it} to {helper_id}", {"status": ["open", "waiting"]}, helper_id=ref("helper")),
        changing("set_priority", "ticket", "/tickets/{id}/priority", "Set the priority of a ticket.",
                 "set the priority of {it} to {priority}", priority=words("low", "normal", "high")),
        changing("set_ticket_due", "ticket", "/tickets/{id}/due", "Set the day when a ticket must be done.",
                 "set {it} to be done by {due}", due=day("due date")),
    ),
)  # fmt: skip

_TITLES = phrase("budget review", "hiring panel", "roadmap", "safety briefing", "quarterly numbers", "design critique",
                 "handover", "retrospective", "supplier call", "town hall", "kick-off", "press check")  # fmt: skip
_EVENT = {"title": _TITLES, "owner_id": ref("colleague"), "date": day(), "start": Field("time", (), "start")}
CALENDAR = Domain(
    "calendar",
    "Calendar",
    (
        Resource("colleague", "colleagues", "COL", {"name": _NAME, "town": _TOWN, "email": _EMAIL}, _WHO,
                 ("name", "town"), filters=("town",), searches="name"),
        Resource(
            "event", "events", "EVT", {**_EVENT, "status": words("set")},
            ("the “{title}” of {owner_id}", "the “{title}” of {owner_id} on {date}"),
            ("title", "date"), own={"place": "", "is_private": False}, filters=("owner_id", "date", "status"),
            searches="title", states=("set", "set", "set", "tentative"),
        ),
    ),
    (
        *creating("create_event", "event", "/events", "set up a “{title}” of {owner_id} on {date} at {start}", _EVENT,
                  "Put an event into the calendar.", status="set"),
        changing("reschedule_event", "event", "/events/{id}/date", "Move an event to another day.",
                 "move {it} to {date}", date=day()),
        changing("hand_over_event", "event", "/events/{id}/owner", "Give an event another owner.",
                 "hand {it} over to {owner_id}", owner_id=ref("colleague")),
        changing("set_place", "event", "/events/{id}/place", "Say where an event takes place.",
                 "let {it} take place in the {place}", place=words("library", "canteen", "garden room", "studio")),
        acting("confirm_event", "event", "/events/{id}/confirm", "A tentative event takes place.", "confirm {it}",
               {"status": ["tentative"]}, status="set"),
        acting("make_private", "event", "/events/{id}/private", "Hide an event from other people.",
               "make {it} private", is_private=True),
        acting("call_off_event", "event", "/events/{id}/call-off",
               "An event does not take place. It stays in the calendar, crossed out.", "call off {it}",
               {"status": ["set", "tentative"]}, status="called_off"),
        removing("delete_event", "event", "/events/{id}", "Delete an event: no trace of it stays."),
    ),
)  # fmt: skip
