"""mini-swe-agent's own batch runner (`run/benchmarks/swebench.py`): a thread pool over `process_instance`.

Its model is the deterministic one that its tests use, whose answers are the commands. It verifies nothing: a run ends
with the agent's submission, so what is measured is less than what the others do.
"""

import concurrent.futures
import json
import logging
import time
from pathlib import Path
from typing import Any

from common import asked, machine_cpu_sec, tell, until_gone
from minisweagent.models.test_models import make_output
from minisweagent.run.benchmarks.swebench import RunBatchProgressManager, process_instance

SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT; cat hello.txt"


def main() -> None:
    ask = asked()
    logging.disable(logging.INFO)
    output = Path(ask["scratch"], "mini")
    output.mkdir()
    commands = [*ask["commands"], SUBMIT]
    config: dict[str, Any] = {
        "agent": {"system_template": "-", "instance_template": "{{task}}", "cost_limit": 0},
        "environment": {"environment_class": ask["kind"], "cwd": "/workspace"},
        "model": {
            "model_class": "minisweagent.models.test_models.DeterministicModel",
            "model_name": "deterministic",
            "outputs": [make_output("", [{"command": command}], cost=0.0) for command in commands],
        },
    }
    if ask["kind"] == "docker":
        config["environment"]["run_args"] = ["--rm", "--network", "none"]
    instances = [
        {
            "instance_id": task.name,
            "image_name": ask["image"],
            "problem_statement": (task / "instruction.md").read_text(),
        }
        for task in ask["tasks"]
    ]
    progress = RunBatchProgressManager(len(instances), output / "statuses.yaml")
    first = {**instances[0], "instance_id": "first"}
    process_instance(first, output, config, progress)
    cpu, start = machine_cpu_sec(), time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(ask["jobs"]) as pool:
        list(pool.map(lambda instance: process_instance(instance, output, config, progress), instances))
    seconds, cpu_seconds = time.perf_counter() - start, machine_cpu_sec() - cpu
    said = json.loads((output / "preds.json").read_text())
    solved = sum(one["model_patch"].strip() == "hello world" for name, one in said.items() if name != "first")
    cleaned_seconds = until_gone("minisweagent-", start)
    tell("mini-swe-agent", seconds=seconds, cpu_seconds=cpu_seconds, solved=solved, cleaned_seconds=cleaned_seconds)


if __name__ == "__main__":
    main()
