"""An agent class of Harbor's, used as it is: its own loop on this machine, its commands in our sandbox.

Needs Harbor (Python 3.12 or newer) beside Gristmill: `pip install harbor`. Give the class as an option:
`options: {import_path: "harbor.agents.terminus_2:Terminus2"}` of the agent `harbor`. What it asks of its environment is
answered by `SandboxEnvironment`; calls of its model go straight from this machine to the rollout's endpoint.
"""

import importlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from agents.agent import Session
from agents.errors import AgentFault
from agents.session import RolloutSession
from environments.sandbox import Sandbox
from trajectories.atif import ToolCall
from trajectories.errors import BadImport
from trajectories.imports.harbor import read_atif

COMMAND_SEC = 600.0


class Harbor:
    """See the module. `import_path`: `module:Class`; `options`: what else its constructor takes."""

    name: ClassVar[str] = "harbor"
    version: ClassVar[str] = "1"
    needs_model: ClassVar[bool] = True

    def __init__(self, import_path: str = "", options: Mapping[str, Any] | None = None) -> None:
        if not import_path:
            raise AgentFault("agent harbor: give the option import_path, module:Class of Harbor's agent")
        self.import_path, self.options = import_path, dict(options or {})

    async def act(self, session: Session) -> None:
        """Raises AgentFault where Harbor or the class is not there."""
        assert isinstance(session, RolloutSession)
        made = self._class()
        model = session.model
        with tempfile.TemporaryDirectory(prefix="gristmill-harbor-") as folder:
            logs = Path(folder)
            named = {"model_name": f"openai/{model.model}", "base_url": model.base_url} if model else {}
            agent = made(logs_dir=logs, **{**named, **self.options})
            environment, context = SandboxEnvironment(session.place.sandbox, session), _context()
            try:
                await agent.setup(environment)
                await agent.run(session.instruction, environment, context)
            finally:
                self._record(session, logs, context)

    def _class(self) -> Any:
        module, _, attribute = self.import_path.partition(":")
        try:
            importlib.import_module("harbor")
        except ImportError as error:
            raise AgentFault("agent harbor: Harbor is not installed beside Gristmill: pip install harbor") from error
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise AgentFault(f"agent harbor: no class {self.import_path!r}: {error}") from error

    def _record(self, session: RolloutSession, logs: Path, context: Any) -> None:
        """The ATIF that it wrote in place of the commands that we saw; its own count of tokens and cost."""
        recorder = session.recorder
        recorder.prompt_tokens += context.n_input_tokens or 0
        recorder.completion_tokens += context.n_output_tokens or 0
        recorder.cost_usd += context.cost_usd or 0.0
        file = logs / "trajectory.json"
        if file.is_file():
            try:
                recorder.replace(read_atif(file).steps)
            except BadImport as error:
                session.say(f"its trajectory cannot be read: {error}", source="system")


class SandboxEnvironment:
    """What Harbor's agents ask of an environment, answered by a sandbox. Each command is one recorded step.

    `user` is passed over: a sandbox has one.
    """

    def __init__(self, sandbox: Sandbox, session: RolloutSession) -> None:
        self._sandbox, self._session = sandbox, session
        self.default_user: str | None = None
        self.session_id = sandbox.id

    async def exec(
        self,
        command: str,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout_sec: float | None = None,
        user: str | int | None = None,
    ) -> Any:
        session = self._session
        session.begin_step()
        call = ToolCall(tool_call_id=f"exec_{session.steps}", function_name="bash", arguments={"command": command})
        session.recorder.act([call])
        limit = min(timeout_sec or COMMAND_SEC, session.seconds_left)
        done = await self._sandbox.run(["bash", "-c", command], timeout_sec=limit, cwd=cwd, env=env)
        session.recorder.answer(call.tool_call_id, done.stdout + done.stderr, is_error=done.exit_code != 0)
        return SimpleNamespace(
            stdout=done.stdout, stderr=done.stderr, return_code=124 if done.timed_out else done.exit_code
        )

    async def is_dir(self, path: str, user: str | int | None = None) -> bool:
        return await self._test("-d", path)

    async def is_file(self, path: str, user: str | int | None = None) -> bool:
        return await self._test("-f", path)

    async def _test(self, kind: str, path: str) -> bool:
        return (await self._sandbox.run(["test", kind, path], timeout_sec=60)).exit_code == 0

    async def upload_file(self, source_path: Path | str, target_path: str) -> None:
        source = Path(source_path)
        mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
        await self._sandbox.write_files({target_path: source.read_bytes()}, mode=mode)

    async def upload_dir(self, source_dir: Path | str, target_dir: str) -> None:
        source = Path(source_dir)
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            await self.upload_file(file, f"{target_dir.rstrip('/')}/{file.relative_to(source).as_posix()}")

    async def download_file(self, source_path: str, target_path: Path | str) -> None:
        target = Path(target_path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(await self._sandbox.read_file(source_path))

    async def download_dir(self, source_dir: str, target_dir: Path | str) -> None:
        """Regular files only; names come from code that is not trusted, so none may lead out of the target."""
        listed = await self._sandbox.run(["find", source_dir, "-type", "f", "-print0"], timeout_sec=60)
        target = Path(target_dir).resolve()
        for path in filter(None, listed.stdout.split("\0")):
            into = (target / path.removeprefix(source_dir).lstrip("/")).resolve()
            if into.is_relative_to(target):
                await self.download_file(path, into)


def _context() -> Any:
    return importlib.import_module("harbor.models.agent.context").AgentContext()
