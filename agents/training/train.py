"""Training, seen from outside: a process of its own does it, and its folder appears whole or not at all."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agents.training.base import base_folder
from agents.training.errors import TrainingFault
from agents.training.options import TrainingRequest, TrainingResult
from agents.training.trainer import MARK

RESULT = "training.json"
TAIL = 1500  # characters of the process's log that an error shows

OnProgress = Callable[[int, int, float], None]
"""Called with the step, all steps, and the mean loss since the last call."""


def trained(out: Path) -> TrainingResult | None:
    """What a finished training left in `out`; None where none has finished."""
    try:
        return TrainingResult.model_validate_json((out / RESULT).read_text())
    except FileNotFoundError:
        return None


def train(request: TrainingRequest, *, on_progress: OnProgress = lambda step, steps, loss: None) -> TrainingResult:
    """Train, unless `request.out` holds a finished training already. Raises TrainingFault."""
    if (done := trained(request.out)) is not None:
        return done
    request.out.parent.mkdir(parents=True, exist_ok=True)
    partial = request.out.with_name(f".{request.out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
    partial.mkdir()
    shutil.rmtree(request.out, ignore_errors=True)
    asked = request.model_copy(update={"out": partial}).model_dump(mode="json")
    for said in _run(asked):
        if "step" in said:
            on_progress(said["step"], said["steps"], said["loss"])
    shutil.rmtree(partial / "trainer", ignore_errors=True)
    partial.rename(request.out)
    result = trained(request.out)
    if result is None:
        raise TrainingFault(f"{request.out}: training ended without a result")
    return result


def dequantised(weights: Path, cache: Path) -> Path:
    """The base of a training as a folder of safetensors (see base.py), made in a process of its own if need be."""
    folder = base_folder(weights, cache)
    if folder.is_dir():
        return folder
    for said in _run({"weights": str(weights), "cache": str(cache)}):
        if "folder" in said:
            folder = Path(said["folder"])
    return folder


def _run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the process tells, line by line. Raises TrainingFault with its fault, or with the end of its log."""
    with tempfile.TemporaryDirectory() as folder:
        file, log = Path(folder) / "request.json", Path(folder) / "log"
        file.write_text(json.dumps(request))
        fault = ""
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "agents.training.trainer", str(file), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    if line.startswith(MARK):
                        said = json.loads(line.removeprefix(MARK))
                        fault = said.get("fault", fault)
                        yield said
                code = process.wait()
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        if fault or code:
            tail = log.read_text(errors="replace")[-TAIL:]
            raise TrainingFault(fault or f"training ended with code {code}:\n{tail}")
