"""jobs: what `bash` runs in the background: list it, read what it wrote, wait for it, kill it."""

from typing import ClassVar, Literal

from pydantic import Field

from agents.agent import ToolAnswer
from agents.tools.shell import JobState, Shell, ShellUnavailable
from agents.tools.tool import Arguments, Place, cut, failed


class JobsArguments(Arguments):
    action: Literal["list", "read", "wait", "kill"] = Field(
        "list", description="read: what it wrote since you looked last; wait: until it has ended, then read"
    )
    job: int | None = Field(None, ge=1, description="its number; left out for list")
    timeout_sec: float = Field(60, ge=0, le=600, description="how long to wait at most")


class Jobs:
    name: ClassVar[str] = "jobs"
    description: ClassVar[str] = "Look after commands that bash runs in the background."
    arguments: ClassVar[type[Arguments]] = JobsArguments

    async def call(self, place: Place, arguments: JobsArguments) -> ToolAnswer:
        shell = Shell.of(place)
        try:
            if arguments.action == "list":
                return ToolAnswer(text=cut("\n".join(_line(job) for job in await shell.jobs())) or "there are no jobs")
            if arguments.job is None:
                return failed(f"{arguments.action} needs the number of a job; list shows them")
            wait = arguments.timeout_sec if arguments.action == "wait" else 0.0
            return told(await shell.read_job(arguments.job, wait_sec=wait, kill=arguments.action == "kill"))
        except ShellUnavailable as reason:
            return failed(str(reason))


def told(job: JobState) -> ToolAnswer:
    """How a job stands, and its news."""
    lost = f"[{job.left_out} bytes before this are gone]\n" if job.left_out else ""
    news = cut(lost + job.output.rstrip("\n")) or "[nothing new]"
    return ToolAnswer(text=f"{news}\n[{_line(job)}]", is_error=bool(job.status))


def _line(job: JobState) -> str:
    state = "running" if job.status is None else f"ended with exit code {job.status}"
    unread = f", {job.unread} bytes to read" if job.unread else ""
    return f"job {job.job}: {state}, {job.seconds:g} s{unread}: {job.command.splitlines()[0][:80]}"
