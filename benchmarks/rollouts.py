"""Short rollouts end to end, beside the peers: sandbox, agent, diff, fresh sandbox, verifier, verdict, store.

    python benchmarks/rollouts.py [--json] [-n 8] [-j 4] [--rounds 3] [--agent oracle scripted]
        [--backend bubblewrap docker] [--peers NAME … | none]

Tasks are trivial on purpose (write one file), so that what is measured is the machinery and not the tests. All are the
same Harbor folders; the agents are the oracle (one command) and a scripted one (three fixed commands). Everything is
measured in one run and interleaved, after a warm-up of one rollout each; figures are medians of the rounds. Beside the
seconds stand the processor seconds of the whole machine while it lasted: those of the daemon and of all containers are
among them. On a machine that does other work they hold that work, too; `own` seconds, of what runs without a daemon,
do not: they are those of this process and of all that it starts, by a control group (cpuacct).

Beside our two backends stands bubblewrap from the image that Docker and the peers use: the same files, no container.

Floors (_floors.py): the same commands in two sandboxes a rollout, by the bare tool: a `bwrap` a command; `docker run
--rm` twice; `docker run`, an `exec` a command, `cp`, `rm`. Beside them our own sandboxes with the same commands, and
without agent, diff, verifier, trajectory and store.

Peers (docs/throughput.md says what each of them does and does not do): `benchmarks/peers/install.sh` makes their
environments; one that is not there is left out, with the reason.
"""

import argparse
import asyncio
import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from _accounting import Accounting
from _floors import by_bwrap, by_docker_exec, by_docker_run, for_all
from _peers import PEERS, peer, python_of
from _rollouts_figures import FROM_IMAGE, Rows, figures_of, report
from _rollouts_timed import (
    COMMANDS,
    Figures,
    Scripted,
    counted,
    roll_out_all,
    sandboxes_alone,
    tasks_in,
    timed,
    write_suite,
)

from agents.agent import Agent
from agents.registry import get_agent
from environments import SandboxSpec
from environments.registry import get_backend
from environments.sandbox import Backend

Measure = Callable[[Path, Path], Figures]
"""Of a suite's folder and a scratch folder."""


def measures_of(agent: str, image: str, options: argparse.Namespace) -> dict[str, tuple[str, Measure]]:
    """What to time with this agent, by name: on tasks with which image, and how."""
    commands, jobs = COMMANDS[agent], options.jobs
    found: dict[str, tuple[str, Measure]] = {}

    def ours(backend: Backend) -> Measure:
        made: Agent = get_agent("oracle") if agent == "oracle" else Scripted()
        return lambda suite, scratch: asyncio.run(roll_out_all(suite, made, backend, jobs, scratch / "store"))

    def alone(backend: Backend, own_image: str) -> Measure:
        spec = SandboxSpec(image=own_image or None)
        return lambda suite, scratch: asyncio.run(
            sandboxes_alone(spec, commands, backend, tasks_in(suite), jobs, scratch)
        )

    def floor(by: Callable[[Path, list[str]], None]) -> Measure:
        def measure(suite: Path, scratch: Path) -> Figures:
            with timed() as figures:
                for_all(by, tasks_in(suite), commands, jobs)
            return figures

        return measure

    def by_peer(name: str, kind: str) -> Measure:
        return lambda suite, scratch: peer(
            name, kind=kind, agent=agent, commands=commands, suite=suite, image=image, jobs=jobs, scratch=scratch
        )

    for backend_name, own_image in (
        ("bubblewrap", ""),
        *((("bubblewrap", image),) if image else ()),
        ("docker", image),
    ):
        backend = get_backend(backend_name)
        if backend_name not in options.backend or backend.missing() or (backend_name == "docker" and not image):
            continue
        if backend_name == "bubblewrap" and own_image:
            found[FROM_IMAGE] = own_image, ours(backend)
            continue
        found[f"gristmill {backend_name}"] = own_image, ours(backend)
        found[f"its sandboxes alone, {backend_name}"] = own_image, alone(backend, own_image)
        if backend_name == "bubblewrap":
            found["bwrap a command"] = "", floor(by_bwrap)
    if image:
        found["docker run --rm, twice"] = image, floor(by_docker_run)
        found["docker run, exec, cp, rm; run --rm"] = image, floor(by_docker_exec)
    for name in options.peers:
        for kind in PEERS[name][1]:
            if kind != "docker" or image:
                found[f"{name} {kind}"] = image, by_peer(name, kind)
    return found


def measured(agent: str, image: str, options: argparse.Namespace, left_out: dict[str, str]) -> dict[str, list[Figures]]:
    """Every measure's rounds, interleaved; what does not work goes into `left_out` with its reason."""
    measures = measures_of(agent, image, options)
    taken: dict[str, list[Figures]] = {name: [] for name in measures}
    for number in range(options.rounds + 1):
        for name, (own_image, measure) in measures.items():
            is_warm_up = number == 0
            if name in left_out or (is_warm_up and name.partition(" ")[0] in PEERS):  # they warm up themselves
                continue
            try:
                with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as folder:
                    suite = write_suite(Path(folder, "suite"), 1 if is_warm_up else options.n, own_image)
                    value = measure(suite, Path(folder))
            except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
                left_out[name] = str(error)
                continue
            if not is_warm_up:
                taken[name].append(value)
    return {name: values for name, values in taken.items() if values}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-n", type=int, default=8)
    parser.add_argument("-j", "--jobs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--agent", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--backend", nargs="+", choices=["bubblewrap", "docker"], default=["bubblewrap", "docker"])
    parser.add_argument("--peers", nargs="*", choices=[*PEERS, "none"], default=list(PEERS))
    options = parser.parse_args()
    options.peers = [name for name in options.peers if name != "none"]
    left_out = {
        name: "not installed: benchmarks/peers/install.sh" for name in options.peers if not python_of(name).exists()
    }
    options.peers = [name for name in options.peers if name not in left_out]
    docker = get_backend("docker")
    image = ""
    if "docker" not in options.backend:
        left_out["docker"] = "not asked for"
    elif missing := docker.missing():
        left_out["docker"] = "; ".join(missing)
    else:
        image = asyncio.run(docker.base_image())  # type: ignore[attr-defined]

    rows: Rows = {}
    accounting = Accounting()
    counted.extend([accounting] if accounting.is_there else [])
    try:
        for agent in options.agent:
            taken, how_many = measured(agent, image, options, left_out), {"n": options.n, "jobs": options.jobs}
            report(agent, taken, rows, rounds=options.rounds, is_counted=bool(counted), **how_many)
    finally:
        counted.clear()
        accounting.close()
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}")
    if options.json:
        print(json.dumps({**figures_of(rows), "left_out": left_out, "rows": rows}))


if __name__ == "__main__":
    main()
