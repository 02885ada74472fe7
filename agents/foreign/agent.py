"""A foreign agent: a command that runs inside the sandbox, talks to its model through the proxy, and is recorded.

The trajectory is what the agent wrote of itself, converted to ATIF, with the tokens and costs that the proxy counted;
where it wrote nothing that can be read, it is the conversation that its model was asked to continue.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from agents.agent import LimitReached, Session, Submitted
from agents.errors import AgentFault
from agents.foreign.adapter import NO_KEY, OUT, Adapter, as_adapter, built_in, filled
from agents.foreign.formats import FORMATS
from agents.foreign.install import mounts_of, python_of, target_of
from agents.foreign.metrics import with_metrics
from agents.foreign.proxy import Proxy
from agents.foreign.relay import Command, Ended, run_with_model
from agents.models import ModelConfig
from agents.session import RolloutSession
from environments.errors import EnvironmentFault, UnsupportedSpec
from environments.sandbox import Sandbox
from environments.spec import SandboxSpec
from trajectories.atif import Step
from trajectories.errors import BadImport
from trajectories.imports.chat import to_steps

MOST_TRAJECTORY = 200 << 20
_LIMITS = ("step_limit", "token_limit", "cost_limit", "time_limit", "invalid_calls")


class ForeignAgent:
    """Acts by an adapter. `cache`: where agents are installed, below it in `agents/`."""

    needs_model: ClassVar[bool] = True

    def __init__(self, adapter: Adapter, cache: Path | None = None) -> None:
        self.adapter = adapter
        self.name, self.version = adapter.name, adapter.version
        self._cache = cache or Path("~/.cache/gristmill").expanduser()

    async def sandbox_spec(self, spec: SandboxSpec) -> SandboxSpec:
        """The task's own, with the agent's folder shown; installs it at first.

        Raises UnsupportedSpec where that cannot be done: no rollout of this agent can be.
        """
        there = {mount.target for mount in spec.mounts}
        try:
            mounts = await asyncio.to_thread(mounts_of, self.adapter, self._cache)
        except (AgentFault, EnvironmentFault) as error:
            raise UnsupportedSpec(str(error)) from error
        return spec.model_copy(
            update={"mounts": (*spec.mounts, *(each for each in mounts if each.target not in there))}
        )

    async def act(self, session: Session) -> None:
        """Raises AgentFault with the end of what the command wrote, if it failed."""
        if not isinstance(session, RolloutSession) or session.model is None:
            raise AgentFault(f"agent {self.name} needs a model: give --model NAME")
        proxy, sandbox = Proxy(session, session.model), session.place.sandbox
        limit = asyncio.timeout(session.seconds_left)
        try:
            async with limit:
                ended = await run_with_model(sandbox, self._command(session, session.model), proxy.answer)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise LimitReached("time_limit", f"{session.limits.seconds:g} s") from error
        finally:
            ending, detail = await self._record(session, proxy)
        self._conclude(ended, ending, detail)

    def _command(self, session: RolloutSession, model: ModelConfig) -> Command:
        adapter = self.adapter
        values = {
            "agent": target_of(adapter),
            "python": python_of(adapter),
            "base_url": "http://127.0.0.1:{port}/v1",
            "origin": "http://127.0.0.1:{port}",
            "model": model.model,
            "key": NO_KEY,
            "instruction": session.instruction,
            "out": OUT,
            "workdir": session.place.sandbox.spec.workdir,
            "steps": str(session.limits.steps),
        }
        is_text = model.tool_calling != "native" and adapter.text_command
        return Command(
            argv=[filled(part, values) for part in (adapter.text_command if is_text else adapter.command)],
            env={name: filled(value, values) for name, value in adapter.env.items()},
            files={f"{OUT}/.keep": ""}
            | {filled(path, values): filled(text, values) for path, text in adapter.files.items()},
        )

    async def _record(self, session: RolloutSession, proxy: Proxy) -> tuple[str, str]:
        """Put the trajectory in place; how the agent says it ended, and the words for it."""
        steps, ending, detail = await self._own_steps(session.place.sandbox)
        # mini-swe-agent, for one, drops answers that it cannot read.
        if proxy.conversation and not any(step.source == "agent" for step in steps):
            steps = to_steps(proxy.conversation, self.name, is_observing=True)
        session.use_tools(proxy.tools)
        if steps:
            steps = with_metrics(_asked(session.instruction, steps), proxy.calls, session.model)
            session.recorder.replace(steps)
        return ending, detail

    async def _own_steps(self, sandbox: Sandbox) -> tuple[tuple[Step, ...], str, str]:
        adapter = self.adapter
        if adapter.format == "calls":
            return (), "", ""
        # A sandbox that is gone, or a file that is not there or cannot be read: the conversation tells it all the same.
        with contextlib.suppress(EnvironmentFault, OSError, BadImport):
            data = await sandbox.read_file(filled(adapter.trajectory, {"out": OUT}), max_bytes=MOST_TRAJECTORY)
            found = FORMATS[adapter.format](data, adapter.name)
            return found.trajectory.steps, found.ending, found.ending_detail
        return (), "", ""

    def _conclude(self, ended: Ended, ending: str, detail: str) -> None:
        if ending == "submitted":
            raise Submitted
        if ending in _LIMITS:
            raise LimitReached(ending, detail)  # type: ignore[arg-type]
        if ended.code:
            raise AgentFault(f"{self.name} ended with exit code {ended.code}: {ended.output.strip()[-1500:]}")


def _asked(instruction: str, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Some agents write nothing of what they were asked: then the instruction comes before their first step."""
    first = next((number for number, step in enumerate(steps) if step.source == "agent"), len(steps))
    if any(step.source == "user" for step in steps[:first]):
        return steps
    return (*steps[:first], Step(step_id=0, source="user", message=instruction), *steps[first:])


def by_adapter(name: str) -> Callable[..., ForeignAgent]:
    """The maker of a built-in foreign agent, for the registry."""

    def make(**options: Any) -> ForeignAgent:
        return ForeignAgent(built_in(name), **options)

    make.needs_model = True  # type: ignore[attr-defined]
    return make


def by_data(name: str, *, adapter: Any, **options: Any) -> ForeignAgent:
    """A user's own, from its adapter as plain data. Raises UnknownAgent naming the field that is wrong."""
    return ForeignAgent(as_adapter(adapter, Path.cwd(), name), **options)
