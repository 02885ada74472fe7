"""subgoals: plan, carry out part by part, look whether each is reached, and go back where it is not.

HiTUT (Zhang and Chai, 2021): a task is a sequence of sub-goals; each is carried out and monitored, and on failure the
agent back-tracks and tries the next. Here the sandbox goes back to how it was before the part.
"""

from typing import ClassVar, Literal

from pydantic import Field

from agents.agent import LimitReached, Submitted
from agents.memory.asking import ask_json
from agents.memory.edit_state import describe
from agents.memory.piece import Act, Piece
from agents.memory.tokens import clipped
from agents.session import RolloutSession
from agents.strategies.attempts import share_of
from agents.strategies.planning import (
    Subgoal,
    has_visible_tests,
    instruction_of,
    plan_by_model,
    plan_by_tests,
    prompt_text,
)
from environments.diff import Diff, FileChange
from tasks import apply_diff, run_visible_tests

_VERDICT = {
    "type": "object",
    "properties": {"reason": {"type": "string", "maxLength": 300}, "is_reached": {"type": "boolean"}},
    "required": ["reason", "is_reached"],
    "additionalProperties": False,
}


class Subgoals(Piece):
    """`plan`: by the task's failing tests, by the model, or `auto`: tests where there are any that can be seen.

    A task of fewer than two parts is left to the agent as it is.
    """

    name: ClassVar[str] = "subgoals"
    version: ClassVar[str] = "1"

    plan: Literal["auto", "tests", "model"] = "auto"
    most: int = Field(6, gt=0, description="parts of a model's plan")
    tries: int = Field(2, gt=0, description="of each part, the second after all others had theirs")

    async def act(self, inner: Act, session: RolloutSession) -> None:
        is_by_tests = self.plan == "tests" or (self.plan == "auto" and has_visible_tests(session))
        goals = await (plan_by_tests(session) if is_by_tests else plan_by_model(session, self.name, self.most))
        if len(goals) < 2:
            await inner(session)
            return
        told: list[dict[str, object]] = []
        session.recorder.extra["subgoals"] = told
        left = list(enumerate(goals, start=1))
        for failures in range(self.tries):
            missed: list[tuple[int, Subgoal]] = []
            for at, (number, goal) in enumerate(left):
                limits = share_of(session, len(left) - at + (failures + 1 < self.tries))
                if limits is None:
                    break
                before = await session.place.sandbox.diff()
                child = session.branch(
                    instruction=instruction_of(session, goal, number, len(goals), failures), limits=limits
                )
                ended = await _carry_out(inner, session, child)
                is_reached = await self._is_reached(session, goal)
                told.append({"goal": goal.goal, "try": failures + 1, "ended": ended, "is_reached": is_reached})
                if not is_reached:
                    await apply_diff(session.place.sandbox, way_back(await session.place.sandbox.diff(), before))
                    missed.append((number, goal))
            if not missed or len(missed) == len(left):  # nothing has changed for a second try
                break
            left = missed
        await session.call("submit", {})

    async def _is_reached(self, session: RolloutSession, goal: Subgoal) -> bool:
        """By the part's tests, else its command, else the model's own judgement."""
        diff = await session.place.sandbox.diff()
        if goal.tests:
            report = await run_visible_tests(session.place.task, diff, session.place.backend, tests=goal.tests)
            return all(report.outcome(test) == "passed" for test in goal.tests)
        if goal.check.strip():
            done = await session.place.sandbox.run(["bash", "-c", goal.check], timeout_sec=60)
            return done.exit_code == 0
        changed = describe(diff, list(diff.paths), tokens=600)
        answers = [
            str(result.content)
            for step in session.recorder.steps[-4:]
            for result in (step.observation.results if step.observation else ())
        ]
        last = clipped("\n".join(answers), 500)
        prompt = [
            ("system", prompt_text("monitor")),
            ("user", f"The part: {goal.goal}\n\n{changed}\n\nLast answers:\n{last}"),
        ]
        said = await ask_json(session, self.name, prompt, _VERDICT)
        return bool(isinstance(said, dict) and said.get("is_reached"))


async def _carry_out(inner: Act, session: RolloutSession, child: RolloutSession) -> str:
    """How the part ended; what is no fault of the part alone is raised."""
    try:
        await inner(child)
    except Submitted:
        return "submitted"
    except LimitReached as limit:
        return limit.reason
    finally:
        session.join(child)
    return "finished"


def way_back(now: Diff, then: Diff) -> Diff:
    """The change that leads from one state of the sandbox to an earlier one, both told as changes from its start."""
    earlier = {change.path: change for change in then.changes}
    steps = []
    for change in now.changes:
        target = earlier.pop(change.path, None)
        if target is None:
            steps.append(FileChange(path=change.path, before=change.after, after=change.before, mode=change.old_mode))
        elif (target.after, target.mode) != (change.after, change.mode):
            steps.append(FileChange(path=change.path, before=change.after, after=target.after, mode=target.mode))
    for each in earlier.values():  # changed then, and as at the start now
        steps.append(FileChange(path=each.path, before=each.before, after=each.after, mode=each.mode))
    return Diff(changes=tuple(steps))
