"""The flywheel: rounds of generate, roll out, select, export, train, serve, evaluate, as one flow.

What the student does not solve comes back in the next round, how hard the next round is follows from its held-out pass
rate, and the report tells what was learned and what was forgotten. A killed run goes on at the round and step where it
was: suites by their journals, rollouts by the store, exports and trainings by folders that appear whole.
"""

from pathlib import Path

import prefect
from prefect.artifacts import create_markdown_artifact

from agents.training.continual import continual
from agents.training.significance import compare
from flows.errors import FlowFault, UsageError
from flows.flywheel import steps
from flows.flywheel.layout import Folder, Plan, Report, Round, read, write, write_text
from flows.flywheel.report import markdown
from flows.flywheel.request import FlywheelRequest
from flows.flywheel.serving import UNTRAINED, base_weights, model_name, student
from flows.place import Place

Outcomes = dict[str, bool]


@prefect.flow(name="flywheel", flow_run_name="flywheel {request.name}", persist_result=True)
def flywheel_flow(request: FlywheelRequest, place: Place) -> Report:
    """All rounds; returns the report, which lies in the folder too. Raises FlowFault, TrainingFault, BadDataset."""
    folder = Folder(request.folder)
    settle(request)
    base = steps.prepare(request, place)
    for number in range(1, request.all_rounds + 1):
        if read(folder.summary(number), Round) is not None:
            continue
        plan = read(folder.plan(number), Plan) or _planned(request, number)
        write(folder.plan(number), plan)
        write(folder.summary(number), _round(request, plan, base, place))
        _tell(request, number, place)
    return _tell(request, request.all_rounds, place)


def settle(request: FlywheelRequest) -> None:
    """Keep the request in the folder. Raises UsageError where the folder is another one's; `rounds` may grow."""
    file = Folder(request.folder).root / "request.json"
    known = read(file, FlywheelRequest)
    if known is not None:
        free = {"rounds", "folder", "backend", "jobs", "store"}
        before, now = known.model_dump(mode="json", exclude=free), request.model_dump(mode="json", exclude=free)
        if differing := [name for name in now if now[name] != before[name]]:
            raise UsageError(
                f"{request.folder}: holds a flywheel that was begun with another {', '.join(differing)}; "
                "give another folder, or the same settings"
            )
    write(file, request)


def next_stage(request: FlywheelRequest, last: Round | None) -> str:
    """Harder from `raise_at` on, easier below `lower_at`, else the same once more; without `adapt` the next one."""
    names = [stage.name for stage in request.stages]
    if last is None:
        return names[0]
    at = names.index(last.stage)
    if not request.adapt or last.after[last.stage] >= request.raise_at:
        at += 1
    elif last.after[last.stage] < request.lower_at:
        at -= 1
    return names[max(0, min(at, len(names) - 1))]


def _planned(request: FlywheelRequest, number: int) -> Plan:
    last = read(Folder(request.folder).summary(number - 1), Round) if number > 1 else None
    return Plan(
        number=number,
        stage=next_stage(request, last),
        student=model_name(request, number - 1),
        returning=last.unsolved if last else {},
    )


def _round(request: FlywheelRequest, plan: Plan, base: Path, place: Place) -> Round:
    folder, number, stage = Folder(request.folder), plan.number, plan.stage
    suites = {Path(suite): list(tasks) for suite, tasks in plan.returning.items()}
    steps.held_out(request, stage, place)
    suites[folder.suite(number)] = steps.new_tasks(request, number, stage, place)

    # The model as it is: on the tasks to learn from, and on the held-out ones that the new model is compared on.
    solved: dict[Path, Outcomes] = {suite: {} for suite in suites}
    with student(request, number - 1, _weights(request, number - 1)) as name:
        before = steps.evaluate(request, stage, name, place)
        if number > request.warm_up:
            agent = request.student_request.model_copy(update={"model": name, "attempts": request.student.attempts})
            solved = {suite: steps.roll_out(suite, tasks, agent, place) for suite, tasks in suites.items()}
    if number > 1 and stage not in _stages_before(request, number):
        with student(request, UNTRAINED, base_weights(request)) as untrained:
            steps.evaluate(request, stage, untrained, place)

    # What it does not solve it is shown.
    unsolved = {
        suite: [task for task in tasks if not solved[suite].get(task, False)] for suite, tasks in suites.items()
    }
    shown: dict[Path, Outcomes] = {}
    if request.teacher is not None:
        teacher = request.teacher.request
        shown = {suite: steps.roll_out(suite, tasks, teacher, place) for suite, tasks in unsolved.items()}

    rows = steps.select_rows(request, number, suites, name, base, place)
    start = base if request.start == "base" or number == 1 else folder.training(number - 1) / "model"
    trained = steps.fit(number, rows, start, base_weights(request), folder.training(number), request.training)

    after: dict[str, Outcomes] = {}
    with student(request, number, _weights(request, number)) as tuned:
        for each in dict.fromkeys([*_stages_before(request, number), stage]):
            after[each] = steps.evaluate(request, each, tuned, place)
        prompts = steps.prompts_of(tuned, request, base, place)
    return Round(
        number=number,
        stage=stage,
        model=tuned,
        tasks=len(suites[folder.suite(number)]),
        returned=sum(map(len, plan.returning.values())),
        solved_by_student=sum(sum(outcomes.values()) for outcomes in solved.values()),
        solved_by_teacher=sum(sum(outcomes.values()) for outcomes in shown.values()),
        rows=trained.rows,
        training=trained,
        before={stage: _rate(before)},
        after={each: _rate(outcomes) for each, outcomes in after.items()},
        n={each: len(outcomes) for each, outcomes in after.items()},
        comparison=compare(before, after[stage]),
        prompts=prompts,
        unsolved={str(suite): tuple(tasks) for suite, tasks in unsolved.items() if tasks}
        if number > request.warm_up
        else {},
    )


def _tell(request: FlywheelRequest, last: int, place: Place) -> Report:
    """Write report.json and report.md over the rounds up to `last`, and keep it with the run."""
    folder = Folder(request.folder)
    rounds = tuple(found for number in range(1, last + 1) if (found := read(folder.summary(number), Round)))
    if len(rounds) != last:
        raise FlowFault(f"{folder.root}: rounds are missing; remove the folder, or give another one")
    stages = list(dict.fromkeys(each.stage for each in rounds))
    # All of these are in the store already: nothing is rolled out here.
    untrained = {stage: steps.outcomes(request, stage, model_name(request, UNTRAINED), place) for stage in stages}
    final = {stage: steps.outcomes(request, stage, model_name(request, last), place) for stage in stages}
    matrix: list[dict[str, float]] = [{stage: _rate(outcomes) for stage, outcomes in untrained.items() if outcomes}]
    for each in rounds:
        matrix.append(dict(each.after))
        if each.number < last:  # the next round began by measuring this model on its own stage
            matrix[-1] = {**rounds[each.number].before, **matrix[-1]}
    report = Report(
        name=request.name,
        rounds=rounds,
        overall={stage: compare(untrained[stage], final[stage]) for stage in stages},
        continual=continual([each.stage for each in rounds], matrix),
        model=str(_weights(request, last)),
    )
    write(folder.root / "report.json", report)
    write_text(folder.root / "report.md", markdown(report))
    create_markdown_artifact(key="flywheel", markdown=markdown(report), description=f"Flywheel {request.name}")
    return report


def _weights(request: FlywheelRequest, number: int) -> Path:
    """The GGUF file of the student after round `number`."""
    return base_weights(request) if number == UNTRAINED else Folder(request.folder).training(number) / "model.gguf"


def _stages_before(request: FlywheelRequest, number: int) -> list[str]:
    found = (read(Folder(request.folder).summary(earlier), Round) for earlier in range(1, number))
    return list(dict.fromkeys(each.stage for each in found if each is not None))


def _rate(outcomes: Outcomes) -> float:
    return sum(outcomes.values()) / len(outcomes) if outcomes else 0.0
