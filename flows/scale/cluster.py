"""The description of a cluster, as a person writes it in YAML: docs/scale.md has one with every field."""

from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from flows.requests import Request, load_request


class HostSpec(Request):
    """One of `hosts` equal machines that sandboxes run on."""

    cores: float = Field(gt=0)
    rivals: float = Field(0.0, ge=0, description="threads of other programs that want a core all the time")
    memory_gb: float = Field(gt=0)
    sandboxes: int = Field(gt=0, description="at the same time, if memory allows")
    sandbox_mb: int = Field(512, gt=0, description="memory that a sandbox is counted with")
    speed: float = Field(1.0, gt=0, description="of a core, over those that the rollouts were recorded on")
    cpu_share: float = Field(
        1.0, ge=0, le=1, description="of recorded time, where nothing else is known of it: computing, not waiting"
    )
    starts_at_once: int = Field(8, gt=0, description="sandboxes that start at the same time; dockerd: 1 to 4")
    start_sec: float | None = Field(None, ge=0, description="of a sandbox; none: as recorded")
    workers: int = Field(1, gt=0, description="processes that drive rollouts; each computes on one core (Python)")
    cpu_ms_a_step: float = Field(0.0, ge=0, description="of a worker process")
    cpu_ms_a_rollout: float = Field(0.0, ge=0, description="of a worker process, beside the steps")
    price_an_hour: float = Field(0.0, ge=0)

    @property
    def slots(self) -> int:
        """Sandboxes at a time, as memory allows."""
        return max(1, min(self.sandboxes, int(self.memory_gb * 1024 / self.sandbox_mb)))

    @property
    def is_cut_by_memory(self) -> bool:
        return self.slots < self.sandboxes


class ModelSpec(Request):
    """Equal replicas that serve the model."""

    replicas: int = Field(gt=0)
    concurrent: int = Field(gt=0, le=4096, description="sequences of a replica at a time; the rest waits there")
    decode: dict[int, float] = Field(description="batch size -> tokens a second of the whole batch")
    prefill: float = Field(gt=0, description="prompt tokens a second of a replica that does nothing else")
    chunk: int = Field(2048, gt=0, description="prompt tokens in one turn (max_num_batched_tokens, n_batch)")
    prefix_cache: float = Field(0.0, ge=0, le=1, description="share of earlier turns' tokens that is still there")
    price_an_hour: float = Field(0.0, ge=0, description="of a replica")

    @field_validator("decode")
    @classmethod
    def _is_a_curve(cls, decode: dict[int, float]) -> dict[int, float]:
        if not decode:
            raise ValueError("give at least one point, e.g. {1: 60, 32: 1100}")
        if any(n < 1 or rate <= 0 for n, rate in decode.items()):
            raise ValueError("batch sizes are 1 or more, tokens a second above 0")
        per_turn = [n / rate for n, rate in sorted(decode.items())]
        if any(later < NOISE * earlier for earlier, later in pairwise(per_turn)):
            raise ValueError("a larger batch can not take a shorter turn: tokens a second grow faster than the batch")
        return decode


class StoreSpec(Request):
    """What all hosts write to."""

    writes_a_second: float = Field(gt=0, description="rollouts, of all writers together")
    body_mb_a_second: float | None = Field(None, gt=0, description="of compressed bodies; none: no limit")
    price_an_hour: float = Field(0.0, ge=0)


class ApiSpec(Request):
    """What hands the work out, in task runs that carry a batch of rollouts each."""

    task_runs_a_second: float = Field(gt=0)
    rollouts_a_task_run: int = Field(32, gt=0)
    next_batch: Literal["early", "after"] = Field(
        "early",
        description="early: a host takes it while the last one ends (gristmill rollout in one process); "
        "after: each worker process takes it when its own has ended (Ray, Dask)",
    )
    price_an_hour: float = Field(0.0, ge=0)


class ClusterSpec(Request):
    """Prices in US dollars. A part that is left out is no limit."""

    hosts: int = Field(gt=0)
    host: HostSpec
    model: ModelSpec | None = Field(None, description="none: answers take as long as they did when recorded")
    store: StoreSpec | None = None
    api: ApiSpec | None = None

    @model_validator(mode="after")
    def _can_be_simulated(self) -> Self:
        if self.hosts * self.host.slots > MOST_SANDBOXES:
            raise ValueError(f"more than {MOST_SANDBOXES} sandboxes at a time are not simulated; take a part of them")
        return self

    @property
    def sandboxes(self) -> int:
        """At a time, of all hosts."""
        return self.hosts * self.host.slots

    @property
    def price_an_hour(self) -> float:
        model = self.model.replicas * self.model.price_an_hour if self.model else 0.0
        shared = sum(part.price_an_hour for part in (self.store, self.api) if part)
        return self.hosts * self.host.price_an_hour + model + shared


MOST_SANDBOXES = 200_000
NOISE = 0.9  # measured curves are not exact


def load_cluster(file: Path) -> ClusterSpec:
    """Read and check a description. Raises UsageError naming file, field and line."""
    return load_request(file, ClusterSpec, holds="`hosts:` and `host:`", whole="cluster")
