"""A question about an agent, in rounds of rollouts: choose, roll out, hear, until it is sure or the budget is spent."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from flows.place import Place
from flows.requests import AgentRequest, RolloutRequest
from flows.rollout import rollout_flow
from tasks.suite import open_suite
from trajectories.asking import Answer, Asker, Question

ROUNDS = 8  # at least, so that what one shows can steer the next


def groups_of(suite: Path, by: str, place: Place) -> dict[str, list[str]]:
    """Name -> ids of tasks. `topics`: the leaves of the taxonomies that instances were drawn from."""
    groups: dict[str, list[str]] = defaultdict(list)
    for task in open_suite(suite, cache=place.cache).tasks():
        details = task.provenance.details
        if by == "families":
            names = [task.family]
        elif by == "tags":
            names = [str(tag) for tag in details.get("tags", ())]
        else:
            names = [str(leaf) for leaf in (details.get("leaves") or {}).values()]
        for name in names:
            groups[name].append(task.id)
    return groups


def ask(
    question: Question,
    suite: Path,
    agent: AgentRequest,
    place: Place,
    *,
    budget: int,
    seed: int,
    on_round: Callable[[Answer], None] = lambda answer: None,
) -> Answer:
    """At most `budget` rollouts. Outcomes that are unknown count as asked. Raises BadQuestion."""
    asker = Asker(question, groups_of(suite, question.by, place), seed=seed)
    while asker.asked < budget and not (asker.asked and asker.answer().is_sure):
        tasks = asker.next(min(max(place.jobs, budget // ROUNDS), budget - asker.asked))
        if not tasks:
            break
        rollout_flow(RolloutRequest(suite=suite, agents=(agent,), tasks=tuple(tasks)), place)
        solved = _solved(suite, agent, tasks, place)
        for task in tasks:
            asker.tell(task, solved.get(task, False))
        on_round(asker.answer())
    return asker.answer()


def _solved(suite: Path, agent: AgentRequest, tasks: list[str], place: Place) -> dict[str, bool]:
    suite_hash = open_suite(suite, cache=place.cache).manifest.hash
    names = ", ".join(f"'{task}'" for task in tasks)
    where = (
        f"suite = '{suite_hash}' and agent = '{agent.agent}' and model = '{agent.model}' and "
        f"backend = '{place.backend}' and unknown = false and task in ({names})"
    )
    with place.open_store() as store:
        return {row.task_id: row.reward >= 1 for row in store.rollouts(where)}
