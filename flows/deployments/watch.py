"""What a run measured, judged against the thresholds, as plain events; `entry` sends them.

The thresholds are judged here and not by the server, whose triggers can match labels and cannot compare numbers.
So every event says in a label whether its threshold was crossed (`gristmill.state`: `crossed` or `ok`), and the
automation of the same name acts on `crossed`. `gristmill.owner` is the tag of the deployments file.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from flows.deployments.plan import Watch
from trajectories.store import Store

PASS_RATE, YIELD, DISK = "gristmill.pass-rate", "gristmill.yield", "gristmill.disk"
EVENTS = {"pass_rate": PASS_RATE, "yield": YIELD, "disk": DISK}


@dataclass(frozen=True)
class Event:
    """As Prefect takes it: name, labels of the resource, payload."""

    name: str
    resource: dict[str, str]
    payload: dict[str, float | int | str | None]


@dataclass(frozen=True)
class Counts:
    """Known outcomes and those that were good: rollouts and solved, or candidates and accepted."""

    n: int = 0
    good: int = 0

    @property
    def rate(self) -> float | None:
        return self.good / self.n if self.n else None


@dataclass(frozen=True)
class Measured:
    """Of one run; `earlier`: the same agents on suites of the same name pattern, before the run."""

    now: Counts = field(default_factory=Counts)
    earlier: Counts = field(default_factory=Counts)


def solved_so_far(store: Store, agents: Iterable[str], suite_names: str) -> Counts:
    """Rollouts of `agents` in the store on suites whose name matches; unknown outcomes do not count."""
    wanted = set(agents)
    hashes = {suite.hash for suite in store.suites() if fnmatchcase(suite.name, suite_names)}
    rates = [rate for rate in store.pass_rates() if rate.suite_hash in hashes and rate.agent in wanted]
    return Counts(n=sum(rate.n for rate in rates), good=sum(rate.solved for rate in rates))


def between(before: Counts, after: Counts) -> Counts:
    return Counts(n=after.n - before.n, good=after.good - before.good)


def events_of(
    watches: Iterable[Watch],
    *,
    deployment: str,
    owner: str,
    subject: str,
    measured: dict[str, Measured],
    free_bytes: int | None,
) -> Iterator[Event]:
    """One event for each watch that this run can judge, and one for each measure that nobody watches.

    `measured`: by `pass_rate` and `yield`, what the run did. `subject`: the suite or folder it is about.
    """
    watched = list(watches)
    for kind in ("pass_rate", "yield", "disk"):
        payload: dict[str, float | int | str | None]
        if kind == "disk":
            if free_bytes is None:
                continue
            payload = {"free_gb": round(free_bytes / 1e9, 3)}
        elif kind in measured:
            seen = measured[kind]
            payload = {"rate": seen.now.rate, "n": seen.now.n, "earlier": seen.earlier.rate, "of": seen.earlier.n}
        else:
            continue
        judging: list[Watch | None] = [watch for watch in watched if watch.when == kind]
        for watch in judging or [None]:
            crossed = watch is not None and _is_crossed(watch, measured.get(kind), free_bytes)
            yield Event(
                name=EVENTS[kind],
                resource={
                    "prefect.resource.id": f"gristmill.{kind.replace('_', '-')}.{deployment}",
                    "prefect.resource.name": subject,
                    "gristmill.deployment": deployment,
                    "gristmill.owner": owner,
                    "gristmill.automation": watch.automation if watch else "",
                    "gristmill.state": "crossed" if crossed else "ok",
                },
                payload={**payload, "subject": subject, "deployment": deployment},
            )


def _is_crossed(watch: Watch, seen: Measured | None, free_bytes: int | None) -> bool:
    if watch.when == "disk":
        return watch.free_gb is not None and free_bytes is not None and free_bytes < watch.free_gb * 1e9
    if seen is None or seen.now.rate is None or seen.now.n < watch.least:
        return False
    if watch.below is not None and seen.now.rate < watch.below:
        return True
    earlier = seen.earlier.rate if seen.earlier.n >= watch.least else None
    return watch.drop is not None and earlier is not None and seen.now.rate <= earlier - watch.drop


def free_bytes(store: str) -> int | None:
    """Bytes free on the disk of the store's folder (of the current folder, where the store is a database URL)."""
    folder = Path(store) if "://" not in store else Path()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
