"""`--model route:FILE`: each rollout's model by a rule file and the store's pass rates, before the run starts.

From there on the rollout is that model's: its name is in the key. What was drawn is kept in the cache, so that a run
that is started again draws nothing anew, however much its own rollouts have changed the pass rates.
"""

import json
import os
from collections import defaultdict
from hashlib import sha256
from pathlib import Path

from agents.errors import AgentFault
from agents.models import LOCAL
from agents.rollout import seed_of
from agents.routing import Route, read_route, thompson
from flows.errors import UsageError
from flows.models import ROUTE, is_served_here, resolve
from flows.place import Place
from flows.requests import AgentRequest
from tasks.suite import Suite
from tasks.task import Task
from trajectories.rollout import RolloutKey
from trajectories.store import Store

Work = list[tuple[RolloutKey, AgentRequest]]


def load_route(model: str) -> Route:
    """The rule file of `route:FILE`. Raises UsageError with file and line, or for a model that there is not."""
    file = Path(model.removeprefix(ROUTE))
    try:
        route = read_route(file)
    except AgentFault as error:
        raise UsageError(str(error)) from error
    for name in route.models:
        try:
            if name.startswith(ROUTE):
                raise UsageError("a route leads to models, not to another route")
            if not is_served_here(name):
                resolve(name, {LOCAL.name: LOCAL.base_url})
        except UsageError as error:
            raise UsageError(f"{file}:{_line_with(file, name)}: {error}") from error
    return route


def routed(work: Work, suite: Suite, place: Place, store: Store) -> Work:
    """The same work with each `route:FILE` replaced by the model that it chose. Raises UsageError."""
    routes = {agent.model: load_route(agent.model) for _, agent in work if agent.model.startswith(ROUTE)}
    if not routes:
        return work
    tasks: dict[str, Task] = {}
    kept = {model: _Kept(model, suite, place) for model in routes}
    counts = counts_of(store)
    done: Work = []
    for key, agent in work:
        if (route := routes.get(agent.model)) is not None:
            task = tasks.get(key.task_id) or tasks.setdefault(key.task_id, suite.task(key.task_id))
            name = kept[agent.model].choices.get(_name(key))
            if name is None:
                name = _choose(route, agent.model, task, key, counts[key.agent, task.family])
                kept[agent.model].choices[_name(key)] = name
            key, agent = key.model_copy(update={"model": name}), agent.model_copy(update={"model": name})
        done.append((key, agent))
    for each in kept.values():
        each.write()
    return done


def _choose(route: Route, file: str, task: Task, key: RolloutKey, counts: dict[str, tuple[int, int]]) -> str:
    rule = route.rule_of(task)
    if rule is None:
        raise UsageError(
            f"{file.removeprefix(ROUTE)}: no rule holds for task {task.id} of family {task.family}; "
            "add a last rule with `model:` alone, which holds for all"
        )
    seed = seed_of(key.model_copy(update={"model": "route"}))  # wherever the file lies
    return thompson(rule.measured, counts, seed) if rule.measured else rule.model


def counts_of(store: Store) -> dict[tuple[str, str], dict[str, tuple[int, int]]]:
    """Of an agent and family: model -> rollouts with a known outcome and solved ones, over all suites and backends."""
    found: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
    for rate in store.pass_rates():
        of = found[rate.agent, rate.family]
        n, solved = of.get(rate.model, (0, 0))
        of[rate.model] = (n + rate.n, solved + rate.solved)
    return found


class _Kept:
    """The choices of one rule file (by its text) on one suite for one store, by rollout."""

    def __init__(self, model: str, suite: Suite, place: Place) -> None:
        text = Path(model.removeprefix(ROUTE)).read_text(encoding="utf-8")
        store = place.store if "://" in place.store else str(Path(place.store).absolute())
        name = sha256("\0".join((text, suite.manifest.hash, store)).encode()).hexdigest()[:16]
        self.file = place.cache / "routes" / f"{name}.json"
        self.choices: dict[str, str] = {}
        if self.file.is_file():
            self.choices = json.loads(self.file.read_text(encoding="utf-8"))

    def write(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        beside = self.file.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(self.choices), encoding="utf-8")
        beside.replace(self.file)


def _name(key: RolloutKey) -> str:
    return f"{key.agent} {key.backend} {key.task_id} {key.attempt}"


def _line_with(file: Path, name: str) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, start=1) if name in line), 1)
