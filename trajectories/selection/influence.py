"""By influence on target rollouts, estimated with a proxy that is trained on the store."""

from collections.abc import Sequence

from pydantic import Field

from trajectories.errors import BadSelection
from trajectories.selection.diversity import vectors_of
from trajectories.selection.item import Item, Reader, item_of
from trajectories.selection.options import Options

MOST_TARGETS = 500


class Influence(Options):
    """The `n` items that are estimated to lower the proxy's loss on the targets most.

    In the spirit of DsDm (Engstrom et al., 2024): what looks good is not what helps, so what helps is estimated. The
    proxy is a ridge regression of the reward on the TF-IDF vectors of rollouts; of a linear model the influence of a
    training row on a target row is known in closed form (Koh and Liang, 2017): the two residuals, times x H⁻¹ x_target.
    """

    target: str = Field(description="a filter like --where: rollouts on which the model shall be good")
    n: int = Field(gt=0)
    ridge: float = Field(1.0, gt=0)
    dimensions: int = Field(64, gt=1, description="of the vectors, after a truncated singular value decomposition")

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        targets = [item_of(row, 0.0) for row in reader.store.rollouts(self.target, limit=MOST_TARGETS)]
        if not targets:
            raise BadSelection(f"influence: no rollout is a target: {self.target!r}")
        if len(items) <= self.n:
            return list(items)
        import numpy as np

        both = [*items, *targets]
        vectors = vectors_of(both, reader)
        from sklearn.decomposition import TruncatedSVD

        size = min(self.dimensions, len(both) - 1)
        dense = TruncatedSVD(size, random_state=reader.seed).fit_transform(vectors)
        dense = np.hstack([dense, np.ones((len(both), 1))])
        rewards = np.array([item.reward for item in both])
        train, aim = dense[: len(items)], dense[len(items) :]
        hessian = train.T @ train + self.ridge * np.eye(train.shape[1])
        weights = np.linalg.solve(hessian, train.T @ rewards[: len(items)])
        residual, wanted = rewards[: len(items)] - train @ weights, rewards[len(items) :] - aim @ weights
        towards = np.linalg.solve(hessian, aim.T @ wanted)
        helps = residual * (train @ towards)
        order = sorted(range(len(items)), key=lambda at: (-float(helps[at]), items[at].id))
        chosen = {items[at].id for at in order[: self.n]}
        return [item for item in items if item.id in chosen]
