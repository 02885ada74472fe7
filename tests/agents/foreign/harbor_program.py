"""Runs under a Python that has Harbor: a Harbor agent class acts through our sandbox. Prints what came of it."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from harbor.agents.base import BaseAgent

from agents.agent import AgentLimits
from agents.foreign.harbor import Harbor
from agents.recorder import Recorder
from agents.session import RolloutSession
from agents.tools.tool import Place
from environments.bubblewrap import BubblewrapBackend
from environments.sandbox import running
from environments.spec import SandboxSpec


class Own(BaseAgent):
    """Uploads a file, runs a command on it, downloads what it made."""

    @staticmethod
    def name() -> str:
        return "own"

    def version(self) -> str:
        return "1"

    async def setup(self, environment: Any) -> None:
        source = self.logs_dir / "setup.txt"
        source.write_text("from outside\n")
        await environment.upload_file(source, "/tmp/setup/setup.txt")

    async def run(self, instruction: str, environment: Any, context: Any) -> None:
        assert await environment.is_dir("/tmp/setup") and not await environment.is_file("/tmp/setup")
        done = await environment.exec("cat /tmp/setup/setup.txt > made.txt; echo it is made; exit 3")
        assert (done.return_code, done.stdout) == (3, "it is made\n")
        await environment.download_dir("/tmp/setup", self.logs_dir / "back")
        assert (self.logs_dir / "back" / "setup.txt").read_text() == "from outside\n"
        context.n_input_tokens, context.n_output_tokens = 11, 3


async def main() -> None:
    class Task:
        id, instruction, tools = "t", "Make it.", ()

    backend, recorder = BubblewrapBackend(), Recorder("s")
    with tempfile.TemporaryDirectory() as layer:
        Path(layer, "a.txt").write_text("a\n")
        async with running(backend, SandboxSpec(layers=(Path(layer),))) as sandbox:
            place: Any = Place(sandbox, backend, Task())  # type: ignore[arg-type]
            session = RolloutSession(place, seed=0, limits=AgentLimits(), recorder=recorder, model=None)
            await Harbor(f"{__name__}:Own").act(session)
            diff = await sandbox.diff()
    trajectory = recorder.trajectory(agent="harbor", version="1", model_name=None, tool_definitions=(), extra={})
    told = {"changed": [change.path for change in diff.changes], "tokens": recorder.prompt_tokens,
            "steps": [step.source for step in trajectory.steps]}  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
