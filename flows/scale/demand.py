"""What a recorded rollout asks of the parts of a cluster."""

from dataclasses import dataclass
from math import ceil

from flows.scale.cluster import ClusterSpec
from flows.scale.recorded import Story

MOST_PARTS = 64  # cores that one command is taken to keep busy


@dataclass(frozen=True, slots=True)
class Turn:
    """The worker process computes, the model answers, then tools (or verifier, or a start) compute and wait."""

    worker_sec: float = 0.0
    pause_sec: float = 0.0
    prompt: float = 0.0  # tokens that are not in the server's cache
    answer: float = 0.0  # tokens
    cpu_sec: float = 0.0
    parts: int = 1  # cores that this is computed on
    wait_sec: float = 0.0


@dataclass(frozen=True, slots=True)
class Demand:
    """One rollout, in seconds of an undisturbed host of the cluster."""

    start: Turn  # of the agent's sandbox; the verifier's is taken to be its like
    turns: tuple[Turn, ...]
    end: Turn  # diff, sandbox down, verifier without its start
    body_mb: float


def demand_of(story: Story, cluster: ClusterSpec) -> Demand:
    host = cluster.host
    share = host.cpu_share if story.cpu_share is None else story.cpu_share
    start_sec = story.start_sec if host.start_sec is None else host.start_sec
    turns = []
    for act in story.acts:
        prompt = answer = 0.0
        pause_sec = act.pause_sec
        if act.call is not None and cluster.model is not None:
            prompt = max(0.0, act.call.prompt - cluster.model.prefix_cache * act.call.earlier)
            answer = float(max(1, act.call.answer))
        elif act.call is not None:
            pause_sec += act.call.seconds
        turns.append(_turn(cluster, act.tool_sec, share, host.cpu_ms_a_step, pause_sec, prompt, answer))
    verify_sec = max(0.0, story.verify_sec - min(story.start_sec, story.verify_sec))
    end_sec = story.end_sec + verify_sec + story.other_sec
    # What is longer than the step that it is said to be of was done beside later parts, which are shorter for it.
    computed = host.cpu_ms_a_step / 1000
    over_sec = sum(max(0.0, computed + act.tool_sec * share / _parts(share) - act.tool_sec) for act in story.acts)
    return Demand(
        start=_turn(cluster, start_sec, host.cpu_share),
        turns=tuple(turns),
        end=_turn(cluster, end_sec, host.cpu_share, host.cpu_ms_a_rollout, over_sec=over_sec),
        body_mb=story.body_bytes / 1e6,
    )


def _turn(
    cluster: ClusterSpec,
    seconds: float,
    share: float,
    worker_ms: float = 0.0,
    pause_sec: float = 0.0,
    prompt: float = 0.0,
    answer: float = 0.0,
    over_sec: float = 0.0,
) -> Turn:
    """Of `seconds` of the wall clock `share` was computing; what the worker process did lies in the rest."""
    speed, worker_sec, cpu_sec = cluster.host.speed, worker_ms / 1000, seconds * share
    return Turn(
        worker_sec=worker_sec / speed,
        pause_sec=pause_sec,
        prompt=prompt,
        answer=answer,
        cpu_sec=cpu_sec / speed,
        parts=_parts(share),
        wait_sec=max(0.0, seconds - cpu_sec / _parts(share) - worker_sec - over_sec),
    )


def _parts(share: float) -> int:
    return min(MOST_PARTS, max(1, ceil(share - 0.05)))  # a little over 1 is a shell beside its command
