"""How far off is the simulator? Real rollouts on this machine, predicted from those that ran one at a time.

    python benchmarks/scale.py [--json] [-n 24] [-j 1 2 4 8] [--rounds 3] [--minutes 20] [--parts rollouts model …]

It ends within about `--minutes`: with fewer rounds or clusters where there is no time for all, and says so.

rollouts  An oracle (one command) and a scripted agent (eight steps that compute, and wait as if for a model) roll out
          the same tasks on bubblewrap, `-j` at a time in one process, in interleaved rounds. Only the runs of -j 1
          calibrate: recorded durations, processor time of this process a step and a rollout, share of the rest that was
          computing. The others are predicted. Threads of others that wanted a core during a run are looked at
          (/proc/stat) and simulated as rivals; of each agent and -j the round that was disturbed least counts. On a
          machine that does other work, run it by `nice -n -15`.
engines   `gristmill rollout --engine` on two and three nodes of Ray and of Dask (processes of this machine), predicted
          from one at a time in this process.
model     The local model (llama.cpp): the curve of tokens a second over requests at a time, then a mixed load at other
          numbers of clients, predicted from the curve.
limits    What this machine does at most of each thing that a cluster shares: sandbox starts, docker starts, writes of
          SQLite and of PostgreSQL (where they are installed), Prefect task runs.
cluster   The prediction of docs/scale.md, timed.

Figures (`--json`): `error_percent` (mean of the absolute errors of throughput, -j 1 left out), `worst_error_percent`,
`engine_error_percent`, `model_error_percent`, the limits by name, and `rows`.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from _scale_cluster import cluster_figures
from _scale_engines import engine_figures
from _scale_limits import limits
from _scale_model import model_figures
from _scale_rollouts import rollout_figures

ROLLOUTS_SHARE, ENGINES_SHARE = 0.45, 0.2  # of --minutes; the other parts take 8 minutes on a quiet machine
PARTS = ("rollouts", "engines", "model", "limits", "cluster")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-n", type=int, default=24, help="rollouts of a run; calls of a mixed load (24)")
    parser.add_argument("-j", "--jobs", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=20.0, help="for all parts together, about (20)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    jobs = sorted({1, *options.jobs})
    if jobs == [1]:
        parser.error("-j: 1 only calibrates; give a larger number too, which is predicted from it")
    figures: dict[str, Any] = {"load": os.getloadavg()[0], "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory(prefix="gristmill-scale-") as scratch:
        folder = Path(scratch)
        seconds = 60 * options.minutes
        rollouts, engines = ROLLOUTS_SHARE * seconds, ENGINES_SHARE * seconds
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "rollouts": lambda: asyncio.run(
                rollout_figures(folder / "rollouts", options.n, jobs, options.rounds, rollouts)
            ),
            "engines": lambda: asyncio.run(engine_figures(folder / "engines", options.n, engines)),
            "model": lambda: asyncio.run(model_figures(options.n)),
            "limits": lambda: limits(folder / "limits"),
            "cluster": cluster_figures,
        }
        for name in (name for name in PARTS if name in options.parts):
            began = time.perf_counter()
            figures |= parts[name]()
            figures[f"{name}_seconds"] = round(time.perf_counter() - began, 1)
            print(f"  {name}: {figures[f'{name}_seconds']:.0f} s, load {os.getloadavg()[0]:.1f}\n", flush=True)
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
