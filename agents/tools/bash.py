"""bash: a command in the rollout's shell, which keeps folder, variables, functions and an activated environment."""

import re
import secrets
from typing import ClassVar

from pydantic import Field

from agents.agent import ToolAnswer
from agents.tools.jobs import told
from agents.tools.shell import Shell, ShellResult, ShellUnavailable
from agents.tools.tool import Arguments, Place, cut

# Where no shell can be kept (an image without Python): a shell a call. The mark at the end of the output, which no
# command can know, tells where it was when it ended.
SCRIPT = r"""cd "$1" 2>/dev/null || cd "$3"
trap 'printf "\n%s%s" "$4" "$PWD"' EXIT
eval "$2"
"""

_ONE_SCRIPT = re.compile(r"bash /[\w./-]+")


class BashArguments(Arguments):
    command: str = Field(min_length=1, description="what to run")
    timeout_sec: float = Field(60, gt=0, le=600, description="seconds until it is stopped")
    background: bool = Field(False, description="run it as a job, see the tool jobs; the answer comes at once")


class Bash:
    name: ClassVar[str] = "bash"
    description: ClassVar[str] = (
        "Run a command in bash. Folder, variables and functions are kept between calls. There is no standard input."
    )
    arguments: ClassVar[type[Arguments]] = BashArguments

    def __init__(self, *, keeps_shell: bool = True) -> None:
        """`keeps_shell`: False for who makes a call or two: each is a shell of its own then, in the working directory,
        which is quicker than starting one to keep.
        """
        self._keeps = keeps_shell
        self._folder: str | None = None
        self._no_shell = "" if keeps_shell else "no shell is kept"

    async def call(self, place: Place, arguments: BashArguments) -> ToolAnswer:
        if not self._no_shell:
            shell = Shell.of(place)
            try:
                if arguments.background:
                    return told(await shell.start_job(arguments.command))
                return await self._answer(place, await shell.run(arguments.command, timeout_sec=arguments.timeout_sec),
                                          arguments.timeout_sec)  # fmt: skip
            except ShellUnavailable as reason:
                if shell.has_run:
                    return ToolAnswer(text=f"[{reason}]", is_error=True)
                self._no_shell = str(reason)
        if arguments.background:
            return ToolAnswer(text=f"nothing can run in the background: {self._no_shell}", is_error=True)
        return await self._alone(place, arguments)

    async def _answer(self, place: Place, done: ShellResult, timeout_sec: float) -> ToolAnswer:
        notes = [f"[{note}]" for note in done.notes]
        if done.timed_out:
            notes.insert(0, f"[stopped after {timeout_sec:g} s]")
        elif done.status:
            notes.insert(0, f"[exit code {done.status}{_meaning(done.status, place)}]")
        is_error = done.timed_out or done.status != 0
        if is_error and place.sandbox.spec.services:
            await place.sandbox.run(["true"], timeout_sec=30)  # raises where a service of the task is gone
        late = f"[written in the background before this]\n{done.late}" if done.late.strip() else ""
        return ToolAnswer(text=_joined(late, done.out, done.err, notes), is_error=is_error)

    async def _alone(self, place: Place, arguments: BashArguments) -> ToolAnswer:
        home = place.sandbox.spec.workdir
        mark = secrets.token_hex(16)
        if _ONE_SCRIPT.fullmatch(arguments.command) and not self._keeps:
            command = arguments.command.split(" ")  # a shell would do nothing but start another one
        elif not self._keeps:
            command = ["bash", "-c", arguments.command]
        else:
            command = ["bash", "-c", SCRIPT, "bash", self._folder or home, arguments.command, home, mark]
        done = await place.sandbox.run(command, timeout_sec=arguments.timeout_sec)
        output, found, folder = done.stdout.rpartition(f"\n{mark}")
        if found:
            self._folder = folder
        else:
            output = done.stdout
        notes = []
        if done.timed_out:
            notes.append(f"[stopped after {arguments.timeout_sec:g} s]")
        elif done.oom_killed:
            notes.append("[stopped: out of memory]")
        elif done.exit_code:
            notes.append(f"[exit code {done.exit_code}]")
        return ToolAnswer(text=_joined("", output, done.stderr, notes), is_error=done.exit_code != 0)


def _joined(late: str, out: str, err: str, notes: list[str]) -> str:
    """Cut in a way that what comes last, how it ended, is never left out."""
    parts = [late.strip("\n"), out.strip("\n"), f"[stderr]\n{err.strip(chr(10))}" if err.strip("\n") else ""]
    return "\n".join(part for part in (cut("\n".join(filter(None, parts))), *notes) if part) or "[no output]"


def _meaning(status: int, place: Place) -> str:
    if status == 137:
        return f": killed; more memory than {place.sandbox.spec.limits.memory_mb} MB ends it so"
    return ""
