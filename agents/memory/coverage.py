"""Which few demonstrations: those that cover the test input together (Set-BSR), or that stand for all (vote-k).

Set-BSR (Gupta, Gardner and Singh, 2023): BERTScore recall of a set is, for each token of the test input, the similarity
to its nearest token in any chosen demonstration; greedy choice is within 1 - 1/e of the best set, as the sum is
submodular. vote-k (Su et al., 2023): a graph of each item's k nearest; an item counts the less, the more of those
near to it are chosen already.
"""

from collections.abc import Callable, Sequence

from agents.memory.similarity import Weights, cosine, words_of

Recall = Callable[[str, Sequence[str]], list[list[float]]]
"""(test input, texts) -> for each text, how well it covers each token of the input, 0…1 times the token's weight."""


def token_recall(asked: str, texts: Sequence[str]) -> list[list[float]]:
    """1 where the text has the word, times how rare the word is among all texts."""
    weigh = Weights([*texts, asked])
    tokens = list(dict.fromkeys(words_of(asked)))
    weights = [weigh(token) for token in tokens]
    rows = []
    for text in texts:
        there = set(words_of(text))
        rows.append([weight * (token in there) for token, weight in zip(tokens, weights, strict=True)])
    return rows


def bert_recall(asked: str, texts: Sequence[str]) -> list[list[float]]:
    """Cosine to the nearest token of the text (BERTScore recall, Zhang et al., 2020), by the local model."""
    from agents.memory.embedding import token_vectors

    wanted, *others = token_vectors([asked, *texts])
    rows: list[list[float]] = []
    for vectors in others:
        nearest = (wanted @ vectors.T).max(axis=1).clip(0.0, 1.0) if len(vectors) else [0.0] * len(wanted)
        rows.append([float(value) for value in nearest])
    return rows


def set_bsr(asked: str, texts: Sequence[str], n: int, recall: Recall = token_recall) -> list[int]:
    """Positions of at most n texts, the greatest gain first; none that adds nothing."""
    rows = recall(asked, texts)
    covered = [0.0] * (len(rows[0]) if rows else 0)
    chosen: list[int] = []
    while len(chosen) < min(n, len(texts)):
        gains = [
            (sum(max(0.0, new - old) for new, old in zip(row, covered, strict=True)), -at)
            for at, row in enumerate(rows)
            if at not in chosen
        ]
        gain, at = max(gains)
        if gain <= 1e-9:
            break
        chosen.append(-at)
        covered = [max(new, old) for new, old in zip(rows[-at], covered, strict=True)]
    return chosen


def vote_k(texts: Sequence[str], n: int, *, k: int = 10, discount: float = 10.0) -> list[int]:
    """Positions of n texts that are representative and diverse. The test input plays no part."""
    weigh = Weights(texts)
    near: list[list[int]] = []  # of each text its k nearest
    for at, text in enumerate(texts):
        others = [(-cosine(text, other, weigh), number) for number, other in enumerate(texts) if number != at]
        near.append([number for _, number in sorted(others)[:k]])
    voters = [[voter for voter, nearest in enumerate(near) if at in nearest] for at in range(len(texts))]
    chosen: list[int] = []
    while len(chosen) < min(n, len(texts)):
        weights = [discount ** -sum(number in chosen for number in nearest) for nearest in near]
        scores = [
            (sum(weights[voter] for voter in voters[at] if voter not in chosen), -at)
            for at in range(len(texts))
            if at not in chosen
        ]
        chosen.append(-max(scores)[1])
    return chosen
