"""What goes into a sandbox to run tests there (`tasks/_inside/`), and how its answers are read."""

import base64
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from tasks._inside import MODULES
from tasks._inside.contexts import NOBODY, OF_TEST_MODULES
from tasks._results import TestReport, TestResult, TestRun

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


def order_of(run: TestRun) -> bytes:
    """One run, as the supervisor reads it from its standard input."""
    fields = run.model_dump(exclude={"files"})
    fields["files"] = {path: base64.b64encode(content).decode() for path, content in run.files.items()}
    return sized(json.dumps(fields).encode())


NO_MORE_ORDERS = f"{0:012d}".encode()


def serving_config(
    workdir: str,
    *,
    guarded: Sequence[str],
    warm: Sequence[str] | None,
    explains: bool,
    stdlib: Sequence[str] = (),
) -> bytes:
    """For a supervisor that takes orders. Of code of our own making."""
    config = {
        "workdir": workdir,
        "coverage": [],
        "random_order_seed": None,
        "guarded": list(guarded),
        "serves": True,
        "is_code_ours": True,  # it does not tamper on purpose: one look at the end is enough
        # pytest's tracebacks, and what it says of two long texts that differ, take longer than most tests
        "explains": explains,
        "tracebacks": "short" if explains else "native",
        "warm": None if warm is None else list(warm),
        "stdlib": list(stdlib),  # modules of it, to be imported once for all workers
        "keeps_bytecode": True,  # of the tests, above all: rewriting their asserts is most of a run of few tests
    }
    return sized(json.dumps(config).encode())


def sized(content: bytes) -> bytes:
    """Content with its length in 12 digits before it, as BOOT reads it."""
    return f"{len(content):012d}".encode() + content


@lru_cache(maxsize=1)
def inside_text() -> bytes:
    folder = files("tasks._inside")
    texts = [[name, ""] for name in ("tasks", "tasks._inside")]
    texts += [[f"tasks._inside.{name}", (folder / f"{name}.py").read_text(encoding="utf-8")] for name in MODULES]
    return sized(json.dumps(texts).encode())


def records_of(stdout: str, nonce: str) -> Iterator[dict[str, Any]]:
    """Records of the supervisor, as far as they are whole."""
    for line in stdout.encode().split(b"\n"):
        if (record := record_of(line, nonce.encode())) is not None:
            if not record:
                return
            yield record


def record_of(line: bytes, nonce: bytes) -> dict[str, Any] | None:
    """None for a line without the nonce, which is none; empty for one that was cut."""
    if not line.startswith(nonce + b" "):
        return None
    try:
        record: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(line[len(nonce) + 1 :], validate=True)))
        return record
    except (ValueError, zlib.error):
        return {}


def report_of(
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
    told = [result for record in by_kind["results"] for result in record["results"]]
    lines: dict[str, dict[str, tuple[int, ...]]] = defaultdict(dict)
    for record in by_kind["lines"]:
        for test, mask in record["masks"].items():
            lines[test][record["path"]] = _line_numbers(mask)
    state = by_kind["state"][0] if by_kind["state"] else {}
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
            for record in told
        ),
        collected=tuple(test for record in by_kind["collected"] for test in record["ids"]),
        import_lines=lines.get(NOBODY, {}),
        collection_lines=lines.get(OF_TEST_MODULES, {}),
        imported=state.get("parts", {}),
        first_lines=state.get("lines", {}),
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
