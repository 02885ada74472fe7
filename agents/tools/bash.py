"""bash: a command in the sandbox; the working folder is kept from call to call."""

import secrets
from typing import ClassVar

from pydantic import Field

from agents.agent import ToolAnswer
from agents.tools.tool import Arguments, Place, cut

# The mark at the end of the output, which no command can know, tells where the shell was when it ended.
SCRIPT = r"""cd "$1" 2>/dev/null || cd "$3"
trap 'printf "\n%s%s" "$4" "$PWD"' EXIT
eval "$2"
"""


class BashArguments(Arguments):
    command: str = Field(min_length=1, description="what to run")
    timeout_sec: float = Field(60, gt=0, le=600, description="seconds until it is stopped")


class Bash:
    name: ClassVar[str] = "bash"
    description: ClassVar[str] = "Run a command in bash. The working folder is kept between calls."
    arguments: ClassVar[type[Arguments]] = BashArguments

    def __init__(self) -> None:
        self._folder: str | None = None

    async def call(self, place: Place, arguments: BashArguments) -> ToolAnswer:
        home = place.sandbox.spec.workdir
        mark = secrets.token_hex(16)
        done = await place.sandbox.run(
            ["bash", "-c", SCRIPT, "bash", self._folder or home, arguments.command, home, mark],
            timeout_sec=arguments.timeout_sec,
        )
        output, found, folder = done.stdout.rpartition(f"\n{mark}")
        if found:
            self._folder = folder
        else:
            output = done.stdout
        parts = [output.strip("\n")]
        if errors := done.stderr.strip("\n"):
            parts.append(f"[stderr]\n{errors}")
        if done.timed_out:
            parts.append(f"[stopped after {arguments.timeout_sec:g} s]")
        elif done.oom_killed:
            parts.append("[stopped: out of memory]")
        elif done.exit_code:
            parts.append(f"[exit code {done.exit_code}]")
        text = "\n".join(part for part in parts if part)
        return ToolAnswer(text=cut(text) or "[no output]", is_error=done.exit_code != 0)
