"""Each piece of agents/memory and agents/strategies on and off: the same tasks and seeds, the paired difference.

    python benchmarks/ablations.py [--json] [-n N] [--only NAME …] [--folder FOLDER]

With the small real model, untuned and tuned a little; with `repair` where the piece applies to it. A difference is the
mean over tasks of (solved with the piece) - (solved without), with a 95 % interval by bootstrap and McNemar's exact p.
Needs `make model train`. The parts are in benchmarks/ablation/; what was seen is in docs/memory.md.
"""

import sys
from pathlib import Path

# Python puts this folder first on the path, where agents.py would hide the package `agents`.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.ablation.main import main  # noqa: E402

if __name__ == "__main__":
    main()
