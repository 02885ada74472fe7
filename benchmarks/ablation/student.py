"""The small model, tuned a little: on verified rollouts of the teacher, so few that it solves a part of the tasks.

The untuned one solves nearly nothing, which no piece can be measured on; the one of benchmarks/learning.py most.
"""

from collections.abc import Sequence
from pathlib import Path

from agents.agent import AgentLimits
from agents.local_model import model_file
from agents.rollout import roll_out
from agents.training.options import TrainingOptions, TrainingRequest
from agents.training.train import dequantised, train
from benchmarks.ablation.teacher import Teacher
from environments import Backend
from tasks import Task
from trajectories.exports import export
from trajectories.rollout import RolloutKey
from trajectories.store import Store

OPTIONS = TrainingOptions(epochs=1, learning_rate=2e-3, layers=10, seed=0)
TAUGHT = f"agent = '{Teacher.name}' and reward >= 1"


async def teach(tasks: Sequence[Task], store: Store, backend: Backend) -> None:
    """Roll the teacher out on each task that the store does not know yet."""
    known = {row.task_id for row in store.rollouts(f"agent = '{Teacher.name}'")}
    limits = AgentLimits(seconds=60)
    for task in tasks:
        if task.id not in known:
            key = RolloutKey(suite_hash="ablations", task_id=task.id, agent=Teacher.name, backend=backend.name)
            store.record(await roll_out(task, Teacher(), backend, key=key, limits=limits, model=None))


def tuned(store: Store, folder: Path, cache: Path, *, options: TrainingOptions = OPTIONS) -> Path:
    """The weights as GGUF, trained once: what `folder` holds is taken as it is. Raises TrainingFault."""
    out = folder / "student"
    if not (out / "training.json").is_file():
        base = model_file()
        start = dequantised(base, cache)
        rows = folder / "rows"
        export(
            store, to="tokens", out=rows, where=TAUGHT, calls="json", tokenizer=start, split_by="task",
            test_share=0.0, overwrite=True,
        )  # fmt: skip
        train(TrainingRequest(rows=(rows / "train.parquet",), start=start, base=base, out=out, options=options))
    return out / "model.gguf"
