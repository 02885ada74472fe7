"""What TRL trains in: `GRPOTrainer(environment_factory=partial(TrlEnvironment, "suite"))`.

TRL (1.16) makes one instance a rollout and uses it again and again: `reset(**row)` gives the text that follows
the prompt, every public method is a tool with the schema of its hints and its docstring, and `get_reward()` is
asked once the model has stopped; None there is a reward that does not count.
"""

from pathlib import Path
from typing import Any

from agents.agent import AgentLimits
from agents.environment.sync import SyncTaskEnvironment
from agents.environment.task_environment import Tasks
from environments.errors import EnvironmentFault

DEFAULT_CACHE = Path.home() / ".cache" / "gristmill"


def training_rows(tasks: Tasks) -> list[dict[str, Any]]:
    """Rows for `Dataset.from_list`: an empty prompt, which `reset` fills with the instruction, and the task's id."""
    return [{"prompt": [{"role": "user", "content": ""}], "task_id": task_id} for task_id in tasks.task_ids()]


class TrlShellEnvironment:
    """Tasks that are solved with a shell and whole files: bash, read, write, submit.

    `suite`: folder of tasks; `backend`: name of the sandboxes' kind; `limits`: AgentLimits by name, such as
    {"steps": 20, "seconds": 3600}, where seconds hold the model's time too. Nothing is opened before the first
    reset, and a copy by pickle is a fresh one: it goes to worker processes as it is.
    """

    def __init__(
        self,
        suite: str | Path,
        *,
        backend: str = "bubblewrap",
        cache: str | Path | None = None,
        limits: dict[str, Any] | None = None,
    ) -> None:
        self._arguments: dict[str, Any] = {"suite": suite, "backend": backend, "cache": cache, "limits": limits}
        self._limits = AgentLimits.model_validate(limits) if limits is not None else None
        self._environment: SyncTaskEnvironment | None = None
        self._fault: str | None = None

    def reset(self, task_id: str | None = None, seed: int | None = None, **row: Any) -> str:
        """Begin a rollout of a task (without `task_id`: one that the seed chooses), and tell the instruction.

        Other columns of the row are ignored. Where no sandbox comes up the reward of this rollout is None.
        """
        environment = self._opened()
        self._fault = None
        try:
            return environment.reset(task_id, seed).observation
        except EnvironmentFault as fault:
            self._fault = f"{type(fault).__name__}: {fault}"
            return "The environment could not be started."

    def get_reward(self) -> float | None:
        """The verifier's reward, 0…1, of the change as it is; None where the infrastructure failed."""
        if self._fault is not None or self._environment is None:
            return None
        return self._environment.finish().reward

    def bash(self, command: str, timeout_sec: float = 60, background: bool = False) -> str:
        """Run a command in bash. Folder, variables and functions are kept between calls. There is no standard input.

        Args:
            command: what to run
            timeout_sec: seconds until it is stopped
            background: run it as a job, see the tool jobs; the answer comes at once

        Returns:
            What the command wrote, and how it ended.
        """
        return self._call("bash", command=command, timeout_sec=timeout_sec, background=background)

    def jobs(self, action: str = "list", job: int | None = None, timeout_sec: float = 60) -> str:
        """Look after commands that bash runs in the background.

        Args:
            action: list, read (what it wrote since you looked last), wait (until it has ended, then read) or kill
            job: its number; left out for list
            timeout_sec: how long to wait at most

        Returns:
            How the jobs stand, and what one of them wrote.
        """
        return self._call("jobs", action=action, job=job, timeout_sec=timeout_sec)

    def read(self, path: str, first_line: int = 1, last_line: int | None = None) -> str:
        """Read a file, each line with its number.

        Args:
            path: relative to the source's folder, or absolute
            first_line: the first line to show, from 1
            last_line: the last line to show; the end of the file if left out

        Returns:
            The lines with their numbers.
        """
        return self._call("read", path=path, first_line=first_line, last_line=last_line)

    def write(self, path: str, content: str) -> str:
        """Write a file, making its folders; what was there is replaced.

        Args:
            path: relative to the source's folder, or absolute
            content: the whole text of the file

        Returns:
            What was written.
        """
        return self._call("write", path=path, content=content)

    def submit(self) -> str:
        """Hand in your change. Nothing can be done after it.

        Returns:
            That it was handed in.
        """
        return self._call("submit")

    def _call(self, tool: str, **arguments: Any) -> str:
        """A tool's answer for the model. What it did wrong is an answer too: TRL would hide an exception's kind."""
        if self._fault is not None or self._environment is None or not self._environment.is_running:
            return "This rollout is over; nothing more can be done."
        return self._environment.step(tool, arguments).observation

    def _opened(self) -> SyncTaskEnvironment:
        if self._environment is None:
            from environments.errors import BackendUnavailable
            from environments.registry import get_backend
            from tasks.suite import open_suite

            backend = get_backend(self._arguments["backend"])
            if missing := backend.missing():
                raise BackendUnavailable(f"backend {backend.name} cannot run here:\n  " + "\n  ".join(missing))
            suite = open_suite(Path(self._arguments["suite"]), cache=Path(self._arguments["cache"] or DEFAULT_CACHE))
            self._environment = SyncTaskEnvironment(suite, backend, limits=self._limits)
        return self._environment

    def __getstate__(self) -> dict[str, Any]:
        return self._arguments

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]  # the sandbox and its thread stay where they are


class TrlEnvironment(TrlShellEnvironment):
    """Tasks in repositories: the shell's tools, and edit, search, run_tests."""

    def edit(self, path: str, old: str, new: str) -> str:
        """Replace a piece of a file that occurs exactly once.

        Args:
            path: relative to the source's folder, or absolute
            old: text that is in the file exactly once, white space included
            new: what it becomes

        Returns:
            Where the file was changed.
        """
        return self._call("edit", path=path, old=old, new=new)

    def search(self, pattern: str, path: str = ".") -> str:
        """Find lines by a regular expression, with file and line number.

        Args:
            pattern: extended regular expression
            path: folder or file to search

        Returns:
            The lines that match.
        """
        return self._call("search", pattern=pattern, path=path)

    def run_tests(self, tests: list[str] | None = None) -> str:
        """Run the tests that you may see on your current change; tells which fail and how.

        Args:
            tests: ids, files or classes; all visible tests if left out

        Returns:
            How many passed, and how the others failed.
        """
        return self._call("run_tests", tests=tests)
