"""Running a repository's tests in a sandbox, with results by a channel that the tested code cannot write to.

The same function serves validation (clean and changed code), the pytest verifier, and the
`run_tests` tool of agents. What runs inside the sandbox is `tasks/_inside/`.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from environments.errors import EnvironmentFault
from environments.sandbox import CommandResult, Sandbox
from tasks._records import (
    BOOT,
    NO_MORE_ORDERS,
    inside_text,
    order_of,
    records_of,
    report_of,
    serving_config,
    sized,
)
from tasks._results import Outcome, TestReport, TestResult, TestRun
from tasks.errors import VerifierFault

__all__ = [
    "BOOT",
    "VENV",
    "Outcome",
    "TestReport",
    "TestResult",
    "TestRun",
    "run_tests",
    "run_tests_on_each",
    "sized",
]

# The one place at which the Python environment of a repository is shown in each of its sandboxes.
VENV = "/opt/gristmill/venv"


async def run_tests(
    sandbox: Sandbox,
    tests: Sequence[str] | None,
    *,
    timeout_sec: float,
    per_test_timeout_sec: float | None = None,
    coverage: Sequence[str] = (),
    stop_at_first_failure: bool = False,
    random_order_seed: int | None = None,
    gate: Sequence[str] = (),
    guarded: Sequence[str] = (),
    each_alone: bool = False,
    python: str = f"{VENV}/bin/python",
) -> TestReport:
    """Run `tests` (pytest node ids relative to workdir; None: all that pytest collects) and report each.

    Files, classes and ids without parameters stand for the tests in them; an id that does not exist
    has no outcome. `coverage`: folders or files (relative to workdir) whose lines are recorded for each
    test. `gate`: tests that run first; if one of them fails, the others do not run. `guarded`: files that
    the tested code must not touch; if it does, or adds a conftest.py, the report is tampered. `each_alone`: each
    test in a fork of the process that has collected them; with `coverage` only, which is all that is wanted then.
    `python`: the interpreter in the sandbox, with pytest in its environment.
    Raises VerifierFault only where the sandbox was lost, or where pytest cannot be started in it.
    """
    nonce = secrets.token_hex(32)
    config = {
        "workdir": sandbox.spec.workdir,
        "tests": None if tests is None else list(tests),
        "per_test_timeout_sec": per_test_timeout_sec,
        "coverage": list(coverage),
        "stop_at_first_failure": stop_at_first_failure,
        "random_order_seed": random_order_seed,
        "gate": list(gate),
        "guarded": list(guarded),
        "each_alone": each_alone,
        "collection_timeout_sec": timeout_sec / 2,
    }
    stdin = inside_text() + sized(json.dumps(config).encode()) + nonce.encode()
    done, records = await _started(sandbox, python, stdin, nonce, timeout_sec)
    return report_of(records, exit_code=done.exit_code, timed_out=done.timed_out, is_cut=done.truncated,
                   duration_sec=done.duration_sec, stderr=done.stderr)  # fmt: skip


async def run_tests_on_each(
    sandbox: Sandbox,
    runs: Sequence[TestRun],
    *,
    timeout_sec: float,
    guarded: Sequence[str] = (),
    warm: Sequence[str] | None = None,
    explains: bool = False,
    python: str = f"{VENV}/bin/python",
) -> list[TestReport]:
    """As `run_tests`, one run after another with one start of pytest; a report of each that began.

    For code of our own making only: what one run leaves in the sandbox, the next ones find. Each has a
    process of its own that imports the repository anew, unless it `is_warm`: then it is a fork of one that has
    the tests of the files `warm` collected (empty: all). `explains`: failures are told as `run_tests` tells them,
    not in short. `timeout_sec`: of all together.
    Raises VerifierFault as `run_tests` does.
    """
    nonce = secrets.token_hex(32)
    config = serving_config(sandbox.spec.workdir, guarded=guarded, warm=warm, explains=explains)
    stdin = b"".join([inside_text(), config, nonce.encode(), *map(order_of, runs), NO_MORE_ORDERS])
    done, records = await _started(sandbox, python, stdin, nonce, timeout_sec)
    of_runs: list[list[dict[str, Any]]] = []
    for record in records:
        if record["kind"] == "begin":
            of_runs.append([])
        elif of_runs:
            of_runs[-1].append(record)
    is_cut = done.timed_out or done.truncated
    return [
        report_of(
            some,
            exit_code=done.exit_code,
            timed_out=done.timed_out and is_last,
            is_cut=is_cut and is_last,
            duration_sec=None,
            stderr=done.stderr,
        )
        for some, is_last in ((some, some is of_runs[-1]) for some in of_runs)
    ]


async def _started(
    sandbox: Sandbox, python: str, stdin: bytes, nonce: str, timeout_sec: float
) -> tuple[CommandResult, list[dict[str, Any]]]:
    try:
        done = await sandbox.run([python, "-I", "-S", "-B", "-c", BOOT], timeout_sec=timeout_sec, stdin=stdin)
    except EnvironmentFault as fault:
        raise VerifierFault(f"the sandbox was lost while tests ran: {fault}") from fault
    records = list(records_of(done.stdout, nonce))
    if not records and not done.timed_out and not done.oom_killed:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise VerifierFault(f"pytest could not be started with {python} in the sandbox: {said or 'no message'}")
    return done, records
