"""`python3 -m browse`: try steps on the site and keep those that work. `--help` says how."""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from typing import Any

from . import steps as steps_module
from .engine import CannotBrowse
from .replay import Site, replay
from .steps import BadSteps, problem_of, read_steps

CONFIG = "browse.json"
MAX_STEPS = 200
TIME_LIMIT_SEC = 120.0


def main(argv: list[str]) -> int:
    if argv == ["--for-grader"]:
        return for_grader()
    parser = argparse.ArgumentParser(
        prog="python3 -m browse",
        description="Starts the site afresh, does the steps of the file again, then the new ones; prints the page that "
        "results. New steps that all worked are added to the file.",
        epilog=steps_module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help="new steps, one JSON object each")
    parser.add_argument("--try", dest="is_trial", action="store_true", help="do not add the new steps to the file")
    parser.add_argument("--undo", type=int, default=0, metavar="N", help="first remove the last N steps of the file")
    parser.add_argument("--screenshot", metavar="FILE", help="write a PNG of the page that results")
    parser.add_argument("--engine", choices=["devtools", "playwright"], default="devtools", help="default: devtools")
    options = parser.parse_args(argv)
    try:
        return browse(options)
    except (BadSteps, CannotBrowse) as error:
        sys.stderr.write(f"browse: {error}\n")
        return 2


def browse(options: argparse.Namespace) -> int:
    """0: all steps worked; 1: one did not."""
    config = read_config()
    path = config.pop("steps", "actions.json")
    kept = read_kept(path)
    if options.undo:
        kept = kept[: -options.undo]
    new = [read_step(text, number) for number, text in enumerate(options.steps, 1)]
    log = replay(
        kept + new,
        Site(**config),
        time_limit_sec=TIME_LIMIT_SEC,
        engine=options.engine,
        with_picture=bool(options.screenshot),
    )
    if options.screenshot:
        with open(options.screenshot, "wb") as file:
            file.write(log.picture)
    if (options.undo or new) and not options.is_trial and not log.broke:
        write_steps(path, kept + new)
    last = log.moments[-1]
    sys.stdout.write(f"{last['url'][len(config['origin']) :]}  ({last['title']})\n\n{log.outline}\n")
    if log.broke:
        unkept = " Nothing was added to the file." if new else ""
        sys.stderr.write(f"browse: {log.broke}.{unkept}\n")
        return 1
    return 0


def read_config() -> dict[str, Any]:
    """Raises BadSteps."""
    try:
        with open(CONFIG, encoding="utf-8") as file:
            config: dict[str, Any] = json.load(file)
    except (OSError, ValueError) as error:
        raise BadSteps(f"{CONFIG} cannot be read ({error}); run this in the folder where it lies") from error
    return config


def read_kept(path: str) -> list[dict[str, Any]]:
    """Raises BadSteps."""
    try:
        with open(path, "rb") as file:
            return read_steps(file.read(), max_steps=MAX_STEPS)
    except FileNotFoundError:
        return []
    except BadSteps as error:
        raise BadSteps(f"{path} {error}") from error


def read_step(text: str, number: int) -> dict[str, Any]:
    """Raises BadSteps."""
    try:
        step: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise BadSteps(f"new step {number} is no JSON ({error}): {text}") from error
    if problem := problem_of(step):
        raise BadSteps(f"new step {number}: {problem}")
    return step


def write_steps(path: str, steps: list[dict[str, Any]]) -> None:
    lines = ",\n".join(" " + json.dumps(step, ensure_ascii=False) for step in steps)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(f"[\n{lines}\n]\n" if steps else "[]\n")
    os.replace(path + ".new", path)


def for_grader() -> int:
    """Reads {steps, site, time_limit_sec, engine, out} from stdin; writes the log to the file `out`."""
    request = json.load(sys.stdin)
    try:
        log = replay(
            request["steps"],
            Site(**request["site"]),
            time_limit_sec=request["time_limit_sec"],
            engine=request["engine"],
            with_picture=request.get("with_picture", False),
        )
    except CannotBrowse as error:
        answer: dict[str, Any] = {"cannot": str(error)}
    else:
        picture = base64.b64encode(log.picture).decode()
        answer = {"moments": log.moments, "broke": log.broke, "picture": picture}
    with open(request["out"], "w", encoding="utf-8") as file:
        json.dump(answer, file)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
