"""Train a scorer on the rollouts of a store."""

from collections import defaultdict
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from agents.memory.errors import PieceFault
from agents.strategies.features import FEATURES, features_of
from agents.strategies.scorer import Scorer, ScorerProvenance
from trajectories.errors import BadFilter
from trajectories.rollout import Rollout
from trajectories.store import Store

KNOWN = "unknown = false and privileged = false and attempts = 0"
"""Outcomes that are known, of agents that had no reference and did not try to cheat."""
FEWEST = 8  # rollouts of each outcome
FOLDS = 5


def train_scorer(store: Store, *, where: str = KNOWN, seed: int = 0) -> Scorer:
    """Raises PieceFault where the rollouts are too few or all alike, or scikit-learn is missing."""
    try:
        rows = list(store.rollouts(where))
    except BadFilter as error:
        raise PieceFault(f"scorer: {error}") from error
    rollouts = [store.body(row) for row in rows]
    solved = [rollout.verdict.is_solved for rollout in rollouts]
    if min(sum(solved), len(solved) - sum(solved)) < FEWEST:
        raise PieceFault(
            f"scorer: {len(solved)} rollouts, {sum(solved)} of them solved: it needs at least {FEWEST} solved and "
            f"{FEWEST} not; roll out more, or widen --where"
        )
    return fit(rollouts, where=where, seed=seed)


def fit(rollouts: list[Rollout], *, where: str, seed: int) -> Scorer:
    """The same of rollouts at hand, of both outcomes."""
    try:
        import sklearn
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise PieceFault("training a scorer needs scikit-learn: pip install 'gristmill[selection]'") from error
    x = [list(features_of_rollout(rollout).values()) for rollout in rollouts]
    y = [rollout.verdict.is_solved for rollout in rollouts]
    groups = [f"{rollout.key.suite_hash} {rollout.key.task_id}" for rollout in rollouts]

    def fitted(rows: list[list[float]], labels: list[bool]) -> tuple[Any, Any]:
        scaler = StandardScaler().fit(rows)
        model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000, random_state=seed)
        return scaler, model.fit(scaler.transform(rows), labels)

    scaler, model = fitted(x, y)
    auc, pairs, right = _held_out(x, y, groups, fitted)
    provenance = ScorerProvenance(
        where=where,
        rollouts=len(y),
        solved=sum(y),
        tasks=len(set(groups)),
        suites=tuple(sorted({rollout.key.suite_hash for rollout in rollouts})),
        agents=tuple(sorted({rollout.key.agent for rollout in rollouts})),
        hash=sha256("\n".join(sorted(rollout.key.id for rollout in rollouts)).encode()).hexdigest(),
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        scikit_learn=sklearn.__version__,
        seed=seed,
        auc=auc,
        pairs=pairs,
        pairs_right=right,
    )
    return Scorer(
        features=tuple(FEATURES),
        mean=tuple(map(float, scaler.mean_)),
        scale=tuple(map(float, scaler.scale_)),
        weights=tuple(map(float, model.coef_[0])),
        bias=float(model.intercept_[0]),
        provenance=provenance,
    )


def features_of_rollout(rollout: Rollout) -> dict[str, float]:
    return features_of(rollout.trajectory.steps, rollout.diff, rollout.ending)


def _held_out(
    x: list[list[float]], y: list[bool], groups: list[str], fitted: Any
) -> tuple[float | None, int, float | None]:
    """AUC, pairs of one task, share of pairs in the right order; each rollout scored by a model without its task."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold

    if len(set(groups)) < 2:
        return None, 0, None
    scores: dict[int, float] = {}
    for train, test in GroupKFold(min(FOLDS, len(set(groups)))).split(x, y, groups):
        labels = [y[at] for at in train]
        if len(set(labels)) < 2:
            continue
        scaler, model = fitted([x[at] for at in train], labels)
        for at, score in zip(test, model.decision_function(scaler.transform([x[at] for at in test])), strict=True):
            scores[int(at)] = float(score)
    labels = [y[at] for at in scores]
    auc = float(roc_auc_score(labels, list(scores.values()))) if len(set(labels)) == 2 else None
    by_task: dict[str, list[int]] = defaultdict(list)
    for at in scores:
        by_task[groups[at]].append(at)
    wins = [
        (scores[good] > scores[bad]) + 0.5 * (scores[good] == scores[bad])
        for members in by_task.values()
        for good in members
        for bad in members
        if y[good] and not y[bad]
    ]
    return auc, len(wins), sum(wins) / len(wins) if wins else None
