"""verifiers (from 0.2): a Taskset whose tasks are made of our rows, as its documentation shows."""

import json
from collections.abc import Iterable
from pathlib import Path

from common import Row, main, versions


def read(exports: Path, tokenizer_folder: Path) -> list[Row]:
    import verifiers.v1 as vf
    from verifiers.v1.task import WireTaskData

    class Rows(vf.Taskset[vf.Task[WireTaskData], vf.TasksetConfig]):  # type: ignore[misc,name-defined]
        def load(self) -> Iterable[vf.Task]:
            for line in (exports / "verifiers" / "train.jsonl").read_text().splitlines():
                yield vf.Task(WireTaskData.model_validate_json(line))

    tasks = list(Rows(vf.TasksetConfig(id="gristmill")))
    rows = []
    for task in tasks:
        wire = WireTaskData.model_validate_json(task.data.model_dump_json())
        extra = wire.model_extra or {}
        prompt = [message.model_dump(exclude_none=True) for message in wire.prompt or ()]
        rows.append(
            {
                "fields": {
                    "prompt": prompt,
                    "ground_truth": json.loads(extra["info"])["task_id"],
                    "text": wire.prompt_text,
                }
            }
        )
    return [
        {
            "form": "verifiers",
            "file": "train.jsonl",
            "called": "a Taskset of WireTaskData, iterated, over the wire and back",
            "version": versions("verifiers"),
            "rows": rows,
        }
    ]


if __name__ == "__main__":
    main(read)
