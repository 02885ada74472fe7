"""What the page does: draw an instance, let somebody work on it in a sandbox, have the verifier judge what changed."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from agents.agent import Agent, AgentLimits
from agents.models import ModelConfig
from agents.rollout import roll_out, verify_once
from environments.sandbox import Backend, running
from tasks._scratch import scratch_in
from tasks.recipe import Recipe
from tasks.task import Task
from tasks.templates import Instance, Template, draw
from tasks.templates.validation import recipe_of, written
from tasks.verdict import Verdict
from trajectories.atif import Step
from trajectories.rollout import RolloutKey

SCRIPT_SEC = 60.0
MOST_SHOWN = 20_000  # characters of one file on the page


@dataclass(frozen=True)
class Shown:
    """A file as a person reads it."""

    path: str
    text: str
    bytes: int


@dataclass(frozen=True)
class Outcome:
    """What came of one try; `said` is the output of the script, `steps` what an agent did."""

    verdict: Verdict
    diff: str
    said: str = ""
    steps: tuple[Step, ...] = ()
    ending: str = ""


@dataclass
class Trial:
    """One template being tried. `agent`: who may be asked to try it too, with its model."""

    template: Template
    backend: Backend
    cache: Path
    scratch: Path
    seed: int = 0
    agent: Agent | None = None
    model: ModelConfig | None = None
    limits: AgentLimits = field(default_factory=AgentLimits)

    def __post_init__(self) -> None:
        self._recipe: Recipe | None = None
        self._is_ready = asyncio.Lock()
        self._has_recipe = False

    def instance(self, index: int, phrasing: str = "") -> Instance:
        """Raises BadTemplate."""
        return draw(self.template, self.seed, index, phrasing=phrasing)[0]

    async def by_hand(self, index: int, *, files: dict[str, bytes], script: str) -> Outcome:
        """The files are written, then the script runs, as an agent's would.

        Raises EnvironmentFault, VerifierFault; ValueError for a path outside of the working directory.
        """
        for path in files:
            if not path or path.startswith("/") or ".." in Path(path).parts:
                raise ValueError(f"{path!r} is no path below the working directory")
        with scratch_in(self.scratch) as place:
            task = await self._task(index, place)
            said = ""
            async with running(self.backend, task.agent_spec) as sandbox:
                if files:
                    await sandbox.write_files(files)
                if script.strip():
                    done = await sandbox.run(["bash", "-c", script], timeout_sec=SCRIPT_SEC)
                    said = done.stdout + done.stderr + (f"\n[exit code {done.exit_code}]" if done.exit_code else "")
                diff = await sandbox.diff()
            return Outcome(await verify_once(task, diff, self.backend, None), diff.text(), said[-MOST_SHOWN:])

    async def by_agent(self, index: int) -> Outcome:
        """A rollout that is not stored."""
        assert self.agent is not None
        with scratch_in(self.scratch) as place:
            task = await self._task(index, place)
            key = RolloutKey(suite_hash="trying", task_id=task.id, agent=self.agent.name,
                             model=self.model.name if self.model else "", backend=self.backend.name)  # fmt: skip
            rollout = await roll_out(task, self.agent, self.backend, key=key, limits=self.limits, model=self.model)
        ending = rollout.ending + (f": {rollout.ending_detail}" if rollout.ending_detail else "")
        return Outcome(rollout.verdict, rollout.diff, steps=rollout.trajectory.steps, ending=ending)

    async def _task(self, index: int, place: Path) -> Task:
        instance = self.instance(index)
        async with self._is_ready:
            if not self._has_recipe:
                self._recipe = await recipe_of(instance.packages, self.backend, self.cache)
                self._has_recipe = True
        return await asyncio.to_thread(written, instance, self._recipe, place / instance.id, self.cache)


def shown(files: dict[str, bytes]) -> list[Shown]:
    """In the order of their paths; what is no text is told by its size."""
    rows = []
    for path, content in sorted(files.items()):
        try:
            text = content.decode()
        except UnicodeDecodeError:
            text = "[not a text]"
        cut = f"{text[:MOST_SHOWN]}\n[… {len(text) - MOST_SHOWN} characters more]" if len(text) > MOST_SHOWN else text
        rows.append(Shown(path, cut, len(content)))
    return rows
