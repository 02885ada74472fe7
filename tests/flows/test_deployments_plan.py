"""Dates, newest suites and newest models are filled in when a run starts; what it measured is judged by thresholds."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.deployments.plan import Watch, filled_in, name_pattern
from flows.deployments.watch import Counts, Event, Measured, events_of, free_bytes
from flows.errors import UsageError
from flows.requests import GenerateRequest, PipelineRequest, RolloutRequest

LATE = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)


def no_model() -> str:
    raise UsageError("no model has been announced")


def test_a_run_has_the_day_of_its_own_time_zone() -> None:
    request = GenerateRequest(source="pypi:x==1", out=Path("suites/x-{date}"))
    filled = filled_in(request, at=LATE, timezone="Europe/Berlin", newest_model=no_model)
    assert filled["out"] == "suites/x-2026-12-01"
    assert filled["seed"] == 20261201, "other tasks every night, and the same ones if the night is done again"
    assert filled_in(request, at=LATE, timezone="UTC", newest_model=no_model)["out"] == "suites/x-2026-11-30"


def test_a_seed_that_is_given_stays() -> None:
    request = GenerateRequest(source="pypi:x==1", out=Path("x-{time}"), seed=7)
    filled = filled_in(request, at=LATE, timezone="UTC", newest_model=no_model)
    assert (filled["out"], filled["seed"]) == ("x-2026-11-30T2330", 7)


def test_the_newest_suite_is_the_last_that_is_whole(tmp_path: Path) -> None:
    for name in ("x-2026-11-28", "x-2026-11-29", "x-2026-11-30", "y-2026-12-01"):
        (tmp_path / name).mkdir()
        if name != "x-2026-11-30":
            (tmp_path / name / "suite.json").write_text("{}")
    request = RolloutRequest.model_validate({"suite": tmp_path / "x-{newest}", "agents": [{"agent": "nop"}]})
    filled = filled_in(request, at=LATE, timezone="UTC", newest_model=no_model)
    assert filled["suite"] == str(tmp_path / "x-2026-11-29")
    missing = RolloutRequest.model_validate({"suite": tmp_path / "z-{newest}", "agents": [{"agent": "nop"}]})
    with pytest.raises(UsageError, match="no suite is there yet"):
        filled_in(missing, at=LATE, timezone="UTC", newest_model=no_model)


def test_the_newest_model_goes_to_the_agents_that_ask_for_it() -> None:
    request = PipelineRequest.model_validate(
        {
            "generate": {"source": "pypi:x==1", "out": "x", "model": "writer"},
            "rollout": [{"agent": "react", "model": "newest"}, {"agent": "react", "model": "old"}, {"agent": "nop"}],
        }
    )
    filled = filled_in(request, at=LATE, timezone="UTC", newest_model=lambda: "v2")
    assert [agent["model"] for agent in filled["rollout"]] == ["v2", "old", ""]
    assert filled["generate"]["model"] == "writer"


def test_suites_of_other_days_are_the_same_suite() -> None:
    assert name_pattern(Path("suites/x-{date}")) == name_pattern(Path("suites/x-{newest}")) == "x-*"
    assert name_pattern(Path("suites/held-out")) == "held-out"


def judged(watch: Watch, now: Counts, earlier: Counts = Counts()) -> Event:  # noqa: B008
    seen = {watch.when: Measured(now=now, earlier=earlier)}
    found = events_of([watch], deployment="d", owner="mine", subject="s", measured=seen, free_bytes=None)
    return next(iter(found))


@pytest.mark.parametrize(
    ("now", "earlier", "state"),
    [
        (Counts(20, 10), Counts(), "ok"),
        (Counts(20, 5), Counts(), "crossed"),
        (Counts(20, 10), Counts(100, 65), "crossed"),
        (Counts(20, 10), Counts(100, 55), "ok"),
        (Counts(20, 10), Counts(3, 3), "ok"),
        (Counts(5, 0), Counts(), "ok"),
        (Counts(0, 0), Counts(100, 90), "ok"),
    ],
    ids=["above", "below", "dropped", "dropped a little", "little known earlier", "too few", "nothing new"],
)
def test_a_pass_rate_is_judged(now: Counts, earlier: Counts, state: str) -> None:
    watch = Watch(automation="a", when="pass_rate", below=0.3, drop=0.1, least=10)
    event = judged(watch, now, earlier)
    assert event.name == "gristmill.pass-rate"
    assert event.resource["gristmill.state"] == state
    assert event.resource["gristmill.automation"] == "a"
    assert event.payload["rate"] == now.rate


def test_a_yield_and_a_disk_are_judged() -> None:
    low = judged(Watch(automation="a", when="yield", below=0.2), Counts(100, 10))
    assert (low.name, low.resource["gristmill.state"]) == ("gristmill.yield", "crossed")
    watch = Watch(automation="full", when="disk", free_gb=20)
    for free, state in ((19_000_000_000, "crossed"), (21_000_000_000, "ok")):
        found = events_of([watch], deployment="d", owner="", subject="s", measured={}, free_bytes=free)
        assert [event.resource["gristmill.state"] for event in found] == [state]


def test_what_nobody_watches_is_told_all_the_same() -> None:
    measured = {"yield": Measured(now=Counts(10, 5))}
    found = list(events_of([], deployment="d", owner="", subject="s", measured=measured, free_bytes=10**9))
    assert [(event.name, event.resource["gristmill.automation"]) for event in found] == [
        ("gristmill.yield", ""),
        ("gristmill.disk", ""),
    ]


def test_the_disk_of_a_store_that_is_not_there_yet(tmp_path: Path) -> None:
    assert free_bytes(str(tmp_path / "not" / "yet")) == pytest.approx(free_bytes(str(tmp_path)), rel=0.05)
