"""oracle: applies the reference. A task that it does not solve is broken."""

from shlex import quote
from typing import ClassVar

from agents.agent import Session
from agents.errors import AgentFault
from agents.session import PrivilegedSession
from environments.diff import EXECUTABLE, SYMLINK, FileChange

SOLVE = "/tmp/solution/solve.sh"


class Oracle:
    name: ClassVar[str] = "oracle"
    version: ClassVar[str] = "1"
    needs_reference: ClassVar[bool] = True

    async def act(self, session: Session) -> None:
        assert isinstance(session, PrivilegedSession)
        if session.reference is not None:
            for change in session.reference.changes:
                await self._apply(session, change)
        elif session.solve_script is not None:
            await session.call("write", {"path": SOLVE, "content": session.solve_script.decode(errors="replace")})
            await session.call("bash", {"command": f"bash {SOLVE}", "timeout_sec": min(600, session.seconds_left)})
        else:
            raise AgentFault(f"task {session.task_id} has no solution/: the oracle cannot solve it")
        await session.call("submit", {})

    async def _apply(self, session: PrivilegedSession, change: FileChange) -> None:
        if change.after is None:
            await session.call("bash", {"command": f"rm -f -- {quote(change.path)}"})
        elif change.mode == SYMLINK:
            target = quote(change.after.decode())
            await session.call("bash", {"command": f"ln -sfn -- {target} {quote(change.path)}"})
        else:
            try:
                await session.call("write", {"path": change.path, "content": change.after.decode()})
            except UnicodeDecodeError:
                octal = "".join(f"\\{byte:03o}" for byte in change.after)
                await session.call("bash", {"command": f"printf '{octal}' > {quote(change.path)}"})
            if change.mode == EXECUTABLE:
                await session.call("bash", {"command": f"chmod +x -- {quote(change.path)}"})
