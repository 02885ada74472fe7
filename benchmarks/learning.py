"""Does what leaves here teach? A small model on held-out tasks, before and after training on verified trajectories.

    python benchmarks/learning.py [--n 72] [--held-out 36] [--seed S] [--folder FOLDER] [--json]

The family `first_steps` (write a word, copy one, pick a field) → trajectories of a scripted agent without a model,
verified → `tokens` export → LoRA by TRL → GGUF → llama.cpp → the same held-out tasks as before. Everything is the
product's own flow (`gristmill flywheel`, one round). Figures (`--json`, last line): pass_before, pass_after with
Wilson intervals of 95 %, p_value (McNemar's exact test on the same tasks), n, rows, train_seconds, load (the
machine's, at the start and at the end). Needs `make model train`.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from flows.launch import launched


def measure(folder: Path, *, n: int, held_out: int, seed: int, jobs: int) -> dict[str, Any]:
    """One round in `folder`, which may hold the part of it that an earlier call has done."""
    from flows.flywheel.request import FlywheelRequest, Stage

    request = FlywheelRequest.model_validate(
        {
            "name": "learning",
            "folder": folder / "flywheel",
            "stages": [Stage(name="first_steps", family="first_steps")],
            "n": n,
            "held_out": held_out,
            "student": {"options": {"system": ""}, "limits": {"steps": 4}, "max_tokens": 100},
            "teacher": {"agent": "clerk"},
            "training": {"epochs": 1, "learning_rate": 2e-3, "layers": 10},
            "seed": seed,
        }
    )
    load, started = os.getloadavg()[0], time.monotonic()
    with launched(store=str(folder / "store"), jobs=jobs) as place:
        from flows.flywheel.flow import flywheel_flow

        report = flywheel_flow(request, place)
    found, (last,) = report.overall["first_steps"], report.rounds
    return {
        "pass_before": found.pass_before,
        "before_interval": found.before_interval,
        "pass_after": found.pass_after,
        "after_interval": found.after_interval,
        "p_value": found.p_value,
        "n": found.n,
        "rows": last.rows,
        "tokens_learned": last.training.tokens_learned,
        "train_seconds": last.training.seconds,
        "prompts_compared": last.prompts.compared if last.prompts else 0,
        "seconds": time.monotonic() - started,
        "load": [load, os.getloadavg()[0]],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=72, help="training tasks")
    parser.add_argument("--held-out", type=int, default=36, help="held-out tasks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="kept, and gone on with; default: a temporary one")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        figures = measure(folder, n=given.n, held_out=given.held_out, seed=given.seed, jobs=given.jobs)
    for name, value in figures.items():
        print(f"{name:20} {value:.4g}" if isinstance(value, float) else f"{name:20} {value}")
    if given.json:
        print(json.dumps(figures))
    return 0 if figures["p_value"] < 0.05 and figures["pass_after"] > figures["pass_before"] else 1


if __name__ == "__main__":
    sys.exit(main())
