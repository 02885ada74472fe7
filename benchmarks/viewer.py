"""How long a rollout of 10,000 steps takes to open: its body read, the page made; a later page; a search over all.

benchmarks/viewer.py [--json] [--steps N]
"""

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fastapi.testclient import TestClient

sys.path[0] = str(Path(__file__).parents[1])  # this folder has a dashboard.py of its own

from dashboard.app import create_app  # noqa: E402
from dashboard.config import DashboardConfig  # noqa: E402
from tests.dashboard.making import long_rollout  # noqa: E402
from trajectories.store import open_store  # noqa: E402

TOKEN = "a-token-for-the-benchmark"
REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--steps", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder)) as store:
        rollout = long_rollout("long", given.steps)
        store.record(rollout)
        path = f"/rollouts/{rollout.key.id}"

        def client() -> TestClient:
            """Of a new application, which has read nothing yet."""
            made = TestClient(create_app(DashboardConfig(store=store, token=TOKEN)), base_url="http://127.0.0.1")
            made.post("/login", data={"token": TOKEN})
            return made

        first = client()
        first.get(path)  # templates are compiled once a process
        figures = {
            "open_cold_sec": median(lambda: client().get(path)),
            "open_warm_sec": median(lambda: first.get(path)),
            "page_sec": median(lambda: first.get(f"{path}/steps?start={given.steps // 2}")),
            "search_sec": median(lambda: first.get(f"{path}/search?q=needle")),
            "page_kb": len(first.get(path).content) / 1024,
            "steps_on_first_page": len(re.findall(r'<article class="step', first.get(path).text)),
            "steps": given.steps,
        }
    for name, value in figures.items():
        print(f"{name:22} {value:10.3f}" if isinstance(value, float) else f"{name:22} {value:10}")
    if given.json:
        print(json.dumps(figures))


def median(act: Callable[[], object]) -> float:
    """Seconds of wall clock."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
