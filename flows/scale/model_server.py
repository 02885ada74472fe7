"""A replica of a model server with continuous batching, as vLLM, SGLang and llama.cpp do it.

Each turn of the engine gives every sequence that decodes one token, and works off a chunk of a prompt if one waits
(chunked prefill: Agrawal et al., "Sarathi-Serve", 2024). A turn over n sequences takes n / D(n) seconds, where D(n) is
the measured number of tokens a second at that batch; a chunk adds chunk / P seconds, P the tokens a second of prefill.
Prompts are worked off one after the other, in the order in which their sequences came.
"""

import heapq
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, count

from flows.scale.clock import Clock, Then

LEAST_TURN_SEC = 1e-6
DONE_TOKENS = 1e-3  # what is left to rounding
SOON_SEC = 1e-9


class DecodeCurve:
    """Seconds of one turn by the number of sequences in it: straight between the points, and on beyond the last."""

    def __init__(self, tokens_a_second: Mapping[int, float], most: int) -> None:
        """tokens_a_second: of all sequences together, by their number. most: sequences at a time."""
        sizes = sorted(tokens_a_second)
        # A larger batch takes no shorter turn; where it was measured so, that was noise.
        points = list(zip(sizes, accumulate((n / tokens_a_second[n] for n in sizes), max), strict=True))
        self._turn_sec = [0.0, *(_between(points, n) for n in range(1, most + 1))]

    def turn_sec(self, sequences: int) -> float:
        return self._turn_sec[sequences]

    def tokens_a_second(self, sequences: int) -> float:
        """Of all sequences together."""
        return sequences / self._turn_sec[sequences]


def _between(points: list[tuple[int, float]], n: int) -> float:
    first, first_sec = points[0]
    if n <= first:  # reading the weights is what takes the time: a smaller batch is no quicker
        return first_sec
    if len(points) == 1:
        return first_sec * n / first
    at = min(bisect_right([number for number, _ in points], n), len(points) - 1)
    (low, low_sec), (high, high_sec) = points[at - 1], points[at]
    return max(low_sec + (high_sec - low_sec) * (n - low) / (high - low), LEAST_TURN_SEC)


@dataclass(slots=True)
class _Prompt:
    left: float  # tokens
    answer: float  # tokens
    then: Then


class ModelServer:
    """`ask` calls back when the answer is whole. What finds no place waits in the order in which it came."""

    def __init__(self, clock: Clock, curve: DecodeCurve, *, places: int, prefill: float, chunk: int) -> None:
        """places: sequences at a time. prefill: tokens a second. chunk: prompt tokens of one turn at most."""
        self.places = places
        self.asked = 0
        self.lost_sec = 0.0  # of all answers, over what they would have taken alone; true once none is under way
        self.present = 0  # sequences in the batch
        self._clock = clock
        self._curve = curve
        self._prefill = prefill
        self._chunk = chunk
        self._queue: deque[tuple[float, float, Then]] = deque()
        self._prompts: deque[_Prompt] = deque()
        self._answers: list[tuple[float, int, Then]] = []
        self._numbers = count()
        self._each = 0.0  # tokens that a sequence decoding since the start would have had
        self._since = 0.0
        self._event_number = 0

    @property
    def load(self) -> int:
        return self.present + len(self._queue)

    def ask(self, prompt: float, answer: float, then: Then) -> None:
        """prompt: tokens to be worked off (not those in the cache). answer: tokens to be made."""
        self.asked += 1
        alone_sec = prompt / self._prefill + max(answer, 1.0) * self._curve.turn_sec(1)
        self.lost_sec -= self._clock.now + alone_sec
        self._advance()
        if self.present >= self.places:
            self._queue.append((prompt, answer, then))
            return
        self._admit(prompt, answer, then)
        if prompt <= 0 or len(self._prompts) == 1:  # behind another prompt it changes nothing yet
            self._plan()

    def _admit(self, prompt: float, answer: float, then: Then) -> None:
        self.present += 1
        if prompt > 0:
            self._prompts.append(_Prompt(prompt, answer, then))
        else:
            self._decode(answer, then)

    def _decode(self, answer: float, then: Then) -> None:
        heapq.heappush(self._answers, (self._each + max(answer, 1.0), next(self._numbers), then))

    def _rates(self) -> tuple[float, float]:
        """Prompt tokens a second; answer tokens a second of one sequence."""
        decoding = len(self._answers)
        turn = self._curve.turn_sec(decoding) if decoding else 0.0
        if not self._prompts:
            return 0.0, (1 / turn if decoding else 0.0)
        if not decoding:
            return self._prefill, 0.0
        with_chunk = turn + self._chunk / self._prefill
        return self._chunk / with_chunk, 1 / with_chunk

    def _advance(self) -> None:
        passed = self._clock.now - self._since
        self._since = self._clock.now
        if passed <= 0:
            return
        prompt_rate, answer_rate = self._rates()
        self._each += passed * answer_rate
        if prompt_rate:
            self._prompts[0].left -= passed * prompt_rate

    def _plan(self) -> None:
        prompt_rate, answer_rate = self._rates()
        seconds = float("inf")
        if prompt_rate:
            seconds = self._prompts[0].left / prompt_rate
        if answer_rate:
            seconds = min(seconds, (self._answers[0][0] - self._each) / answer_rate)
        if seconds == float("inf"):
            return
        self._event_number += 1
        number = self._event_number
        self._clock.after(max(seconds, SOON_SEC), lambda: self._event(number))

    def _event(self, number: int) -> None:
        if number != self._event_number:
            return  # things have changed since it was set
        self._advance()
        ended: list[Then] = []
        while self._answers and self._answers[0][0] <= self._each + DONE_TOKENS:
            ended.append(heapq.heappop(self._answers)[2])
        while self._prompts and self._prompts[0].left <= DONE_TOKENS:
            prompt_done = self._prompts.popleft()
            self._decode(prompt_done.answer, prompt_done.then)
        self.present -= len(ended)
        self.lost_sec += len(ended) * self._clock.now
        while self._queue and self.present < self.places:
            prompt, answer, then = self._queue.popleft()
            self._admit(prompt, answer, then)
        self._plan()
        for each in ended:
            each()


def most_calls_a_second(curve: DecodeCurve, *, places: int, prefill: float, prompt: float, answer: float) -> float:
    """What a replica whose batch is always full can answer, for calls of these mean sizes."""
    best = min(curve.turn_sec(n) / n for n in range(1, places + 1))
    seconds = answer * best + prompt / prefill
    return 1 / seconds if seconds else float("inf")
