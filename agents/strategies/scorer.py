"""A small scorer of attempts, trained on the store, kept as a JSON file that says where it comes from.

In the manner of Cappy (Tan et al., 2023), which picks among candidates without touching the large model; here a
logistic regression over the features of `features.py`. Trained with scikit-learn, used without it.
"""

from collections.abc import Mapping
from math import exp
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.memory.errors import PieceFault
from agents.strategies.features import FEATURES, VERSION


class ScorerProvenance(BaseModel):
    """What it was trained on, and how well it tells solved from not on tasks that it has not seen (grouped folds).

    `auc`: over all held-out rollouts. `pairs_right`: of the pairs on one task, one solved and one not, the share in
    which the solved one scores higher: what choosing needs. None where there is no such pair, or too few tasks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: str
    rollouts: int
    solved: int
    tasks: int
    suites: tuple[str, ...]
    agents: tuple[str, ...]
    hash: str
    """sha256 of the rollouts' ids."""
    trained_at: str
    scikit_learn: str
    seed: int
    auc: float | None
    pairs: int
    pairs_right: float | None


class Scorer(BaseModel):
    """score = 1 / (1 + exp(-(bias + Σ weight · (feature - mean) / scale)))."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features_version: int = VERSION
    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    provenance: ScorerProvenance

    def score(self, features: Mapping[str, float]) -> float:
        """How likely it is solved, 0…1; only its order is relied on."""
        total = self.bias
        for name, mean, scale, weight in zip(self.features, self.mean, self.scale, self.weights, strict=True):
            total += weight * (features[name] - mean) / scale
        return 1 / (1 + exp(-max(-50.0, min(50.0, total))))


def save_scorer(scorer: Scorer, file: Path) -> None:
    file.write_text(scorer.model_dump_json(indent=1) + "\n")


def load_scorer(file: Path) -> Scorer:
    """Raises PieceFault naming the file and what is wrong."""
    try:
        scorer = Scorer.model_validate_json(file.read_text())
    except OSError as error:
        raise PieceFault(f"scorer {file}: {error.strerror}; `gristmill memory scorer --out FILE` trains one") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise PieceFault(f"scorer {file}: no scorer: {error}") from error
    if scorer.features_version != VERSION or not set(scorer.features) <= set(FEATURES):
        raise PieceFault(f"scorer {file}: trained on features of another version; train it again")
    return scorer
