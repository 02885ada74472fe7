"""What an audit finds: one way to a reward without the work, with its place and its evidence."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LeakKind = Literal[
    "git-history",  # an earlier commit, another branch, a tag, a stash
    "git-dangling",  # an object that no ref reaches, a reflog entry
    "bytecode",  # .pyc made from the reference's code
    "installed-copy",  # the package once more in site-packages or dist-packages
    "second-copy",  # the changed code once more in a file of its own: build folder, overlay folder, home
    "backup-file",  # .orig, .bak, ~, .swp beside the changed file
    "package-cache",  # of pip, uv or another installer
    "archive",  # zip, wheel, egg, tar, gzip
    "patch-file",  # the change itself, as a diff
    "text",  # the changed lines in some other text: notes, logs, JSON
    "encoded",  # the same in base64 or hexadecimal
    "environment-variable",
    "process",  # command line, environment or open file of a process that the agent can read
    "solution-files",  # solution/ or solve.sh
    "hidden-tests",  # the tests that judge, or their expected values
    "test-cache",  # .coverage, .pytest_cache and the like, left by a run on the clean code
    "open-network",  # the task has network: the source's own package can be had from an index
]
CheatKind = Literal["thief", "tamperer", "special-caser", "guesser"]
StrengthKind = Literal["false-accept", "false-reject"]
ContaminationKind = Literal["contaminated"]  # a part of a benchmark
DuplicateKind = Literal["duplicate"]  # the same work as a task that comes before
Kind = LeakKind | CheatKind | StrengthKind | ContaminationKind | DuplicateKind


class Finding(BaseModel):
    """One fault of a task.

    `place`: a path in the sandbox, an agent's name, the variant that fooled the verifier, the entry of a list of
    benchmarks, or the task that it repeats.
    """

    model_config = ConfigDict(frozen=True)

    task_id: str
    kind: Kind
    place: str
    evidence: str = Field("", description="the lines that were found, or how the reward was had; for people")
