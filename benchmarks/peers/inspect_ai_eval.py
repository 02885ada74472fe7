"""Inspect AI's `eval`: a solver that runs the commands in the sandbox, a scorer that runs the task's own test there.

Its check of Docker Engine asks for 24.0.6, and Debian's is older: the check's default is set lower here, nothing else.
"""

import time
from pathlib import Path

from common import asked, machine_cpu_sec, tell, until_gone, with_compose
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.scorer import Score, Target, accuracy, scorer
from inspect_ai.solver import Generate, TaskState, solver
from inspect_ai.util import sandbox
from inspect_ai.util._sandbox.docker import prereqs

COMPOSE = """services:
  default:
    image: {image}
    command: sleep infinity
    init: true
    network_mode: none
    working_dir: /workspace
"""


@solver
def fixed(commands: list[str]):  # type: ignore[no-untyped-def]
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        for command in commands:
            await sandbox().exec(["bash", "-c", command], timeout=60)
        return state

    return solve


@scorer(metrics=[accuracy()])
def by_test(is_local: bool):  # type: ignore[no-untyped-def]
    async def score(state: TaskState, target: Target) -> Score:
        test = str(state.metadata["test"])
        if is_local:  # no file system of its own: the same test, with its folders in the sandbox's
            test = test.replace("/logs/verifier", "logs").replace("/workspace/", "")
        box = sandbox()
        await box.write_file("test.sh" if is_local else "/tests/test.sh", test)
        await box.exec(["sh", "test.sh" if is_local else "/tests/test.sh"], timeout=60)
        return Score(
            value=int((await box.read_file("logs/reward.txt" if is_local else "/logs/verifier/reward.txt")).strip())
        )

    return score


def main() -> None:
    ask = asked()
    scratch = Path(ask["scratch"])
    is_local = ask["kind"] == "local"
    place: str | tuple[str, str] = "local"
    if not is_local:
        with_compose(scratch)
        prereqs.validate_docker_engine.__defaults__ = ("20.10.0",)
        file = scratch / "compose.yaml"
        file.write_text(COMPOSE.format(image=ask["image"]))
        place = ("docker", str(file))
    samples = [
        Sample(
            id=task.name,
            input=(task / "instruction.md").read_text(),
            metadata={"test": (task / "tests" / "test.sh").read_text()},
        )
        for task in ask["tasks"]
    ]
    commands = [command.replace("/workspace/", "") if is_local else command for command in ask["commands"]]

    def run(some: list[Sample]) -> EvalLog:
        task = Task(dataset=some, solver=fixed(commands), scorer=by_test(is_local), sandbox=place)
        (log,) = eval(
            task,
            model="mockllm/model",
            max_samples=ask["jobs"],
            max_sandboxes=ask["jobs"],
            display="none",
            log_dir=str(scratch / "logs"),
        )
        return log

    run(samples[:1])
    cpu, start = machine_cpu_sec(), time.perf_counter()
    log = run(samples)
    seconds, cpu_seconds = time.perf_counter() - start, machine_cpu_sec() - cpu
    solved = sum(next(iter(one.scores.values())).value == 1 for one in log.samples or () if one.scores)
    cleaned = seconds if is_local else until_gone("inspect-", start)
    tell("inspect-ai", seconds=seconds, cpu_seconds=cpu_seconds, solved=solved, cleaned_seconds=cleaned)


if __name__ == "__main__":
    main()
