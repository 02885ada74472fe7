"""Harbor's `Job`: its own oracle, or an agent that runs the fixed commands, in its Docker environment."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from common import asked, machine_cpu_sec, tell, until_gone, with_compose
from harbor.agents.base import BaseAgent
from harbor.job import Job
from harbor.models.environment_type import EnvironmentType
from harbor.models.job.config import JobConfig
from harbor.models.trial.config import AgentConfig, EnvironmentConfig, TaskConfig


class Scripted(BaseAgent):
    """Runs the commands that the environment variable COMMANDS holds, one a line."""

    @staticmethod
    def name() -> str:
        return "scripted"

    def version(self) -> str:
        return "1"

    async def setup(self, environment: Any) -> None:
        pass

    async def run(self, instruction: str, environment: Any, context: Any) -> None:
        for command in os.environ["COMMANDS"].splitlines():
            await environment.exec(command)


async def run() -> None:
    ask = asked()
    scratch = Path(ask["scratch"])
    with_compose(scratch)
    os.environ["COMMANDS"] = "\n".join(ask["commands"])
    agent = AgentConfig(name="oracle") if ask["agent"] == "oracle" else AgentConfig(import_path="harbor_job:Scripted")

    async def made(name: str, tasks: list[Path]) -> Job:
        config = JobConfig(
            job_name=name,
            jobs_dir=scratch / "jobs",
            n_concurrent_trials=ask["jobs"],
            quiet=True,
            agents=[agent],
            environment=EnvironmentConfig(type=EnvironmentType.DOCKER, delete=True),
            tasks=[TaskConfig(path=task) for task in tasks],
        )
        return await Job.create(config)

    await (await made("first", ask["tasks"][:1])).run()
    job = await made("bench", ask["tasks"])
    cpu, start = machine_cpu_sec(), time.perf_counter()
    result = await job.run()
    seconds, cpu_seconds = time.perf_counter() - start, machine_cpu_sec() - cpu
    rewards = [
        (trial.verifier_result.rewards or {}).get("reward") for trial in result.trial_results if trial.verifier_result
    ]
    tell(
        "harbor",
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        solved=sum(reward == 1 for reward in rewards),
        cleaned_seconds=until_gone("hello-", start),
    )


if __name__ == "__main__":
    asyncio.run(run())
