"""The Wilson score interval of a proportion (E. B. Wilson, 1927)."""

from math import sqrt

Z_95 = 1.959963984540054


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of `successes` in `n`; (0, 1) where n is 0."""
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    middle = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)
