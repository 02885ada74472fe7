"""The persistent shell: milliseconds of a call in it, of its start, and of a command that is a process of its own.

Run: benchmarks/shell.py [--backend NAME …] [--calls N] [--json]
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable

from agents.tools.shell import Shell
from environments import Sandbox, SandboxSpec, get_backend, running


async def measure(backend_name: str, calls: int) -> dict[str, float]:
    """Figures by name, milliseconds: medians but for what happens once."""
    async with running(get_backend(backend_name), SandboxSpec()) as sandbox:
        await sandbox.run(["true"], timeout_sec=30)  # brings the files along
        alone = await median(calls, lambda: bare(sandbox))
        shell = Shell(sandbox)
        began = time.perf_counter()
        await shell.run("export kept=yes", timeout_sec=30)
        first = (time.perf_counter() - began) * 1000
        call = await median(10 * calls, lambda: shell.run('echo "$kept"', timeout_sec=30))
        job = await median(min(calls, 30), lambda: shell.start_job("true", wait_sec=5.0))
        beside = await median(calls, lambda: bare(sandbox))
        began = time.perf_counter()
        await shell.close()
        end = (time.perf_counter() - began) * 1000
    return {"call": call, "first_call": first, "job": job, "close": end, "alone": alone, "beside": beside}


async def bare(sandbox: Sandbox) -> object:
    """A command that is a process of its own, as each call was without the shell."""
    return await sandbox.run(["bash", "-c", 'echo "$kept"'], timeout_sec=30)


async def median(times: int, act: Callable[[], Awaitable[object]]) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await act()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", action="append", choices=["bubblewrap", "docker"], help="default: both")
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    given = parser.parse_args()
    figures: dict[str, float] = {}
    for name in given.backend or ["bubblewrap", "docker"]:
        if missing := get_backend(name).missing():
            print(f"{name}: left out: {'; '.join(missing)}")
            continue
        for figure, value in asyncio.run(measure(name, given.calls)).items():
            figures[f"{name}_{figure}_ms"] = round(value, 2)
    figures["load"] = os.getloadavg()[0]
    for figure, value in figures.items():
        print(f"{figure:28} {value:8.2f}")
    if given.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
