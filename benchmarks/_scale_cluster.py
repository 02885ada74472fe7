"""Part of scale.py: the cluster of docs/scale.md, and rollouts of the length that its figures assume."""

import os
import random
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from flows.scale.cluster import ClusterSpec, load_cluster
from flows.scale.prediction import predict
from flows.scale.recorded import Act, Call, Recording, Story
from flows.scale.sweep import sweep

RECORDED = 300
SEEDS = 3


def assumed_recording() -> Recording:
    """Nobody has recorded these: 8 to 32 steps of a model on a repository, tests that run for some seconds.

    Lengths are drawn log-normally, as those of answers and of commands are. docs/scale.md states them.
    """
    return Recording(tuple(_story(number, random.Random(number)) for number in range(RECORDED)), RECORDED, 1.0)


def _story(number: int, chance: random.Random) -> Story:
    acts, known = [], 0
    for _ in range(chance.randint(8, 32)):
        prompt = known + int(chance.lognormvariate(6.0, 0.8)) if known else 3000  # what a tool said: 400 in the middle
        answer = 10 + int(chance.lognormvariate(5.0, 0.7))  # 150 in the middle
        call = Call(prompt=prompt, earlier=known, answer=answer, seconds=0.0)
        acts.append(Act(pause_sec=0.0, call=call, tool_sec=chance.lognormvariate(-0.4, 1.2)))  # 0.7 s in the middle
        known = prompt + answer
    verify_sec = chance.lognormvariate(1.8, 0.6)  # 6 s in the middle
    return Story(
        id=str(number), start_sec=0.02, acts=tuple(acts), end_sec=0.05, verify_sec=verify_sec, other_sec=0.0,
        cpu_share=0.8, body_bytes=25_000, is_split=True,
    )  # fmt: skip


def documented_cluster() -> ClusterSpec:
    """The description that docs/scale.md shows."""
    text = Path(__file__).resolve().parent.parent.joinpath("docs", "scale.md").read_text()
    block = re.search(r"```yaml\n(hosts: 200\n.*?)```", text, re.DOTALL)
    if block is None:
        raise SystemExit("docs/scale.md shows no cluster of 200 hosts")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(block.group(1))
        file.flush()
        return load_cluster(Path(file.name))


def cluster_figures() -> dict[str, Any]:
    spec, recording = documented_cluster(), assumed_recording()
    began = time.perf_counter()
    found = predict(spec, recording, seeds=SEEDS, jobs=os.cpu_count() or 1)
    seconds = time.perf_counter() - began
    print(
        f"{found.sandboxes} sandboxes on {spec.hosts} hosts: {found.rollouts_an_hour.mean:,.0f} rollouts an hour "
        f"({found.rollouts_an_hour.low:,.0f} to {found.rollouts_an_hour.high:,.0f}), "
        f"${found.cost_per_1000.mean:.2f} per 1,000, "
        f"median {found.median_sec.mean:.0f} s, p95 {found.p95_sec.mean:.0f} s"
    )
    print(f"  {SEEDS} runs of {found.rollouts} rollouts, {found.events:,} events in {seconds:.0f} s")
    for part in found.parts:
        full = "never" if part.full_at_sandboxes is None else f"{part.full_at_sandboxes:,.0f} sandboxes"
        print(f"  {part.name:<18} {part.utilisation.mean:6.1%} used, full at {full}")
    sizes = sweep(spec, recording, ["hosts=10,50,100,200"], seeds=1, rollouts=None, seed=0, jobs=os.cpu_count() or 1)
    for size in sizes:
        one = size.prediction
        print(
            f"  {size.fields['hosts']:>4} hosts: {one.rollouts_an_hour.mean:9,.0f} an hour, "
            f"${one.cost_per_1000.mean:6.2f} per 1,000, bottleneck {one.bottleneck}{', bends' if size.bends else ''}"
        )
    return {
        "cluster": found.model_dump(),
        "prediction_seconds": round(seconds, 1),
        "sweep": [{**size.fields, "an_hour": size.prediction.rollouts_an_hour.mean,
                   "bottleneck": size.prediction.bottleneck} for size in sizes],
    }  # fmt: skip
