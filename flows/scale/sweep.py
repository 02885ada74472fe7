"""The same prediction over several sizes of one part, or of several: where it bends, and what stops it there."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from flows.errors import UsageError
from flows.scale.cluster import ClusterSpec
from flows.scale.prediction import Prediction, predict
from flows.scale.recorded import Recording

MOST_SIZES = 60
BENDS_BELOW = 0.5  # of what growth in proportion would give


class Size(BaseModel):
    """One point of a sweep. `gain`: the growth of throughput over the growth of the field since the point before."""

    model_config = ConfigDict(frozen=True)

    fields: dict[str, float]
    gain: float | None
    bends: bool
    prediction: Prediction


def sizes_of(cluster: ClusterSpec, varied: Sequence[str]) -> list[tuple[dict[str, float], ClusterSpec]]:
    """Each combination of the values in `varied`, such as `hosts=10,50,200` or `model.replicas=4,8`.

    Raises UsageError for one that is no field of a cluster, or no value of that field.
    """
    named = [_parsed(text) for text in varied]
    count = math.prod(len(values) for _, values in named)
    if count > MOST_SIZES:
        raise UsageError(f"--vary asks for {count} sizes; {MOST_SIZES} at most")
    found = []
    for values in itertools.product(*(values for _, values in named)):
        fields = {name: value for (name, _), value in zip(named, values, strict=True)}
        found.append((fields, _changed(cluster, fields)))
    return found


def sweep(
    cluster: ClusterSpec, recording: Recording, varied: Sequence[str], *, seeds: int, rollouts: int | None, seed: int,
    jobs: int,
) -> list[Size]:  # fmt: skip
    found: list[Size] = []
    for fields, changed in sizes_of(cluster, varied):
        prediction = predict(changed, recording, seeds=seeds, rollouts=rollouts, seed=seed, jobs=jobs)
        gain = _gain(found[-1], fields, prediction) if found else None
        bends = gain is not None and gain < BENDS_BELOW and not any(size.bends for size in found)
        found.append(Size(fields=fields, gain=gain, bends=bends, prediction=prediction))
    return found


def _gain(before: Size, fields: dict[str, float], now: Prediction) -> float | None:
    """Share of proportional growth; None where not exactly one field grew."""
    grown = [name for name, value in fields.items() if value != before.fields[name]]
    if len(grown) != 1 or fields[grown[0]] <= before.fields[grown[0]]:
        return None
    field = fields[grown[0]] / before.fields[grown[0]]
    throughput = now.rollouts_an_hour.mean / before.prediction.rollouts_an_hour.mean
    return (throughput - 1) / (field - 1)


def _parsed(text: str) -> tuple[str, list[float]]:
    name, _, values = text.partition("=")
    try:
        found = [float(value) for value in values.split(",")]
    except ValueError:
        found = []
    if not name or not found:
        raise UsageError(f"--vary {text}: write FIELD=NUMBER,NUMBER,…, such as hosts=10,50,200")
    return name, found


def _changed(cluster: ClusterSpec, fields: dict[str, float]) -> ClusterSpec:
    data = cluster.model_dump(exclude_none=True)
    for name, value in fields.items():
        *above, last = name.split(".")
        place: Any = data
        for part in above:
            place = place.get(part) if isinstance(place, dict) else None
        if not isinstance(place, dict) or isinstance(place.get(last), dict):
            raise UsageError(f"--vary {name}: the cluster has no such field with a number")
        place[last] = int(value) if value.is_integer() else value
    try:
        return ClusterSpec.model_validate(data)
    except ValidationError as error:
        item = error.errors()[0]
        raise UsageError(f"--vary {', '.join(fields)}: {'.'.join(map(str, item['loc']))}: {item['msg']}") from error
