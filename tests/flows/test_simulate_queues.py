"""The simulator's parts against what queueing theory says of them in closed form."""

import random
from collections.abc import Callable, Iterator
from math import factorial

import pytest

from flows.scale.clock import Clock, Then
from flows.scale.cores import Cores
from flows.scale.gate import Gate
from flows.scale.model_server import DecodeCurve, ModelServer, most_calls_a_second

COUNT = 40_000


class Line:
    """Customers that come at random (Poisson) to one station; what they saw is counted beside its own counts."""

    def __init__(self, rate: float, serve: Callable[[Clock, float, Then], None], lengths: Iterator[float]) -> None:
        self.clock = Clock()
        self.chance = random.Random(7)
        self.rate, self.serve, self.lengths = rate, serve, lengths
        self.left, self.present, self.area, self.since = COUNT, 0, 0.0, 0.0
        self.stayed_sec = 0.0
        self.clock.after(0.0, self.come)
        self.clock.run()

    def come(self) -> None:
        self.left -= 1
        came = self.clock.now
        self.count(1)

        def go() -> None:
            self.count(-1)
            self.stayed_sec += self.clock.now - came

        self.serve(self.clock, next(self.lengths), go)
        if self.left:
            self.clock.after(self.chance.expovariate(self.rate), self.come)

    def count(self, change: int) -> None:
        self.area += self.present * (self.clock.now - self.since)
        self.since = self.clock.now
        self.present += change

    @property
    def mean_stay_sec(self) -> float:
        return self.stayed_sec / COUNT

    @property
    def mean_present(self) -> float:
        return self.area / self.clock.now


def exponential(mean: float) -> Iterator[float]:
    chance = random.Random(3)
    while True:
        yield chance.expovariate(1 / mean)


def erlang_c(servers: int, load: float) -> float:
    """Chance to wait in M/M/c; `load` in servers (Erlang, 1917)."""
    below = sum(load**k / factorial(k) for k in range(servers))
    at = load**servers / factorial(servers) * servers / (servers - load)
    return at / (below + at)


@pytest.mark.parametrize(("servers", "utilisation"), [(1, 0.5), (1, 0.8), (4, 0.8)])
def test_a_gate_makes_wait_as_erlang_says(servers: int, utilisation: float) -> None:
    rate = servers * utilisation
    gates: list[Gate] = []

    def serve(clock: Clock, seconds: float, then: Then) -> None:
        if not gates:
            gates.append(Gate(clock, servers))
        gates[0].serve(seconds, then)

    line = Line(rate, serve, exponential(1.0))
    expected = erlang_c(servers, rate) / (servers - rate)  # with one server: utilisation / (1 - utilisation)
    assert gates[0].mean_wait_sec == pytest.approx(expected, rel=0.08)
    assert gates[0].busy_share() == pytest.approx(utilisation, rel=0.03)
    assert line.mean_present == pytest.approx(COUNT / line.clock.now * line.mean_stay_sec, rel=1e-9)  # Little's law


@pytest.mark.parametrize(
    "lengths",
    [
        iter(lambda: 1.0, None),  # all alike
        (0.1 if random.Random(number).random() < 0.9 else 9.1 for number in range(COUNT)),  # few and long
    ],
    ids=["constant", "skewed"],
)
def test_a_shared_core_cares_for_the_mean_alone(lengths: Iterator[float]) -> None:
    """M/G/1 with processor sharing: a stay of mean / (1 - utilisation), whatever the lengths (Kleinrock, 1967)."""
    cores: list[Cores] = []
    line = Line(0.7, on_cores(cores, 1), lengths)
    assert line.mean_stay_sec == pytest.approx(1 / (1 - 0.7), rel=0.1)
    assert cores[0].busy_share() == pytest.approx(0.7, rel=0.05)


def test_several_cores_are_shared_as_m_m_c() -> None:
    line = Line(3.2, on_cores([], 4), exponential(1.0))
    assert line.mean_stay_sec == pytest.approx(1 + erlang_c(4, 3.2) / (4 - 3.2), rel=0.06)


def on_cores(cores: list[Cores], count: int) -> Callable[[Clock, float, Then], None]:
    def serve(clock: Clock, seconds: float, then: Then) -> None:
        if not cores:
            cores.append(Cores(clock, count))
        cores[0].work(seconds, then)

    return serve


def ends_of(count: float, pieces: list[tuple[float, float]], *, rivals: float = 0.0) -> list[float]:
    """When pieces (moment, seconds) end on `count` cores."""
    clock, ended = Clock(), [0.0] * len(pieces)
    cores = Cores(clock, count, rivals)
    for number, (moment, seconds) in enumerate(pieces):

        def end(number: int = number) -> None:
            ended[number] = clock.now

        clock.at(moment, lambda seconds=seconds, end=end: cores.work(seconds, end))  # type: ignore[misc]
    clock.run()
    return ended


def test_pieces_on_shared_cores_end_when_they_should() -> None:
    assert ends_of(1, [(0, 1), (0, 1)]) == pytest.approx([2, 2])
    assert ends_of(2, [(0, 1), (0, 1)]) == pytest.approx([1, 1])
    assert ends_of(1, [(0, 2), (1, 0.5)]) == pytest.approx([2.5, 2])  # from 1 to 2 each has half a core
    assert ends_of(1.5, [(0, 1), (0, 1)]) == pytest.approx([4 / 3, 4 / 3])
    assert ends_of(2, [(0, 0)]) == [0]
    assert ends_of(2, [(0, 1), (0, 1)], rivals=2) == pytest.approx([2, 2])
    assert ends_of(2, [(0, 1)], rivals=1) == pytest.approx([1])


def test_a_piece_in_parts_ends_with_its_last_part() -> None:
    clock, ended = Clock(), list[float]()
    cores = Cores(clock, 2)
    cores.work_in_parts(4.0, 4, lambda: ended.append(clock.now))
    clock.run()
    assert ended == pytest.approx([2.0])


# ------------------------------------------------------------------- model servers

CURVE = {1: 100.0, 4: 320.0, 8: 480.0}  # a turn takes 10, 12.5 and 16.7 ms


def answered(asks: list[tuple[float, float, float]], *, places: int = 8) -> list[float]:
    """When calls (moment, prompt tokens, answer tokens) have their answers."""
    clock, ended = Clock(), [0.0] * len(asks)
    server = ModelServer(clock, DecodeCurve(CURVE, places), places=places, prefill=1000.0, chunk=100)
    for number, (moment, prompt, answer) in enumerate(asks):

        def end(number: int = number) -> None:
            ended[number] = clock.now

        clock.at(moment, lambda p=prompt, a=answer, end=end: server.ask(p, a, end))  # type: ignore[misc]
    clock.run()
    return ended


def test_a_call_alone_is_its_prompt_and_its_answer() -> None:
    assert answered([(0, 500, 50)]) == pytest.approx([0.5 + 50 * 0.01], abs=1e-4)
    assert answered([(0, 0, 50)]) == pytest.approx([0.5], abs=1e-4)


def test_answers_in_one_batch_share_its_turns() -> None:
    assert answered([(0, 0, 40)] * 4) == pytest.approx([40 / 320 * 4] * 4, abs=1e-4)
    assert answered([(0, 0, 40)] * 6) == pytest.approx([40 * (0.0125 + 0.5 * (8 / 480 - 0.0125))] * 6, abs=1e-4)


def test_what_finds_no_place_waits_for_one() -> None:
    assert answered([(0, 0, 40)] * 2, places=1) == pytest.approx([0.4, 0.8], abs=1e-4)


def test_a_prompt_slows_the_answers_beside_it() -> None:
    """Turns with a chunk of 100 tokens take 10 + 100 ms: 10 of them for 1,000 tokens, in which 10 tokens are made."""
    first, second = answered([(0, 0, 60), (0, 1000, 10)])
    assert second == pytest.approx(10 * 0.11 + 10 * (0.01 + (0.0125 - 0.01) / 3), abs=2e-3)
    assert first == pytest.approx(second + (60 - 10 - 10) * 0.01, abs=2e-3)


def test_a_server_tells_what_its_calls_lost_to_each_other() -> None:
    clock = Clock()
    server = ModelServer(clock, DecodeCurve(CURVE, 1), places=1, prefill=1000.0, chunk=100)
    for _ in range(3):
        server.ask(100, 40, lambda: None)
    clock.run()
    assert server.lost_sec == pytest.approx(0.0 + 0.5 + 1.0, abs=1e-3)  # each takes 0.1 s and 40 turns of 10 ms


def test_prompts_are_worked_off_in_turn() -> None:
    first, second = answered([(0, 100, 1), (0, 1000, 1)])
    assert first < 0.3 < second


def test_a_full_server_answers_as_many_calls_as_its_bound() -> None:
    curve, calls = DecodeCurve(CURVE, 8), 400
    most = most_calls_a_second(curve, places=8, prefill=1000.0, prompt=20, answer=50)
    assert most == pytest.approx(1 / (50 / 480 + 20 / 1000))
    assert calls / max(answered([(0, 20, 50)] * calls)) == pytest.approx(most, rel=0.03)


def test_the_curve_goes_through_its_points_and_on() -> None:
    curve = DecodeCurve(CURVE, 16)
    assert [round(curve.tokens_a_second(n)) for n in (1, 4, 8)] == [100, 320, 480]
    assert curve.turn_sec(16) == pytest.approx(8 / 480 + 8 * (8 / 480 - 0.0125) / 4)
    assert DecodeCurve({4: 320}, 8).turn_sec(2) == pytest.approx(0.0125)
