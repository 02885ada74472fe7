"""What a sandbox costs over the bare tool: start, one command, stop; everything in one run, interleaved.

    python benchmarks/sandbox.py [--runs N] [--backend bubblewrap|docker|all] [--json]

The floor of bubblewrap is one `bwrap` with the same isolation and the same view of the file system
(system, empty home, /tmp, /dev/shm, working directory), on a folder: no overlay, no limits, nothing
kept for a second command. The floor of docker is `docker run --rm` with the same flags and image; that the daemon is
told of no network at all, as by us, no flag of the client can say.
Figures (`--json`, last line): bubblewrap_ratio, docker_ratio (medians), and the medians in ms.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from environments import Backend, SandboxSpec, get_backend, running

Measured = Callable[[], Awaitable[None]]


def bare_bwrap(folder: Path) -> list[str]:
    for name in ("work", "home", "tmp", "shm", "empty", "etc"):
        (folder / name).mkdir(exist_ok=True)
    options = ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]
    options += ["--cap-drop", "ALL", "--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"]
    options += ["--setenv", "PATH", "/usr/bin:/bin", "--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib64"):
        path = Path("/", name)
        options += (
            ["--symlink", str(path.readlink()), str(path)] if path.is_symlink() else ["--ro-bind", *[str(path)] * 2]
        )
    for packages in sorted(Path("/usr").glob("lib/python*/dist-packages")):
        options += ["--ro-bind", str(folder / "empty"), str(packages)]
    options += ["--ro-bind", str(folder / "etc"), "/etc", "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"]
    options += ["--dev", "/dev", "--bind", str(folder / "shm"), "/dev/shm", "--remount-ro", "/dev"]
    options += ["--bind", str(folder / "tmp"), "/tmp", "--bind", str(folder / "home"), "/home/sandbox"]
    options += ["--bind", str(folder / "work"), "/workspace", "--remount-ro", "/", "--chdir", "/workspace"]
    return ["bwrap", *options, "--", "true"]


def bare_docker(image: str) -> list[str]:
    flags = ["--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--hostname", "sandbox"]
    flags += ["--pids-limit", "256", "--memory", "2g", "--memory-swap", "2g", "--cpus", "1", "--user", "1000:1000"]
    flags += ["--shm-size", "1g", "--tmpfs", "/tmp", "--tmpfs", "/home/sandbox", "--log-driver", "none"]
    return ["docker", "run", "--rm", *flags, image, "true"]


def command(argv: list[str]) -> Measured:
    async def run() -> None:
        process = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.DEVNULL)
        if await process.wait() != 0:
            raise SystemExit(f"{argv[0]} failed; the floor can not be measured")

    return run


def sandbox(backend: Backend, spec: SandboxSpec) -> Measured:
    async def run() -> None:
        async with running(backend, spec) as box:
            result = await box.run(["true"], timeout_sec=60)
        if result.exit_code != 0:
            raise SystemExit(f"{backend.name}: `true` failed: {result}")

    return run


async def medians(kinds: dict[str, Measured], runs: int) -> dict[str, float]:
    """Milliseconds; the kinds take turns, so that the machine's mood falls on all alike."""
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for i in range(runs + 1):
        for name, measured in kinds.items():
            began = time.perf_counter()
            await measured()
            if i > 0:  # the first is a warm-up: caches, and the backend's own first start
                taken[name].append((time.perf_counter() - began) * 1000)
    return {name: round(statistics.median(values), 2) for name, values in taken.items()}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--backend", choices=["bubblewrap", "docker", "all"], default="all")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        layer = Path(scratch, "layer")
        layer.mkdir()
        (layer / "hello.txt").write_text("hello\n")
        spec = SandboxSpec(layers=(layer,))
        for name in ("bubblewrap", "docker") if options.backend == "all" else (options.backend,):
            backend = get_backend(name)
            if problems := backend.missing():
                print(f"{name}: left out, {'; '.join(problems)}")
                continue
            if name == "bubblewrap":
                floor = command(bare_bwrap(Path(scratch)))
            else:
                from environments.docker import DockerBackend

                assert isinstance(backend, DockerBackend)
                floor = command(bare_docker(await backend.image_of(spec)))
            found = await medians({"bare": floor, "ours": sandbox(backend, spec)}, options.runs)
            ratio = round(found["ours"] / found["bare"], 2)
            figures |= {f"{name}_ms": found["ours"], f"{name}_bare_ms": found["bare"], f"{name}_ratio": ratio}
            print(f"{name:12} bare {found['bare']:8.1f} ms   ours {found['ours']:8.1f} ms   ratio {ratio:.2f}")
    if shutil.which("docker") is None:
        print("docker: no client; `docker run` can not be measured")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main())
