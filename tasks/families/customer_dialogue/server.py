"""A customer who answers what is asked, and the back office: runs inside the sandbox, with the standard library alone.

`DATA` is JSON: `customer` (opening, knows: slot -> [first answer, clear answer], else), `accounts`, `orders`,
`actions` (name -> {arguments: {name: allowed values or null}}), and the `token` in the path of the end state.
"""

import copy
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

_MOST_BODY = 100_000
_AT_ONCE = 2  # things that somebody tells in one breath
# What a question is about. Where two begin at the same place, the first one counts.
SLOTS = {
    "new_value": r"(new|other|changed?) (tele)?(phone|number|e-?mail)",
    "order_id": r"order (number|no\b|id)|number of (the|your) order|which order",
    "customer_number": r"(customer|account) (number|no\b|id)",
    "full_name": r"\bname\b",
    "zip": r"\bzip|post(al)? ?code",
    "phone": r"phone",
    "email": r"e-?mail",
    "birthday": r"birth",
    "pin": r"\bpin\b",
    "code": r"(?<!zip )(?<!zip-)(?<!postal )(?<!post )\bcode\b",
    "new_street": r"(?<!mail )(?<!mail-)\baddress|street",
    "size": r"\bsize\b",
    "pickup_day": r"pick(ed)?[- ]?up|(which|what) (day|date)",
    "charged": r"charged|(taken|took|paid) .*(account|card)|how much|which amount|what amount",
    "neighbours": r"neighbou?r|household|look(ed)? (around|for)",
    "months": r"how long|months",
    "method": r"payment method|how .*\bpay|card or|pay (by|with)",
    "preference": r"prefer|would you (like|rather)|do you want|refund or|replacement or",
    "problem": r"what (happened|exactly|kind|went wrong|is (wrong|the (problem|matter|issue|reason|trouble)))"
    r"|what's wrong|how (can|may|could) (i|we) help|describe|\breason\b|damage|tell me more"
    r"|(problem|trouble|issue) (is|with)",
    "else": r"(anything|something) else|any other|is that all|what else",
}
# What becomes of an order, where an action says nothing more.
_EFFECTS = {
    "cancel_order": {"status": "cancelled"},
    "send_replacement": {"status": "replaced"},
    "exchange_size": {"status": "exchanged"},
    "open_investigation": {"status": "under investigation"},
    "reship_order": {"status": "sent again"},
}

Answer = tuple[int, dict[str, Any]]


class Customer:
    """Answers only what is asked: the first time as people talk, when asked again in plain words."""

    def __init__(self, script: dict[str, Any]) -> None:
        self.script = script
        self.told: set[str] = set()
        self.lines = [{"from": "customer", "text": script["opening"]}]

    def reply(self, text: str, *, has_code: bool) -> str:
        asked = asked_in(text)
        parts = [self._answer(slot, has_code) for slot in asked[:_AT_ONCE]]
        if len(asked) > _AT_ONCE:
            parts.append("The rest later, one thing at a time please.")
        said = " ".join(parts) or "Sorry, I do not follow. What do you need from me?"
        self.lines += [{"from": "agent", "text": text}, {"from": "customer", "text": said}]
        return said

    def _answer(self, slot: str, has_code: bool) -> str:
        if slot == "code" and not has_code:
            return "Which code? I have not got any."
        if slot not in self.script["knows"]:
            return self.script["unknown"].get(slot, "I can not tell you that.")  # type: ignore[no-any-return]
        first, clear = self.script["knows"][slot]
        if slot in self.told:
            return clear  # type: ignore[no-any-return]
        self.told.add(slot)
        return first  # type: ignore[no-any-return]


def asked_in(text: str) -> list[str]:
    """Slots in the order in which a text asks for them."""
    places: dict[int, str] = {}
    lowered = " ".join(text.lower().split())
    for slot, pattern in reversed(SLOTS.items()):
        if match := re.search(pattern, lowered):
            places[match.start()] = slot
    found = [places[place] for place in sorted(places)]
    if "new_value" in found:
        found = [slot for slot in found if slot not in ("phone", "email")]
    return found


class Office:
    """The accounts and orders, and what was done with them."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.accounts: dict[str, dict[str, Any]] = copy.deepcopy(data["accounts"])
        self.orders: dict[str, dict[str, Any]] = copy.deepcopy(data["orders"])
        self.session: dict[str, Any] = {"account": None, "is_verified": False, "code": "none"}
        self.done: list[dict[str, Any]] = []

    def state(self) -> dict[str, Any]:
        changed = {
            kind: {key: record for key, record in sorted(now.items()) if record != self.data[kind][key]}
            for kind, now in (("accounts", self.accounts), ("orders", self.orders))
        }
        return copy.deepcopy({**changed, "session": self.session, "done": self.done})

    def act(self, name: str, arguments: dict[str, Any]) -> Answer:
        """One action. It is done in full or not at all."""
        if name not in self.data["actions"]:
            return 404, {"error": f"there is no action {name}"}
        if why := self._misfit(self.data["actions"][name]["arguments"], arguments):
            return 400, {"error": f"{name}: {why}"}
        account = self.accounts.get(self.session["account"] or "")
        if name != "pull_up_account" and account is None:
            return 409, {"error": "no account is pulled up"}
        if name not in ("pull_up_account", "verify_identity") and not self.session["is_verified"]:
            return 409, {"error": "the customer's identity is not verified"}
        order = self.orders.get(arguments.get("order_id", ""))
        if "order_id" in arguments and (order is None or order["account"] != self.session["account"]):
            return 404, {"error": f"this customer has no order {arguments['order_id']}"}
        does = getattr(self, f"_{name}", None)
        status, body = does(arguments) if does else (200, {"done": name})
        if status < 400:
            if order is not None:
                order.update(_EFFECTS.get(name, {}))
            self.done.append({"action": name, **arguments})
        return status, body

    @staticmethod
    def _misfit(wanted: dict[str, Any], arguments: dict[str, Any]) -> str:
        if missing := sorted(set(wanted) - set(arguments)):
            return f"it needs {missing[0]}"
        if unknown := sorted(set(arguments) - set(wanted)):
            return f"it has no argument {unknown[0]}"
        for name, value in arguments.items():
            allowed = wanted[name]
            if isinstance(allowed, list) and value not in allowed:
                return f"{name} must be one of {', '.join(map(str, allowed))}"
            if allowed == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
                return f"{name} must be a number"
            if allowed == "date" and not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
                return f"{name} must be a date as 2027-03-05"
            if allowed in (None, "text") and not isinstance(value, str):
                return f"{name} must be a text"
        return ""

    def _pull_up_account(self, arguments: dict[str, Any]) -> Answer:
        found = [key for key, each in self.accounts.items() if _same(each, arguments)]
        if len(found) != 1:
            return 404, {"error": f"{len(found)} accounts are like that"}
        self.session = {"account": found[0], "is_verified": False, "code": "none"}
        account = self.accounts[found[0]]
        return 200, {"customer_number": found[0], "level": account["level"], "due": account["due"]}

    def _verify_identity(self, arguments: dict[str, Any]) -> Answer:
        if not _same(self.accounts[self.session["account"]], arguments):
            return 422, {"error": "that does not match the account"}
        self.session["is_verified"] = True
        return 200, {"verified": True}

    def _pull_up_order(self, arguments: dict[str, Any]) -> Answer:
        return 200, {"order_id": arguments["order_id"], **self.orders[arguments["order_id"]]}

    def _change_address(self, arguments: dict[str, Any]) -> Answer:
        self.orders[arguments["order_id"]]["street"] = arguments["street"]
        return 200, {"street": arguments["street"]}

    def _offer_refund(self, arguments: dict[str, Any]) -> Answer:
        self.orders[arguments["order_id"]].update(status="refunded", refunded=arguments["amount"])
        return 200, {"refunded": arguments["amount"]}

    def _adjust_charge(self, arguments: dict[str, Any]) -> Answer:
        self.orders[arguments["order_id"]]["refunded"] = arguments["amount"]
        return 200, {"refunded": arguments["amount"]}

    def _collect_payment(self, arguments: dict[str, Any]) -> Answer:
        account = self.accounts[self.session["account"]]
        if arguments["amount"] != account["due"]:
            return 422, {"error": f"what is due is {account['due']}"}
        account["due"] = 0
        return 200, {"due": 0}

    def _extend_subscription(self, arguments: dict[str, Any]) -> Answer:
        account = self.accounts[self.session["account"]]
        if account["due"]:
            return 409, {"error": "something is due; collect it first"}
        account["subscribed_months"] += arguments["months"]
        return 200, {"subscribed_months": account["subscribed_months"]}

    def _send_code(self, arguments: dict[str, Any]) -> Answer:
        self.session["code"] = "sent"
        return 200, {"sent": True}

    def _confirm_code(self, arguments: dict[str, Any]) -> Answer:
        if self.session["code"] != "sent" or arguments["code"] != self.accounts[self.session["account"]]["code"]:
            return 422, {"error": "this code is wrong"}
        self.session["code"] = "confirmed"
        return 200, {"confirmed": True}

    def _update_contact(self, arguments: dict[str, Any]) -> Answer:
        if self.session["code"] != "confirmed":
            return 409, {"error": "no code is confirmed"}
        self.accounts[self.session["account"]][arguments["field"]] = arguments["value"]
        return 200, {arguments["field"]: arguments["value"]}


def _same(account: dict[str, Any], arguments: dict[str, Any]) -> bool:
    return all(str(account[name]).lower() == str(value).strip().lower() for name, value in arguments.items())


class Handler(BaseHTTPRequestHandler):
    office: Office
    customer: Customer
    lock: Lock

    def _answer(self) -> None:
        with self.lock:
            status, body = self._done()
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer

    def _done(self) -> tuple[int, Any]:
        if self.command == "GET":
            if self.path in ("/", "/health"):
                return 200, {"conversation": "/conversation", "talk": "POST /say", "act": "POST /actions/NAME"}
            if self.path == "/conversation":
                return 200, self.customer.lines
            if self.path == f"/state/{self.office.data['token']}":
                return 200, self.office.state()
            return 404, {"error": f"there is nothing at {self.path}"}
        size = int(self.headers.get("Content-Length") or 0)
        try:
            given = json.loads(self.rfile.read(min(size, _MOST_BODY)) or b"{}")
        except ValueError:
            return 400, {"error": "the body is no JSON"}
        if not isinstance(given, dict):
            return 400, {"error": "the body must be a JSON object"}
        if self.path == "/say":
            if not isinstance(given.get("text"), str) or not given["text"].strip():
                return 400, {"error": 'say something: {"text": "..."}'}
            return 200, {"reply": self.customer.reply(given["text"], has_code=self.office.session["code"] != "none")}
        if self.path.startswith("/actions/"):
            return self.office.act(self.path.removeprefix("/actions/"), given)
        return 404, {"error": f"there is nothing at {self.path}"}

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


def serve(data: bytes, port: int) -> None:
    given = json.loads(data)
    Handler.office, Handler.customer, Handler.lock = Office(given), Customer(given["customer"]), Lock()
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(globals()["DATA"], globals()["PORT"])
