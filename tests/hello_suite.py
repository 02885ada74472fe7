"""Tasks that ask for one file, in Harbor's format, as somebody else would write them: for tests and benchmarks."""

from pathlib import Path

TASK = """schema_version = "1.1"
[task]
name = "tests/hello-{number}"
[verifier]
timeout_sec = 60.0
[agent]
timeout_sec = 120.0
[environment]
workdir = "/workspace"
cpus = 1
memory_mb = 512
"""
TEST = """#!/bin/sh
mkdir -p /logs/verifier
if [ "$(cat /workspace/hello.txt)" = hello ]; then echo 1; else echo 0; fi > /logs/verifier/reward.txt
"""


def make_suite(folder: Path, tasks: int, seconds: float = 0.0) -> Path:
    """`tasks` folders in `folder`; the reference of each sleeps for `seconds` first."""
    wait = f"sleep {seconds:g}\n" if seconds else ""
    for number in range(tasks):
        task = folder / f"hello-{number}"
        for name in ("environment", "tests", "solution"):
            (task / name).mkdir(parents=True)
        (task / "task.toml").write_text(TASK.format(number=number))
        (task / "instruction.md").write_text("Write `hello` into /workspace/hello.txt.\n")
        (task / "tests" / "test.sh").write_text(TEST)
        (task / "solution" / "solve.sh").write_text(f"#!/bin/sh\n{wait}echo hello > /workspace/hello.txt\n")
    return folder


def suite_of_its_own(folder: Path, *, tasks: int) -> Path:
    """A comment makes it another suite: each run has rollouts of its own."""
    make_suite(folder, tasks=tasks)
    with (folder / "hello-0" / "instruction.md").open("a") as instruction:
        instruction.write(f"({folder.name})\n")
    return folder
