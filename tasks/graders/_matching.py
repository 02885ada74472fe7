"""Which of ours goes with which of theirs: one to one, the best pairs together."""

from collections.abc import Callable


def best_matching(ours: int, theirs: int, likeness: Callable[[int, int], float]) -> list[tuple[int, int]]:
    """Pairs (our index, their index) of likeness above 0, of the largest sum.

    The Hungarian method (Kuhn 1955) with potentials; time is the square of the smaller count times the larger, so that
    an answer of any length costs no more than linearly.
    """
    if ours > theirs:
        return sorted((a, b) for b, a in best_matching(theirs, ours, lambda b, a: likeness(a, b)))
    gain = [[likeness(a, b) for b in range(theirs)] for a in range(ours)]
    by_row, by_column = [0.0] * (ours + 1), [0.0] * (theirs + 1)
    partner = [0] * (theirs + 1)  # of each column: its row, counted from 1; 0 is none
    for row in range(1, ours + 1):
        partner[0] = row
        column = 0
        least = [float("inf")] * (theirs + 1)
        before = [0] * (theirs + 1)
        used = [False] * (theirs + 1)
        while partner[column]:
            used[column] = True
            here, step, after = partner[column], float("inf"), 0
            for each in range(1, theirs + 1):
                if used[each]:
                    continue
                cost = -gain[here - 1][each - 1] - by_row[here] - by_column[each]
                if cost < least[each]:
                    least[each], before[each] = cost, column
                if least[each] < step:
                    step, after = least[each], each
            for each in range(theirs + 1):
                if used[each]:
                    by_row[partner[each]] += step
                    by_column[each] -= step
                else:
                    least[each] -= step
            column = after
        while column:
            partner[column] = partner[before[column]]
            column = before[column]
    pairs = [(partner[column] - 1, column - 1) for column in range(1, theirs + 1) if partner[column]]
    return sorted(pair for pair in pairs if gain[pair[0]][pair[1]] > 0)
