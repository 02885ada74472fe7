"""The deployments file: schedules, pools, limits and automations, checked whole when it is read.

A deployment's `request` is checked by the flow's own request model, so that what would fail at night fails now.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from flows.engines import EngineName
from flows.requests import AuditRequest, ExportRequest, GenerateRequest, PipelineRequest, Request, RolloutRequest


class ValidateRequest(Request):
    """Every task of a suite again: the reference passes, doing nothing fails."""

    suite: Path


REQUESTS: dict[str, type[Request]] = {
    "generate": GenerateRequest,
    "validate": ValidateRequest,
    "audit": AuditRequest,
    "rollout": RolloutRequest,
    "export": ExportRequest,
    "pipeline": PipelineRequest,
}
NEEDS_SANDBOXES = frozenset(REQUESTS) - {"export"}
NEW_MODEL = "gristmill.new-model"
NEWEST = "newest"  # as an agent's model: the one announced last by `gristmill event new-model`

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(value: object) -> object:
    """`90`, `30s`, `15m`, `1h` or `2d` as seconds."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", value.strip())):
        return float(match[1]) * _UNITS[match[2]]
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)]


def models_in(request: Mapping[str, Any]) -> frozenset[str]:
    """Models that a request of any flow names, as plain data: its own and its agents', a pipeline's stages' too."""
    generate = request.get("generate", request)
    agents = [*request.get("agents", ()), *request.get("rollout", ())]
    return frozenset({generate.get("model", ""), *(agent.get("model", "") for agent in agents)}) - {""}


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Schedule(Strict):
    """When: one of a cron line, an interval, or a recurrence rule of RFC 5545; in a time zone of the IANA list."""

    cron: str = ""
    interval: Seconds | None = None
    rrule: str = ""
    timezone: str = "UTC"

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"no time zone {name!r}; use a name such as Europe/Berlin")
        return name

    @model_validator(mode="after")
    def _is_one_and_can_be_read(self) -> Self:
        given = [name for name in ("cron", "interval", "rrule") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"give exactly one of cron, interval and rrule, not {' and '.join(given) or 'none'}")
        self.of_prefect()
        return self

    def of_prefect(self) -> Any:
        """Prefect's own schedule. Raises ValueError where it cannot be read."""
        from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

        if self.cron:
            return CronSchedule(cron=self.cron, timezone=self.timezone)
        if self.rrule:
            return RRuleSchedule(rrule=self.rrule, timezone=self.timezone)
        assert self.interval is not None
        return IntervalSchedule(interval=timedelta(seconds=self.interval), timezone=self.timezone)


class Deployment(Strict):
    """A flow with its request, and when it runs: by `schedule`, by an `event`, or only by hand."""

    flow: Literal["generate", "validate", "audit", "rollout", "export", "pipeline"]
    request: dict[str, Any]
    description: str = ""
    schedule: Schedule | None = None
    event: Literal["new-model"] | None = Field(None, description="an event that starts a run")
    paused: bool | None = Field(None, description="None: as it is on the server; a new one runs")
    timeout: Seconds | None = Field(None, description="a run that takes longer is cancelled, hung or not")
    retries: int = Field(0, ge=0, le=20, description="of a run that failed; of each stage in a pipeline")
    retry_delay: Seconds = 30.0
    tags: tuple[Name, ...] = ()
    at_once: int = Field(1, gt=0, description="runs of this deployment at the same time")
    overlap: Literal["skip", "wait"] = Field("skip", description="of a run that is due while `at_once` are running")
    pool: Name | None = Field(None, description="None: the first pool")
    job: dict[str, Any] = Field(default_factory=dict, description="job variables of the pool's template")
    backend: str | None = None
    jobs: int | None = Field(None, gt=0)
    engine: EngineName | None = None

    @field_validator("timeout")
    @classmethod
    def _is_seen_in_time(cls, seconds: float | None) -> float | None:
        if seconds is not None and seconds < 10:
            raise ValueError("at least 10 s: the server looks every few seconds")
        return seconds

    @property
    def models(self) -> frozenset[str]:
        """Models that the request names."""
        return models_in(self.request)


class Then(Strict):
    """What an automation does: one of these."""

    webhook: str = Field("", pattern=r"^(https?://\S+)?$", description="URL; gets the event as JSON by POST")
    block: str = Field("", pattern=r"^([a-z0-9-]+/[a-z0-9-]+)?$", description="block of the server, TYPE/NAME")
    run: Name | None = Field(None, description="deployment to start")
    pause: Name | None = Field(None, description="deployment to pause")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in ("webhook", "block", "run", "pause") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"give exactly one of webhook, block, run and pause, not {' and '.join(given) or 'none'}")
        return self


# condition -> its thresholds; at least one of them must be given
_THRESHOLDS = {"pass_rate": ("below", "drop"), "yield": ("below",), "disk": ("free_gb",), "failed": (), "event": ()}


class Automation(Strict):
    """When something is wrong (or an event comes), act. Rates are shares from 0 to 1."""

    when: Literal["pass_rate", "yield", "disk", "failed", "event"]
    then: Then
    below: float | None = Field(None, ge=0, le=1, description="pass rate, or accepted of all candidates")
    drop: float | None = Field(None, gt=0, le=1, description="pass rate this far below the earlier one")
    least: int = Field(10, gt=0, description="known outcomes (or candidates) below which nothing is judged")
    free_gb: float | None = Field(None, gt=0, description="10^9 bytes free where the store is")
    event: str = Field("", description="name of the event, for `when: event`")
    deployments: tuple[Name, ...] = Field((), description="only these; none: all")
    enabled: bool = True

    @model_validator(mode="after")
    def _has_its_threshold(self) -> Self:
        wanted = _THRESHOLDS[self.when]
        given = [name for name in ("below", "drop", "free_gb") if getattr(self, name) is not None]
        if foreign := [name for name in given if name not in wanted]:
            raise ValueError(f"{foreign[0]} does not go with when: {self.when}")
        if wanted and not given:
            raise ValueError(f"when: {self.when} needs {' or '.join(wanted)}")
        if bool(self.event) != (self.when == "event"):
            raise ValueError("`event` names the event of `when: event`, and goes with nothing else")
        return self


class Pool(Strict):
    """Where runs are started: processes on this machine, containers, or jobs of a cluster."""

    type: Literal["process", "docker", "kubernetes"] = "process"
    job: dict[str, Any] = Field(default_factory=dict, description="job variables for all its deployments")
    at_once: int | None = Field(None, gt=0, description="runs at the same time")
    worker: bool = Field(True, description="`up` starts a worker for it on this machine")


class Limits(Strict):
    """Global concurrency limits, held by a run with a lease: a run that dies gives them back in minutes."""

    sandboxes: int | None = Field(None, gt=0)
    models: dict[Name, int] = Field(default_factory=dict, description="requests at the same time, by model")

    @field_validator("models")
    @classmethod
    def _are_positive(cls, models: dict[str, int]) -> dict[str, int]:
        if wrong := [name for name, limit in models.items() if limit < 1]:
            raise ValueError(f"{wrong[0]}: must be 1 or more")
        return models


class Server(Strict):
    """The server that `up` starts where PREFECT_API_URL names none."""

    port: int = Field(0, ge=0, le=65535, description="0: a free one, the same again at the next start")
    heartbeat: Seconds = Field(60.0, description="seconds between the signs of life of a run")
    missed_heartbeats: int = Field(4, ge=2, description="so many missed: the run is marked as crashed")

    @field_validator("heartbeat")
    @classmethod
    def _is_possible(cls, seconds: float) -> float:
        if seconds < 30:
            raise ValueError("Prefect sends a heartbeat every 30 s at most")
        return seconds


class Dashboard(Strict):
    port: int = Field(8787, gt=0, le=65535)


class DeploymentsFile(Strict):
    """All of it. The store is that of the settings or of `--store`, by which `down` finds it again."""

    backend: str | None = None
    jobs: int | None = Field(None, gt=0)
    engine: EngineName | None = None
    server: Server = Server()
    pools: dict[Name, Pool] = Field(default_factory=lambda: {"gristmill": Pool()}, min_length=1)
    limits: Limits = Limits()
    deployments: dict[Name, Deployment] = Field(default_factory=dict)
    automations: dict[Name, Automation] = Field(default_factory=dict)
    dashboard: Dashboard | None = None

    def pool_of(self, deployment: Deployment) -> str:
        return deployment.pool or next(iter(self.pools))
