"""Part of scale.py: the most that this machine does of each thing that a cluster's parts share."""

import asyncio
import os
import pwd
import random
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from environments import SandboxSpec, get_backend, running
from environments.sandbox import Backend
from flows.api import prefect_api
from tasks.task import Provenance
from tasks.verdict import Check, Verdict
from trajectories.atif import AgentInfo, Metrics, Observation, ObservationResult, Step, ToolCall, Trajectory
from trajectories.rollout import Rollout, RolloutKey
from trajectories.store import Store, open_store

AT_ONCE = (1, 4, 8)
STARTS = {"bubblewrap": 120, "docker": 16}
ROLLOUTS = 400
TASK_RUNS = 200


def limits(folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True)
    figures: dict[str, Any] = {}
    for name, starts in STARTS.items():
        backend = get_backend(name)
        if missing := backend.missing():
            print(f"left out: {name} starts: {'; '.join(missing)}")
            continue
        for at_once in AT_ONCE:
            rate = asyncio.run(starts_a_second(backend, starts, at_once))
            figures[f"{name}_starts_a_second_{at_once}"] = tell(f"{name}: start, true, stop, {at_once} at once", rate)
    rollouts = make_rollouts()
    for at_once in AT_ONCE:
        rate = writes_a_second(partial(open_store, folder / f"sqlite-{at_once}"), rollouts, at_once)
        figures[f"sqlite_writes_a_second_{at_once}"] = tell(f"SQLite: a rollout a transaction, {at_once} writers", rate)
    with postgresql() as databases:
        for at_once in AT_ONCE if databases else ():
            opened = partial(open_store, next(databases), blobs=str(folder / f"bodies-{at_once}"))
            rate = writes_a_second(opened, rollouts, at_once)
            figures[f"postgresql_writes_a_second_{at_once}"] = tell(f"PostgreSQL: the same, {at_once} writers", rate)
    figures["task_runs_a_second"] = tell("Prefect: task runs", task_runs_a_second(folder / "prefect"))
    return figures


def make_rollouts() -> list[Rollout]:
    """Of 20 steps with 2 kB of program text each, about what a step of a real agent leaves."""
    folder, chance = Path(sysconfig.get_paths()["stdlib"]), random.Random(0)
    text = "".join(path.read_text(errors="ignore") for path in sorted(folder.glob("*.py")))

    def step(number: int) -> Step:
        start = chance.randrange(len(text) - 4000)
        call = ToolCall(
            tool_call_id=f"c{number}", function_name="bash", arguments={"command": text[start : start + 80]}
        )
        result = ObservationResult(source_call_id=call.tool_call_id, content=text[start : start + 2000])
        return Step(
            step_id=number + 1,
            source="agent",
            message=text[start : start + 200],
            tool_calls=(call,),
            observation=Observation(results=(result,)),
            metrics=Metrics(prompt_tokens=1000, completion_tokens=80),
        )

    def rollout(number: int) -> Rollout:
        agent = AgentInfo(name="react", version="1", model_name="m")
        return Rollout(
            key=RolloutKey(suite_hash="suite", task_id=f"task-{number}", agent="react", model="m", backend="none"),
            seed=number,
            ending="submitted",
            verdict=Verdict(reward=1.0, checks=(Check(name="t", passed=True),)),
            trajectory=Trajectory(session_id="s", agent=agent, steps=tuple(map(step, range(20)))),
            started_at="2026-01-01T00:00:00+00:00",
            agent_sec=60.0,
            verifier_sec=5.0,
            total_sec=65.0,
            provenance={"repository": "r", "license": "MIT"},
        )

    return list(map(rollout, range(ROLLOUTS)))


def tell(what: str, rate: float) -> float:
    print(f"  {what:<48} {rate:8.1f} a second   (load {os.getloadavg()[0]:.1f})", flush=True)
    return round(rate, 1)


async def starts_a_second(backend: Backend, starts: int, at_once: int) -> float:
    spec, slots = SandboxSpec(), asyncio.Semaphore(at_once)

    async def one() -> None:
        async with slots, running(backend, spec) as sandbox:
            await sandbox.run(["true"], timeout_sec=60)

    await one()
    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(starts)))
    return starts / (time.perf_counter() - began)


def writes_a_second(opened: Callable[[], Store], pool: list[Rollout], writers: int) -> float:
    """Each writer is a thread with a store of its own, as processes have; a rollout of 20 steps a transaction."""
    provenance = Provenance(source="x", source_hash="", license="", repository="r")
    with opened() as store:
        known = [(rollout.key.task_id, "f", provenance) for rollout in pool]
        store.register_suite(hash="suite", name="suite", version="1", tasks=known)
    stores = [opened() for _ in range(writers)]
    try:
        parts = [pool[number::writers] for number in range(writers)]
        began = time.perf_counter()
        with ThreadPoolExecutor(writers) as threads:
            list(threads.map(lambda item: [item[0].record(rollout) for rollout in item[1]],
                             zip(stores, parts, strict=True)))  # fmt: skip
        return len(pool) / (time.perf_counter() - began)
    finally:
        for store in stores:
            store.close()


def task_runs_a_second(home: Path) -> float:
    """Of one flow with threads, through Prefect's API on loopback, its database in SQLite."""
    with prefect_api(home, cache=Path("~/.cache/gristmill").expanduser()):
        import prefect
        from prefect.task_runners import ThreadPoolTaskRunner

        @prefect.task
        def nothing(number: int) -> int:
            return number

        @prefect.flow(task_runner=ThreadPoolTaskRunner(max_workers=8))  # type: ignore[arg-type]
        def many(runs: int) -> float:
            began = time.perf_counter()
            for future in [nothing.submit(number) for number in range(runs)]:
                future.result()
            return time.perf_counter() - began

        many(5)
        return TASK_RUNS / many(TASK_RUNS)


# ------------------------------------------------------------------- PostgreSQL


@contextmanager
def postgresql() -> Iterator[Iterator[str] | None]:
    """URLs of new databases of a server of our own on a socket; None, with the reason told, where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        print("left out: PostgreSQL: apt-get install -y postgresql")
        yield None
        return
    binaries, folder = found[-1].parent, Path(tempfile.mkdtemp(prefix="gristmill-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        owner = pwd.getpwnam("nobody")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]

    def call(name: str, *arguments: str) -> None:
        command = [*as_user, str(binaries / name), *arguments]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=120)

    def databases() -> Iterator[str]:
        for number in count():
            call("createdb", "-h", str(folder), "-U", "gristmill", f"b{number}")
            yield f"postgresql+psycopg://gristmill@/b{number}?host={folder}"

    server = ("-D", str(folder / "data"))
    options = f"-c listen_addresses= -c unix_socket_directories={folder}"
    call("initdb", *server, "-U", "gristmill", "-A", "trust")
    call("pg_ctl", *server, "-l", str(folder / "log"), "-o", options, "-w", "start")
    try:
        yield databases()
    finally:
        call("pg_ctl", *server, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
