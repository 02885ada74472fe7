"""How long each page of the dashboard takes with a million rollouts in the store.

    python benchmarks/dashboard.py [--rollouts 1000000] [--rounds 20] [--store FOLDER] [--json]

The rows are made up (metadata alone: no page of this list opens a body), written in bulk, and asked for through the
whole application: routing, session, queries, templates, headers. Each page is asked for once before it is measured;
what is measured is milliseconds from the request to the last byte, p50 and p95 over the rounds.
"""

import argparse
import json
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

from fastapi.testclient import TestClient

sys.path[:] = [folder for folder in sys.path if not (Path(folder) / "dashboard.py").exists()]  # else it imports itself

from dashboard.app import create_app  # noqa: E402
from dashboard.config import DashboardConfig  # noqa: E402
from trajectories.browsing import rollout_page  # noqa: E402
from trajectories.store import Store, open_store  # noqa: E402

TOKEN = "a-token-for-the-benchmark"
SUITES = [f"{number:064x}" for number in range(1, 9)]
TASKS_A_SUITE = 2_500
AGENTS = ("react", "repair", "probe", "oracle")
MODELS = ("small", "middle", "large", "tuned-1", "tuned-2")
FAMILIES = ("repository", "web_shop", "first_steps", "office", "tables", "services")
ENDINGS = ("submitted",) * 80 + ("step_limit",) * 9 + ("token_limit",) * 5 + ("model_error",) * 4
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def rows(count: int) -> Iterator[tuple[object, ...]]:
    """Rollouts of the last 90 days, 2 % of them lost."""
    draw = random.Random(7)
    for number in range(count):
        suite, task = SUITES[number % len(SUITES)], draw.randrange(TASKS_A_SUITE)
        agent, model = AGENTS[number // 8 % 4], MODELS[number // 32 % 5]
        family = FAMILIES[task % len(FAMILIES)]
        lost, solved = draw.random() < 0.02, draw.random() < 0.2 + 0.12 * MODELS.index(model)
        started = NOW - timedelta(seconds=draw.randrange(90 * 86400))
        ending = "infrastructure_error" if lost else draw.choice(ENDINGS)
        steps, prompt, completion = draw.randrange(1, 60), draw.randrange(500, 90_000), draw.randrange(50, 9_000)
        yield (
            f"{draw.getrandbits(64):016x}", suite, f"task-{task:05d}", family, f"repo-{task % 40}", "MIT", agent, model,
            "bubblewrap", number, number, ending, "", lost, agent == "oracle", 1, float(solved and not lost), steps,
            prompt, completion, draw.random() * 0.4, 0, draw.random() * 200, 3.0, 210.0,
            started.strftime("%Y-%m-%d %H:%M:%S.%f"), int(draw.random() < 0.01), "0" * 64,
        )  # fmt: skip


COLUMNS = (
    "id",
    "suite_hash",
    "task_id",
    "family",
    "repository",
    "license",
    "agent",
    "model",
    "backend",
    "attempt",
    "seed",
    "ending",
    "ending_detail",
    "is_unknown",
    "is_privileged",
    "tries",
    "reward",
    "steps",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
    "invalid_tool_calls",
    "agent_sec",
    "verifier_sec",
    "total_sec",
    "started_at",
    "attempts",
    "body",
)


def fill(folder: Path, count: int) -> float:
    """Write the rows; seconds that it took."""
    start = time.perf_counter()
    with sqlite3.connect(folder / "gristmill.db") as database:
        database.execute("PRAGMA synchronous = OFF")
        database.executemany(
            "INSERT INTO suites (hash, name, version, tasks) VALUES (?, ?, '1', ?)",
            [(suite, f"suite-{number}", TASKS_A_SUITE) for number, suite in enumerate(SUITES)],
        )
        database.executemany(
            "INSERT INTO tasks (suite_hash, id, family, repository, license, provenance) VALUES (?, ?, ?, ?, 'MIT', ?)",
            [
                (suite, f"task-{task:05d}", FAMILIES[task % len(FAMILIES)], f"repo-{task % 40}", "{}")
                for suite in SUITES
                for task in range(TASKS_A_SUITE)
            ],
        )
        # Indexes after the rows: in the order of chance each would be written all over for every row.
        indexes = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'rollouts' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            database.execute(f"DROP INDEX {name}")
        names, marks = ", ".join(COLUMNS), ", ".join("?" * len(COLUMNS))
        database.executemany(f"INSERT INTO rollouts ({names}) VALUES ({marks})", rows(count))
        for _, sql in indexes:
            database.execute(sql)
    return time.perf_counter() - start


def pages(store: Store) -> dict[str, str]:
    """Name -> path; `deep` pages begin far down the list."""
    deep = f"{(NOW - timedelta(days=80)).isoformat()}~"
    first = rollout_page(store, limit=1).rows[0]

    def where(expression: str, after: str = "") -> str:
        from dashboard.wording import query

        return "/rollouts" + query({"where": expression, "after": after})

    return {
        "overview": "/",
        "overview, live part": "/parts/live",
        "suites": "/suites",
        "tasks": "/tasks",
        "tasks, deep": f"/tasks?after={SUITES[6]}~task-01000",
        "tasks of a family": f"/tasks?family={FAMILIES[3]}",
        "task": f"/tasks/{first.suite_hash}/{first.task_id}",
        "rollouts": "/rollouts",
        "rollouts, deep": where("", deep),
        "cell of the matrix": where("agent = 'react' and model = 'large' and family = 'office' and unknown = false"),
        "cell, deep": where("agent = 'react' and model = 'large' and family = 'office'", deep),
        "solved": where("reward >= 1 and privileged = false"),
        "infrastructure": where("unknown = true"),
        "of a task": where(f"suite = '{first.suite_hash}' and task = '{first.task_id}'"),
        "no index, few fit": where("cost_usd > 0.3999 and steps > 55"),
        "no index, none fits": where("license = 'nothing'"),
        "by difficulty": where("difficulty_pass_rate < 0.1"),
        "matrix": "/matrix",
        "matrix of a suite": f"/matrix?suite={SUITES[2]}&family=office",
        "metrics": "/metrics",
        "health": "/health",
    }


def measure(client: TestClient, path: str, rounds: int) -> tuple[float, float]:
    """p50 and p95 in milliseconds."""
    took = []
    for number in range(rounds + 1):
        start = time.perf_counter()
        answer = client.get(path)
        if number:
            took.append(1000 * (time.perf_counter() - start))
        assert answer.status_code == 200, (path, answer.status_code)
    cuts = quantiles(took, n=20, method="inclusive")
    return cuts[9], cuts[18]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--store", type=Path, help="made here and kept; used as it is where it is there")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.store or Path(scratch)
        is_made = (folder / "gristmill.db").exists()
        with open_store(folder) as store:
            if not is_made:
                print(f"{asked.rollouts:,} rollouts written in {fill(folder, asked.rollouts):.0f} s", flush=True)
            client = TestClient(create_app(DashboardConfig(store, TOKEN)), base_url="http://127.0.0.1")
            client.post("/login", data={"token": TOKEN})
            start = time.perf_counter()
            client.get("/")
            first_sec = time.perf_counter() - start
            figures = {}
            print(f"{'page':24} {'p50 ms':>8} {'p95 ms':>8}   load {os.getloadavg()[0]:.1f} before")
            for name, path in pages(store).items():
                figures[name] = measure(client, path, asked.rounds)
                print(f"{name:24} {figures[name][0]:8.1f} {figures[name][1]:8.1f}", flush=True)
            print(f"the first page waits for the first count: {first_sec:.1f} s; load {os.getloadavg()[0]:.1f} after")
            if asked.json:
                worst = max(figures, key=lambda name: figures[name][1])
                print(json.dumps({
                    "rollouts": store.count(), "first_count_sec": round(first_sec, 2), "slowest": worst,
                    "dashboard_p50_ms": round(max(p50 for p50, _ in figures.values()), 1),
                    "dashboard_p95_ms": round(figures[worst][1], 1), "load": round(os.getloadavg()[0], 1),
                    "pages": {name: [round(p50, 1), round(p95, 1)] for name, (p50, p95) in figures.items()},
                }))  # fmt: skip


if __name__ == "__main__":
    main()
