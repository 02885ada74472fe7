"""Running a repository's tests in a sandbox, with results by a channel that the tested code cannot write to.

The same function serves validation (clean and changed code), the pytest verifier, and the
`run_tests` tool of agents. What runs inside the sandbox is `tasks/_inside/`.
"""

import base64
import json
import secrets
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from environments.errors import EnvironmentFault
from environments.sandbox import CommandResult, Sandbox
from tasks._inside import MODULES
from tasks.errors import VerifierFault

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]

# The one place at which the Python environment of a repository is shown in each of its sandboxes.
VENV = "/opt/gristmill/venv"

# Reads exactly the files' text and leaves the rest of stdin (configuration, nonce) to them. `tasks` is
# taken out of sys.modules again: the repository may have a package of that name.
BOOT = """
import json, os, sys, types
def take(n):
    data = b""
    while len(data) < n:
        part = os.read(0, n - len(data))
        if not part:
            raise SystemExit("stdin ended early")
        data += part
    return data
modules = []
for name, text in json.loads(take(int(take(12)))):
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
    modules.append(module)
for module in modules:
    del sys.modules[module.__name__]
modules[-1].main(take, modules)
"""


class TestResult(BaseModel):
    """One test. `longrepr` is pytest's traceback text, at most 20 kB.

    A test over its time limit, or during which its process ended, is an `error` whose text begins with
    "Timeout:" or "The process ended". A file that cannot be collected is an `error` with the file as id.
    """

    __test__ = False
    model_config = ConfigDict(frozen=True)

    node_id: str
    outcome: Outcome
    duration_sec: float = 0.0
    longrepr: str = ""
    lines: dict[str, tuple[int, ...]] = Field(
        default_factory=dict, description="with coverage: path (relative to workdir) -> executed line numbers"
    )
    starts_processes: bool = Field(False, description="with coverage: whose lines are not seen")


class TestRun(BaseModel):
    """One of several runs in one sandbox: tests, on files that are written before them."""

    __test__ = False
    model_config = ConfigDict(frozen=True)

    files: dict[str, bytes] = Field(default_factory=dict, description="path (relative to workdir) -> contents")
    removed: tuple[str, ...] = Field((), description="paths that are not there in this run")
    tests: tuple[str, ...]
    gate: tuple[str, ...] = ()
    random_order_seed: int | None = None
    per_test_timeout_sec: float | None = None
    cpu_limits: dict[str, float] = Field(default_factory=dict, description="node id -> seconds of CPU it may take")
    stop_at_first_failure: bool = False
    most_failures: int | None = Field(None, description="with more, the run ends; most tracebacks are short then")
    collection_timeout_sec: float = 60.0
    is_warm: bool = Field(False, description="where only functions differ, change them in a fork that has all imported")


class TestReport(BaseModel):
    """One run of pytest. `is_complete` is False if the process ended before it reported every test."""

    __test__ = False
    model_config = ConfigDict(frozen=True)

    results: tuple[TestResult, ...] = ()
    collected: tuple[str, ...] = Field((), description="selected tests that pytest found, in the order of the run")
    import_lines: dict[str, tuple[int, ...]] = Field(
        default_factory=dict, description="with coverage: lines executed outside any test (import time)"
    )
    is_complete: bool
    is_tampered: bool = Field(False, description="the tested code changed pytest, unittest or the runner")
    tampered: tuple[str, ...] = Field((), description="names of what it changed")
    exit_code: int | None = None
    timed_out: bool = False
    output: str = Field("", description="what pytest and the tests printed, middle left out past 100 kB")
    duration_sec: float = 0.0
    was_warm: bool = Field(False, description="of several runs: in a fork that had all imported")

    @cached_property
    def _outcomes(self) -> Mapping[str, Outcome]:
        return {result.node_id: result.outcome for result in self.results}

    def outcome(self, node_id: str) -> Outcome | None:
        """Outcome of one test, None if it did not run."""
        return self._outcomes.get(node_id)


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
    python: str = f"{VENV}/bin/python",
) -> TestReport:
    """Run `tests` (pytest node ids relative to workdir; None: all that pytest collects) and report each.

    Files, classes and ids without parameters stand for the tests in them; an id that does not exist
    has no outcome. `coverage`: folders or files (relative to workdir) whose lines are recorded for each
    test. `gate`: tests that run first; if one of them fails, the others do not run. `guarded`: files that
    the tested code must not touch; if it does, or adds a conftest.py, the report is tampered.
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
        "collection_timeout_sec": timeout_sec / 2,
    }
    stdin = _inside_text() + sized(json.dumps(config).encode()) + nonce.encode()
    done, records = await _started(sandbox, python, stdin, nonce, timeout_sec)
    return _report(records, exit_code=done.exit_code, timed_out=done.timed_out, is_cut=done.truncated,
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
    each = [run.model_dump(exclude={"files"}) for run in runs]
    for fields, run in zip(each, runs, strict=True):
        fields["files"] = {path: base64.b64encode(content).decode() for path, content in run.files.items()}
    config = {
        "workdir": sandbox.spec.workdir,
        "coverage": [],
        "random_order_seed": None,
        "guarded": list(guarded),
        "runs": each,
        "is_code_ours": True,  # it does not tamper on purpose: one look at the end is enough
        # pytest's tracebacks, and what it says of two long texts that differ, take longer than most tests
        "explains": explains,
        "tracebacks": "short" if explains else "native",
        "warm": None if warm is None else list(warm),
        "keeps_bytecode": True,  # of the tests, above all: rewriting their asserts is most of a run of few tests
    }
    stdin = _inside_text() + sized(json.dumps(config).encode()) + nonce.encode()
    done, records = await _started(sandbox, python, stdin, nonce, timeout_sec)
    of_runs: list[list[dict[str, Any]]] = []
    for record in records:
        if record["kind"] == "begin":
            of_runs.append([])
        elif of_runs:
            of_runs[-1].append(record)
    is_cut = done.timed_out or done.truncated
    return [
        _report(
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
    records = list(_records(done.stdout, nonce))
    if not records and not done.timed_out and not done.oom_killed:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise VerifierFault(f"pytest could not be started with {python} in the sandbox: {said or 'no message'}")
    return done, records


def sized(content: bytes) -> bytes:
    """Content with its length in 12 digits before it, as BOOT reads it."""
    return f"{len(content):012d}".encode() + content


@lru_cache(maxsize=1)
def _inside_text() -> bytes:
    folder = files("tasks._inside")
    texts = [[name, ""] for name in ("tasks", "tasks._inside")]
    texts += [[f"tasks._inside.{name}", (folder / f"{name}.py").read_text(encoding="utf-8")] for name in MODULES]
    return sized(json.dumps(texts).encode())


def _records(stdout: str, nonce: str) -> Iterator[dict[str, Any]]:
    """Records of the supervisor; a line without the nonce is none, one that was cut is the end."""
    for line in stdout.split("\n"):
        if not line.startswith(nonce + " "):
            continue
        try:
            yield json.loads(zlib.decompress(base64.b64decode(line[len(nonce) + 1 :], validate=True)))
        except (ValueError, zlib.error):
            return


def _report(
    records: list[dict[str, Any]],
    *,
    exit_code: int | None,
    timed_out: bool,
    is_cut: bool,
    duration_sec: float | None,
    stderr: str,
) -> TestReport:
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        by_kind[record["kind"]].append(record)
    lines: dict[str, dict[str, tuple[int, ...]]] = defaultdict(dict)
    for record in by_kind["lines"]:
        for test, mask in record["masks"].items():
            lines[test][record["path"]] = _line_numbers(mask)
    end = by_kind["end"][0] if by_kind["end"] else None
    tampered = tuple(name for record in by_kind["tampered"] for name in record["what"])
    return TestReport(
        results=tuple(
            TestResult(
                node_id=record["id"],
                outcome=record["outcome"],
                duration_sec=record["sec"],
                longrepr=record["longrepr"],
                lines=lines.get(record["id"], {}),
                starts_processes=record.get("starts_processes", False),
            )
            for record in by_kind["result"]
        ),
        collected=tuple(test for record in by_kind["collected"] for test in record["ids"]),
        import_lines=lines.get("", {}),
        is_complete=end is not None and end["is_complete"] and not timed_out and not is_cut,
        is_tampered=bool(tampered) or (end is not None and end["is_tampered"]),
        tampered=tampered,
        exit_code=end["exit"] if end is not None else exit_code,
        timed_out=timed_out,
        output=end["output"] if end is not None else stderr[-100_000:],
        duration_sec=duration_sec if duration_sec is not None else (end or {}).get("sec", 0.0),
        was_warm=end is not None and end["is_warm"],
    )


@lru_cache(maxsize=20_000)
def _line_numbers(mask: str) -> tuple[int, ...]:
    """Line numbers of a bit mask in hex."""
    bits = bin(int(mask, 16))[:1:-1]
    return tuple(at for at, bit in enumerate(bits) if bit == "1")
