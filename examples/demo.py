"""The demo: `gristmill run examples/demo.yaml`, with `react` added where a model is at hand.

    python examples/demo.py [--model NAME]

A model is at hand with `--model local` (the small real model on the CPU; `make model` installs it), or
with GRISTMILL_BASE_URL and `--model NAME` (any OpenAI-compatible endpoint).
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="", help="model for the agent react")
    arguments = parser.parse_args()
    pipeline = yaml.safe_load((Path(__file__).parent / "demo.yaml").read_text())
    if arguments.model:
        limits = {"steps": 8, "seconds": 60} if arguments.model == "local" else {}
        pipeline["rollout"].append({"agent": "react", "model": arguments.model, "limits": limits})
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(pipeline, file)
        file.flush()
        return subprocess.call([Path(sys.executable).with_name("gristmill"), "run", file.name])


if __name__ == "__main__":
    sys.exit(main())
