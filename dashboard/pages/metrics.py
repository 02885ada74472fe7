"""`/metrics` for Prometheus; its scraper sends the token as `Authorization: Bearer TOKEN`."""

from collections import Counter
from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard import state
from dashboard.access import config
from dashboard.prefect_runs import PrefectState
from dashboard.totals import Counted
from dashboard.wording import aware
from trajectories.browsing import newest
from trajectories.counting import size_bytes
from trajectories.store import Store

router = APIRouter()


@router.get("/metrics")
def metrics(request: Request) -> Response:
    registry = CollectorRegistry()
    prefect = state.prefect(request)
    runs = prefect.state() if config(request).prefect_api else None
    registry.register(_Once(config(request).store, state.totals(request).now(), runs))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Once(Collector):
    """What is so at one moment. All are gauges: upkeep may remove rollouts, so that counts may fall."""

    def __init__(self, store: Store, counted: Counted, runs: PrefectState | None) -> None:
        self._store, self._counted, self._runs = store, counted, runs

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        yield self._rollouts()
        yield self._verdicts()
        yield from self._sums()
        yield _gauge("gristmill_tasks", "Tasks of the suites in the store", sum(s.tasks for s in self._store.suites()))
        yield _gauge("gristmill_suites", "Suites in the store", len(self._store.suites()))
        if (size := size_bytes(self._store)) is not None:
            yield _gauge("gristmill_store_bytes", "Size of the store's database, without the bodies", size)
        if last := newest(self._store, 1):
            moment = aware(last[0].started_at).timestamp()
            yield _gauge("gristmill_last_rollout_timestamp_seconds", "When the newest rollout started", moment)
        if exports := self._store.exports():
            moment = aware(exports[-1].created_at).timestamp()
            yield _gauge("gristmill_last_export_timestamp_seconds", "When the last export was written", moment)
        yield _gauge("gristmill_counted_timestamp_seconds", "When the rollouts were counted",
                     self._counted.at.timestamp())  # fmt: skip
        if self._runs is not None:
            yield from _of_prefect(self._runs)

    def _rollouts(self) -> Metric:
        counts: Counter[tuple[str, str, str]] = Counter()
        for total in self._counted.totals:
            counts[total.agent, total.model, total.ending] += total.rate.n + total.rate.unknown
        family = GaugeMetricFamily("gristmill_rollouts", "Rollouts in the store", labels=["agent", "model", "ending"])
        for labels, count in sorted(counts.items()):
            family.add_metric(list(labels), count)
        return family

    def _verdicts(self) -> Metric:
        counts: Counter[tuple[str, str, str]] = Counter()
        for total in self._counted.totals:
            rate = total.rate
            counts[total.agent, total.model, "solved"] += rate.solved
            counts[total.agent, total.model, "failed"] += rate.n - rate.solved
            counts[total.agent, total.model, "unknown"] += rate.unknown
        family = GaugeMetricFamily("gristmill_verdicts", "Rollouts by verdict", labels=["agent", "model", "verdict"])
        for labels, count in sorted(counts.items()):
            family.add_metric(list(labels), count)
        return family

    def _sums(self) -> Iterator[Metric]:
        cost, tokens = sum(t.cost_usd for t in self._counted.totals), sum(t.tokens for t in self._counted.totals)
        yield _gauge("gristmill_cost_usd", "Cost of all rollouts in the store", cost)
        yield _gauge("gristmill_tokens", "Tokens of all rollouts in the store", tokens)


def _of_prefect(runs: PrefectState) -> Iterator[Metric]:
    yield _gauge("gristmill_prefect_up", "Whether Prefect's API answers", int(not runs.fault))
    if runs.fault:
        return
    yield _gauge("gristmill_flow_runs_live", "Flow runs under way (12 at most)", len(runs.live))
    if runs.sandboxes_in_use is not None:
        yield _gauge("gristmill_sandboxes_in_use", "Sandboxes that running flows hold", runs.sandboxes_in_use)
    if runs.sandboxes_limit is not None:
        yield _gauge("gristmill_sandboxes_limit", "Sandboxes that may run", runs.sandboxes_limit)
    last: dict[str, float] = {}
    for run in runs.lately:
        if run.started is not None:
            last[run.kind] = max(last.get(run.kind, 0.0), run.started.timestamp())
    family = GaugeMetricFamily(
        "gristmill_last_run_timestamp_seconds", "When the last flow run that ended so started", labels=["state"]
    )
    for kind, moment in sorted(last.items()):
        family.add_metric([kind], moment)
    yield family


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help, value=value)
