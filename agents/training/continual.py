"""What a stream of stages taught and cost: the accuracy matrix, and the figures of continual learning over it."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

Row = Mapping[str, float]


class Continual(BaseModel):
    """`matrix[i][stage]`: accuracy on the stage's held-out tasks after round i; row 0 is the model untrained.

    Cells that were not measured are missing. Figures are None where nothing defines them (one stage only).
    """

    model_config = ConfigDict(frozen=True)

    stages: tuple[str, ...] = Field(description="in the order in which they were first trained on")
    trained: tuple[str, ...] = Field(description="the stage of each round")
    matrix: tuple[dict[str, float], ...]
    average_accuracy: float | None = Field(
        description="mean over the stages after the last round (ACC; Lopez-Paz and Ranzato, 2017)"
    )
    forgetting: float | None = Field(
        description="mean over the stages trained before the last round: best accuracy since it was first trained on, "
        "minus the last one (Chaudhry et al., 2018)"
    )
    backward_transfer: float | None = Field(
        description="mean over the same: last accuracy minus the one when it was first learned (BWT; Lopez-Paz and "
        "Ranzato, 2017)"
    )
    forward_transfer: float | None = Field(
        description="mean over the stages after the first: accuracy just before it was trained on, minus the untrained "
        "model's (FWT; Lopez-Paz and Ranzato, 2017)"
    )


def continual(trained: Sequence[str], matrix: Sequence[Row]) -> Continual:
    """`trained[i]`: the stage of round i + 1; `matrix`: one row more than there are rounds (row 0: untrained)."""
    if len(matrix) != len(trained) + 1:
        raise ValueError(f"{len(trained)} rounds need {len(trained) + 1} rows; there are {len(matrix)}")
    stages = tuple(dict.fromkeys(trained))
    last = matrix[-1]
    first = {stage: trained.index(stage) + 1 for stage in stages}
    final = {stage: len(trained) - list(reversed(trained)).index(stage) for stage in stages}
    older = [stage for stage in stages if final[stage] < len(trained) and stage in last]
    return Continual(
        stages=stages,
        trained=tuple(trained),
        matrix=tuple(dict(row) for row in matrix),
        average_accuracy=_mean([last[stage] for stage in stages if stage in last]),
        forgetting=_mean(
            [
                max(row[stage] for row in matrix[first[stage] : -1] if stage in row) - last[stage]
                for stage in older
                if any(stage in row for row in matrix[first[stage] : -1])
            ]
        ),
        backward_transfer=_mean(
            [last[stage] - matrix[first[stage]][stage] for stage in older if stage in matrix[first[stage]]]
        ),
        forward_transfer=_mean(
            [
                matrix[first[stage] - 1][stage] - matrix[0][stage]
                for stage in stages[1:]
                if stage in matrix[first[stage] - 1] and stage in matrix[0]
            ]
        ),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
