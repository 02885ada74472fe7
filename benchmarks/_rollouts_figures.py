"""What benchmarks/rollouts.py says of what it has timed: a table for people, and the figures that DESIGN names."""

import os
import statistics

from _peers import PEERS
from _rollouts_timed import Figures

FROM_IMAGE = "gristmill bubblewrap, docker's image"
OWN = ("gristmill bubblewrap", FROM_IMAGE, "its sandboxes alone, bubblewrap", "bwrap a command")  # no daemon's work
Rows = dict[str, dict[str, object]]


def median_of(values: list[Figures], name: str) -> float:
    return statistics.median(value[name] for value in values)


def report(
    agent: str, taken: dict[str, list[Figures]], rows: Rows, *, n: int, jobs: int, rounds: int, is_counted: bool
) -> None:
    """The table for people; what it shows goes into `rows`."""
    load = os.getloadavg()[0]
    seconds = {name: median_of(values, "seconds") for name, values in taken.items()}
    print(f"{agent}: {n} rollouts, {jobs} at a time, median of {rounds} (load {load:.1f})")
    for name, value in seconds.items():
        cpu, slowest = median_of(taken[name], "cpu_seconds"), max(each["seconds"] for each in taken[name])
        row: dict[str, object] = {
            "seconds": round(value, 3),
            "slowest": round(slowest, 3),
            "cpu_seconds": round(cpu, 2),
            "rollouts_per_minute": round(60 * n / value, 1),
        }
        tail = ""
        if name in OWN and is_counted:
            row["own_cpu_seconds"] = round(median_of(taken[name], "own_cpu_seconds"), 4)
            tail = f"   own {row['own_cpu_seconds']:.3f} s"
        peer_name, _, kind = name.partition(" ")
        if peer_name in PEERS:
            row["version"] = taken[name][0]["version"]
            row["cleaned_seconds"] = round(median_of(taken[name], "cleaned_seconds"), 3)
            own = "docker" if kind == "docker" else "bubblewrap"
            if f"gristmill {own}" in seconds:
                row["ratio"] = round(value / seconds[f"gristmill {own}"], 2)
                row["cleaned_ratio"] = round(float(str(row["cleaned_seconds"])) / seconds[f"gristmill {own}"], 2)
                tail = f"   {row['ratio']} x ours; {row['cleaned_ratio']} x until nothing is left   ({row['version']})"
            if kind == "docker" and FROM_IMAGE in seconds:  # the same image, without its containers
                row["ratio_to_bubblewrap"] = round(value / seconds[FROM_IMAGE], 2)
                tail += f"   {row['ratio_to_bubblewrap']} x bubblewrap from the same image"
        rows[f"{name}, {agent}"] = row
        a_minute = 60 * n / value
        print(f"  {name:<38} {value:7.2f} s  to {slowest:6.2f}  {a_minute:7.0f} a minute  cpu {cpu:6.2f} s{tail}")


def figures_of(rows: Rows) -> dict[str, object]:
    """The figures that DESIGN names, by the oracle where it was measured."""
    agent = "oracle" if any(name.endswith("oracle") for name in rows) else "scripted"

    def figure(name: str, what: str = "seconds") -> float | None:
        row = rows.get(f"{name}, {agent}")
        return float(str(row[what])) if row and what in row else None

    def ratio(one: str, other: str, what: str = "seconds") -> float | None:
        above, below = figure(one, what), figure(other, what)
        return round(above / below, 3) if above and below else None

    docker, bubblewrap = "gristmill docker", "gristmill bubblewrap"
    return {
        "docker_8x4_seconds": figure(docker),
        "rollouts_per_minute": figure(docker, "rollouts_per_minute"),
        "overhead_ratio": ratio(docker, "docker run --rm, twice"),
        "overhead_cpu_ratio": ratio(docker, "docker run --rm, twice", "cpu_seconds"),
        "docker_over_exec_ratio": ratio(docker, "docker run, exec, cp, rm; run --rm"),
        "docker_over_sandboxes_ratio": ratio(docker, "its sandboxes alone, docker"),
        "bubblewrap_8x4_seconds": figure(bubblewrap),
        "bubblewrap_rollouts_per_minute": figure(bubblewrap, "rollouts_per_minute"),
        "bubblewrap_overhead_ratio": ratio(bubblewrap, "bwrap a command"),
        "bubblewrap_overhead_cpu_ratio": ratio(bubblewrap, "bwrap a command", "cpu_seconds"),
        "bubblewrap_overhead_own_cpu_ratio": ratio(bubblewrap, "bwrap a command", "own_cpu_seconds"),
        "bubblewrap_over_sandboxes_own_cpu_ratio": ratio(
            bubblewrap, "its sandboxes alone, bubblewrap", "own_cpu_seconds"
        ),
        "bubblewrap_over_sandboxes_ratio": ratio(bubblewrap, "its sandboxes alone, bubblewrap"),
        "bubblewrap_image_8x4_seconds": figure(FROM_IMAGE),
        "bubblewrap_image_rollouts_per_minute": figure(FROM_IMAGE, "rollouts_per_minute"),
        "bubblewrap_image_over_docker_ratio": ratio(FROM_IMAGE, docker),
        "peers": {name: row["ratio"] for name, row in rows.items() if "ratio" in row},
        "peers_over_bubblewrap_image": {
            name: row["ratio_to_bubblewrap"] for name, row in rows.items() if "ratio_to_bubblewrap" in row
        },
    }
