"""best_of_n: n attempts, and the one that a scorer likes best is handed in. The verifier is never asked."""

from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from agents.memory.piece import Act, Piece
from agents.session import RolloutSession
from agents.strategies.attempts import Tried, hand_in, nothing_tried, try_often
from agents.strategies.features import features_of
from agents.strategies.scorer import Scorer, load_scorer
from trajectories.store import Store

_kept_scorer = lru_cache(maxsize=8)(load_scorer)


class BestOfN(Piece):
    """`scorer`: a file that `gristmill memory scorer` wrote. Without one the order is by rule: the share of visible
    tests that pass, then whether it was submitted, whether anything is changed, and the fewest errors.
    """

    name: ClassVar[str] = "best_of_n"
    version: ClassVar[str] = "1"

    n: int = Field(4, gt=0)
    scorer: Path | None = None
    tests: bool = Field(True, description="run the visible tests on each attempt's change, where the task has any")

    def open(self, store: Store) -> None:
        if self.scorer is not None:
            _kept_scorer(self.scorer)  # a wrong file is told before anything runs

    async def act(self, inner: Act, session: RolloutSession) -> None:
        tried = await try_often(inner, session, self.n, is_testing=self.tests)
        if not tried:
            raise nothing_tried(self.name)
        scorer = _kept_scorer(self.scorer) if self.scorer is not None else None
        scores = [score_of(each, scorer) for each in tried]
        best = max(range(len(tried)), key=lambda at: (scores[at], -at))
        await hand_in(session, tried, tried[best], {"by": str(self.scorer or "rule"), "scores": scores})


def score_of(tried: Tried, scorer: Scorer | None) -> float:
    """0…1; of equal ones the earlier attempt is taken."""
    features = features_of(tried.steps, tried.diff.text(), tried.ending, tried.tests)
    return scorer.score(features) if scorer is not None else by_rule(features)


def by_rule(features: dict[str, float]) -> float:
    """The order that is used without a scorer: each term outweighs all that follow it."""
    order = (features["tests_passed"], features["is_submitted"], features["has_change"], 1 - features["errors"])
    return sum(value * weight for value, weight in zip(order, (0.9, 0.05, 0.03, 0.02), strict=True))
