"""What a reader of a foreign format hands over, and the rollout that becomes of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tasks.task import Provenance
from tasks.verdict import Check, Verdict
from trajectories.atif import Step, Trajectory
from trajectories.attempts import label
from trajectories.rollout import Ending, Rollout, RolloutKey

BACKEND = "imported"
_SWE_BENCH_ID = re.compile(r"(?P<owner>[\w.-]+?)__(?P<repository>[\w.-]+)-\d+")


@dataclass(frozen=True)
class Imported:
    """One trajectory. `reward` None: nobody verified it; the outcome is then unknown, and no export takes it."""

    task: str
    format: str
    trajectory: Trajectory
    ending: Ending = "finished"
    ending_detail: str = ""
    reward: float | None = None
    checks: Mapping[str, float] = field(default_factory=dict)
    diff: str = ""
    started_at: str = ""
    agent_sec: float = 0.0
    verifier_sec: float = 0.0
    total_sec: float = 0.0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    is_privileged: bool = False


def suite_hash(suite: str) -> str:
    """Of a suite of imported rollouts: by its name, so that it can grow."""
    return sha256(f"imported {suite}".encode()).hexdigest()


def provenance_of(imported: Imported, license: str) -> Provenance:
    """Repository and revision are known only as far as a SWE-bench id (`owner__name-1`) tells."""
    named = _SWE_BENCH_ID.fullmatch(imported.task)
    return Provenance(
        source=f"imported:{imported.format}",
        source_hash="",
        license=license,
        repository=named["repository"] if named else "",
        generator="imported",
    )


def to_rollout(imported: Imported, *, suite: str, license: str, reward: float | None) -> Rollout:
    """`reward`: as said from outside, in place of the file's own. Its attempts are labelled as those of own rollouts.

    The number of the attempt is made from the steps: the same trajectory is the same rollout, whatever lies beside it.
    """
    trajectory = imported.trajectory
    steps = trajectory.model_dump_json(include={"steps"})
    known = imported.reward if reward is None else reward
    verdict = Verdict(
        reward=known or 0.0,
        checks=tuple(Check(name=name, passed=value >= 1) for name, value in imported.checks.items()),
        error="imported without a reward" if known is None else None,
    )
    if imported.ending == "infrastructure_error" and known is not None:
        verdict = verdict.model_copy(update={"error": imported.ending_detail or "infrastructure error"})
    rollout = Rollout(
        key=RolloutKey(
            suite_hash=suite_hash(suite),
            task_id=imported.task,
            agent=trajectory.agent.name,
            model=trajectory.agent.model_name or "",
            backend=BACKEND,
            attempt=int(sha256(steps.encode()).hexdigest()[:7], 16),
        ),
        seed=0,
        family="imported",
        ending=imported.ending,
        ending_detail=imported.ending_detail,
        diff=imported.diff,
        verdict=verdict,
        trajectory=trajectory,
        started_at=imported.started_at or _first_time(trajectory.steps),
        agent_sec=imported.agent_sec,
        verifier_sec=imported.verifier_sec,
        total_sec=imported.total_sec,
        prompt_tokens=_sum(trajectory.steps, "prompt_tokens", imported.prompt_tokens),
        completion_tokens=_sum(trajectory.steps, "completion_tokens", imported.completion_tokens),
        cost_usd=imported.cost_usd or float(_sum(trajectory.steps, "cost_usd", None)),
        is_privileged=imported.is_privileged,
        provenance=provenance_of(imported, license).model_dump(mode="json"),
    )
    return rollout.model_copy(update={"attempts": label(rollout)})


def _sum(steps: tuple[Step, ...], name: str, said: int | None) -> Any:
    return sum(getattr(step.metrics, name) or 0 for step in steps if step.metrics) if said is None else said


def _first_time(steps: tuple[Step, ...]) -> str:
    return next((step.timestamp for step in steps if step.timestamp), "1970-01-01T00:00:00+00:00")
