"""Lists of calls: names, arguments, order; and what they do to a service."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tasks.graders import CannotGrade

FIND = {"name": "find_room", "arguments": {"city": "Bonn", "beds": 2}}
BOOK = {"name": "book", "arguments": {"room": 17, "from": "2026-05-01"}}
MAIL = {"name": "mail", "arguments": {"to": "ada@example.org"}}
DATA = {"calls": [FIND, BOOK, MAIL]}


async def grade(graded, given, /, **data):
    text = given if isinstance(given, str) else json.dumps(given)
    return await graded("calls", {**DATA, **data}, {"calls.json": text})


async def test_forms_of_lists(graded):
    calls = [FIND, BOOK, MAIL]
    chat = [
        {"type": "function", "function": {"name": c["name"], "arguments": json.dumps(c["arguments"])}} for c in calls
    ]
    lines = "\n".join(json.dumps(call) for call in calls)
    for form in (calls, {"calls": calls}, chat, {"tool_calls": chat}, lines, json.dumps(calls, indent=2)):
        assert (await grade(graded, form)).reward == 1.0, form
    assert (await graded("calls", {"calls": [FIND]}, {"calls.json": json.dumps(FIND)})).reward == 1.0
    assert (await graded("calls", {"calls": [FIND]}, {"calls.json": json.dumps(FIND, indent=2)})).reward == 1.0


@pytest.mark.parametrize(
    "calls, detection, slots, sequence",
    [
        ([FIND, BOOK], 4 / 5, 8 / 9, 4 / 5),
        ([FIND, BOOK, MAIL, MAIL], 6 / 7, 10 / 11, 6 / 7),
        ([BOOK, FIND, MAIL], 1, 1, 2 / 3),
        ([FIND, {"name": "book", "arguments": {"room": 18, "from": "2026-05-01"}}, MAIL], 1, 4 / 5, 1),
        ([FIND, {"name": "book", "arguments": {"from": "2026-05-01"}}, MAIL], 1, 8 / 9, 1),
        ([FIND, {"name": "book", "arguments": {**BOOK["arguments"], "late": True}}, MAIL], 1, 10 / 11, 1),
        ([FIND, {"name": "book", "arguments": {"room": "17", "from": "2026-05-01"}}, MAIL], 1, 4 / 5, 1),
        ([{"name": "other", "arguments": {}}], 0, 0, 0),
    ],
)
async def test_scores(graded, calls, detection, slots, sequence):
    found = await grade(graded, calls)
    assert found.reward == pytest.approx((detection + slots + sequence) / 3)
    assert not all(part.passed for part in found.parts)


async def test_none_wanted(graded):
    assert (await graded("calls", {"calls": []}, {"calls.json": "[]"})).reward == 1.0
    assert (await graded("calls", {"calls": []}, {"calls.json": json.dumps([MAIL])})).reward == 0.0
    assert (await grade(graded, [])).reward == 0.0


async def test_a_long_list_of_everything_earns_little(graded):
    assert (await grade(graded, [FIND, BOOK, MAIL] * 300)).reward < 0.02


async def test_orders(graded):
    swapped = [BOOK, FIND, MAIL]
    assert (await grade(graded, swapped, order="any")).reward == 1.0
    after = [FIND, {**BOOK, "after": [0]}, {**MAIL, "after": [0]}]
    assert (await grade(graded, [FIND, MAIL, BOOK], calls=after, order="partial")).reward == 1.0
    assert (await grade(graded, [MAIL, FIND, BOOK], calls=after, order="partial")).reward == pytest.approx(2.5 / 3)
    assert (await grade(graded, [FIND, MAIL, BOOK])).reward < 1.0


async def test_the_same_call_with_different_arguments(graded):
    two = [{"name": "add", "arguments": {"n": 1}}, {"name": "add", "arguments": {"n": 2}}]
    assert (await grade(graded, two[::-1], calls=two, order="any")).reward == 1.0
    assert (await grade(graded, two[::-1], calls=two)).reward < 1.0
    assert (await grade(graded, [two[0], two[0]], calls=two, order="any")).reward < 1.0


MARKED = {
    "name": "book",
    "arguments": {
        "city": {"$any_of": ["Bonn", "Bonn Hbf"]},
        "price": {"$near": [9.5, 0.1]},
        "code": {"$pattern": "A-[0-9]+"},
        "who": {"$anything": True},
        "note": {"$optional": "late"},
        "guests": [{"name": "Ada"}],
    },
}
GIVEN = {"city": "Bonn Hbf", "price": 9.45, "code": "A-17", "who": None, "guests": [{"name": "Ada"}]}


@pytest.mark.parametrize(
    "change, fits",
    [
        ({}, True),
        ({"note": "late"}, True),
        ({"city": "Bonn"}, True),
        ({"price": 9.6}, True),
        ({"note": "early"}, False),
        ({"city": "bonn"}, False),
        ({"city": ["Bonn"]}, False),
        ({"price": 9.7}, False),
        ({"price": "9.5"}, False),
        ({"code": "A-17x"}, False),
        ({"code": "xA-17"}, False),
        ({"guests": []}, False),
        ({"more": 1}, False),
        ({"guests": [{"name": "Ada", "age": 1}]}, False),
        ({"city": {"$any_of": ["Bonn"]}}, False),
        ({"price": True}, False),
    ],
)
async def test_marks_of_arguments(graded, change, fits):
    found = await grade(graded, [{"name": "book", "arguments": {**GIVEN, **change}}], calls=[MARKED])
    assert (found.reward == 1.0) is fits


async def test_what_must_be_given_cannot_be_left_out(graded):
    for name in ("city", "price", "code", "who", "guests"):
        without = {key: value for key, value in GIVEN.items() if key != name}
        assert (await grade(graded, [{"name": "book", "arguments": without}], calls=[MARKED])).reward < 1.0


async def test_case_aliases_and_calls_that_do_not_count(graded):
    shouted = [{"name": "find_room", "arguments": {"city": "BONN", "beds": 2}}, BOOK, MAIL]
    assert (await grade(graded, shouted)).reward < 1.0
    assert (await grade(graded, shouted, ignore_case=True)).reward == 1.0
    renamed = [{**FIND, "name": "FindRoom"}, BOOK, MAIL]
    assert (await grade(graded, renamed, alias={"FindRoom": "find_room"})).reward == 1.0
    look = {"name": "list_cities", "arguments": {}}
    assert (await grade(graded, [look, FIND, look, BOOK, MAIL], allowed=["list_cities"])).reward == 1.0
    assert (await grade(graded, [look, FIND, look, BOOK, MAIL])).reward < 1.0


@pytest.mark.parametrize(
    "data, why",
    [
        ({"calls": [{"nam": "x"}]}, "unknown fields"),
        ({"calls": [{"arguments": {}}]}, "needs a `name`"),
        ({"calls": [{"name": "x", "arguments": {"a": {"$any": 1}}}]}, "any_of"),
        ({"calls": [{**FIND, "after": [0]}]}, "after"),
        ({"replay": {"base_url": "x"}}, "replay lacks"),
    ],
)
async def test_wrong_data_is_no_verdict(graded, data, why):
    with pytest.raises(CannotGrade, match=why):
        await grade(graded, [], **data)


class Bookings(BaseHTTPRequestHandler):
    """A small service that keeps what is booked."""

    def do_GET(self):
        self.answer({"rooms": {str(number): all_of for number, all_of in self.server.rooms.items()}, "at": time.time()})

    def do_POST(self):
        room = int(self.path.split("/")[2])
        if room not in self.server.rooms:
            return self.answer({"error": "no such room"}, 404)
        self.server.rooms[room].append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        return self.answer({"ok": True}, 201)

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *parts):
        pass


REPLAY = {
    "requests": {"find_room": {"path": "/rooms"}, "book": {"method": "POST", "path": "/rooms/{room}/bookings"}},
    "state_path": "/state",
    "state": {"rooms": {"17": [{"from": "2026-05-01"}]}, "at": 0},
    "ignore": ["/at"],
}


@pytest.fixture
def service():
    """Its address, on this machine; a call that breaks it breaks one connection, as with a real one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bookings)
    server.rooms = {17: []}
    server.handle_error = lambda *about: None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def replayed(on_this_machine):
    """Grade with the replay as a process of this machine, where the service is."""

    async def grade_replayed(given, replay, /, **data):
        whole = {"calls": [FIND, BOOK], "replay": replay, **data}
        return await on_this_machine("calls", whole, {"calls.json": json.dumps(given)})

    return grade_replayed


async def test_the_right_calls_give_the_right_state(replayed, service):
    found = await replayed([FIND, BOOK], {**REPLAY, "base_url": service})
    assert found.reward == 1.0, found


@pytest.mark.parametrize(
    "calls",
    [
        [FIND, BOOK, BOOK],
        [FIND],
        [FIND, {"name": "book", "arguments": {"room": 18, "from": "2026-05-01"}}],
        [FIND, {"name": "book", "arguments": {"from": "2026-05-01"}}],
        [FIND, {"name": "nothing", "arguments": {}}],
        [FIND, {"name": "book", "arguments": {"room": "17/../17", "from": "2026-05-01"}}],
    ],
)
async def test_another_state_is_wrong(replayed, service, calls):
    found = await replayed(calls, {**REPLAY, "base_url": service})
    assert found.reward < 1.0
    assert [part.passed for part in found.parts if part.name == "end state"] == [False]


async def test_calls_that_read_right_but_leave_another_state(replayed, service):
    """An optional argument may be given or not; the state then says which it was."""
    calls = [FIND, {"name": "book", "arguments": {**BOOK["arguments"], "note": "x"}}]
    loose = [FIND, {"name": "book", "arguments": {**BOOK["arguments"], "note": {"$optional": "x"}}}]
    found = await replayed(calls, {**REPLAY, "base_url": service}, calls=loose)
    assert [part.name for part in found.parts if not part.passed] == ["end state"]
    assert found.reward == pytest.approx(3 / 4)


async def test_no_service_is_no_verdict(replayed):
    with pytest.raises(CannotGrade, match="does not answer"):
        await replayed([FIND], {**REPLAY, "base_url": "http://127.0.0.1:9"}, timeout_sec=0.5)
