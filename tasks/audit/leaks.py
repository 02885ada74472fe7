"""The leak scan: what an agent can read in its sandbox holds neither the reference nor the tests that judge it.

Two looks. What many tasks share (the interpreter, the installed packages, the system) is searched once for all of
them; what is a task's own (its files, git objects, home, environment, processes) is searched in its real sandbox.
"""

import json
import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict

from environments.diff import Diff
from environments.errors import EnvironmentFault
from environments.sandbox import Backend, Sandbox, running
from environments.spec import SandboxSpec
from tasks.audit._inside import MODULES
from tasks.audit.finding import Finding, LeakKind
from tasks.audit.needles import CleanCode, Needle, natural_files, needles_of
from tasks.errors import VerifierFault
from tasks.task import Task
from tasks.testrun import BOOT, VENV, sized

SEARCH_SEC = 600.0
PYTHONS = (f"{VENV}/bin/python", "python3", "python", "/usr/bin/python3", "/usr/local/bin/python3")
_CACHES = re.compile(
    r"/(?:\.cache|\.npm|\.cargo|pip-cache|uv-cache)/|/(?:pip|uv|pipenv|poetry)/(?:cache|wheels|http)|/\.pip/"
)
_BACKUP = re.compile(
    r"(?:~|\.(?:orig|bak|old|save|sav|backup|swp|swo|rej|prev|copy|clean|fixed))$|^[#.]#|^\.#", re.IGNORECASE
)
_FIND_PYTHON = """for python in "$@"; do
    if "$python" -c "import sys; sys.exit(sys.version_info < (3, 7))" 2>/dev/null; then echo "$python"; exit; fi
done"""


class LeakScan(BaseModel):
    """What a scan found. `notes`: what was there and could not be searched."""

    model_config = ConfigDict(frozen=True)

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    files: int = 0
    bytes: int = 0


async def scan_own(task: Task, reference: Diff | None, backend: Backend) -> LeakScan:
    """Search what is this task's own, in the sandbox that its agent gets. `reference`: what its solution changes.

    Raises EnvironmentFault, and VerifierFault where the search itself failed.
    """
    needles, codes = needles_of(task, reference)
    async with running(backend, task.agent_spec) as sandbox:
        scan = await _search(sandbox, needles, codes, natural=natural_files(task), is_shared=False)
    if task.agent_spec.network:
        open_network = Finding(
            task_id=task.id,
            kind="open-network",
            place="the sandbox",
            evidence="the task has network: what its source or its answer is can be looked up and downloaded",
        )
        scan = scan.model_copy(update={"findings": (*scan.findings, open_network)})
    return scan


def shared_by(task: Task) -> str:
    """Tasks of one such key share all that `scan_shared` searches."""
    spec = task.agent_spec
    mounts = [f"{mount.source}:{mount.target}" for mount in spec.mounts]
    return json.dumps([spec.image, str(spec.build_context or ""), sorted(mounts)])


async def scan_shared(tasks: Sequence[tuple[Task, Diff | None]], backend: Backend) -> LeakScan:
    """Search the system and the mounts that these tasks share (`shared_by`), once for all of them."""
    needles: list[Needle] = []
    codes: list[CleanCode] = []
    for task, reference in tasks:
        some, code = needles_of(task, reference)
        needles += some
        codes += code
    spec = tasks[0][0].agent_spec.model_copy(update={"layers": ()})
    async with running(backend, spec) as sandbox:
        return await _search(sandbox, needles, codes, natural=[], is_shared=True)


async def scan_all_shared(
    tasks: Sequence[tuple[Task, Diff | None]], backend: Backend
) -> tuple[dict[str, list[Finding]], list[str]]:
    """`scan_shared` for every group of tasks that share a system: findings by task id, and what was not searched."""
    groups: dict[str, list[tuple[Task, Diff | None]]] = {}
    for task, reference in tasks:
        groups.setdefault(shared_by(task), []).append((task, reference))
    found: dict[str, list[Finding]] = {}
    notes: list[str] = []
    for group in groups.values():
        try:
            scan = await scan_shared(group, backend)
        except (EnvironmentFault, VerifierFault) as fault:
            notes.append(f"what {len(group)} tasks share was not searched: {fault}")
            continue
        for finding in scan.findings:
            found.setdefault(finding.task_id, []).append(finding)
        notes += scan.notes
    return found, notes


async def _search(
    sandbox: Sandbox, needles: list[Needle], codes: list[CleanCode], *, natural: list[str], is_shared: bool
) -> LeakScan:
    """Send the search and its configuration into a sandbox; what it says becomes findings."""
    python = await _python_of(sandbox)
    if python is None:
        return LeakScan(notes=("not searched: the sandbox has no Python 3 that could search it",))
    nonce = secrets.token_hex(16)
    config = {
        "nonce": nonce,
        "needles": [needle.for_search() for needle in needles],
        "code": [{"path": code.path, "clean": code.clean, "given": code.given} for code in codes],
        "natural": natural,
        "is_shared": is_shared,
        "workdir": sandbox.spec.workdir,
        "shared": [mount.target for mount in sandbox.spec.mounts],
        "system_names": None if has_own_system(sandbox.spec) else sorted(_names(needles)),
    }
    stdin = _inside_text() + sized(json.dumps(config).encode(errors="surrogateescape"))
    done = await sandbox.run([python, "-I", "-S", "-B", "-c", BOOT], timeout_sec=SEARCH_SEC, stdin=stdin)
    records = [json.loads(line[len(nonce) :]) for line in done.stdout.splitlines() if line.startswith(nonce)]
    if not records or records[-1]["kind"] != "end":
        raise VerifierFault(f"the leak scan did not come to its end: {(done.stderr or done.stdout).strip()[-1000:]}")
    end = records.pop()
    found: dict[tuple[str, str, str], Finding] = {}
    for record in records:
        for finding in _findings(record, needles, codes):
            found.setdefault((finding.task_id, finding.kind, finding.place), finding)
    return LeakScan(findings=tuple(found.values()), notes=tuple(end["notes"]), files=end["files"], bytes=end["bytes"])


def has_own_system(spec: SandboxSpec) -> bool:
    """The image is the task's: whatever stands in its /usr, the task's author may have put there."""
    return spec.image is not None or spec.build_context is not None


def _names(needles: Sequence[Needle]) -> set[str]:
    """Words that the path of a copy would have: the packages' and the files' names."""
    paths = [PurePosixPath(needle.path) for needle in needles if needle.what == "reference"]
    packages = {path.parts[0] for path in paths if len(path.parts) > 1} - {"src", "lib", "python"}
    return packages | {f"/{path.name}" for path in paths} | {"solve.sh"}


async def _python_of(sandbox: Sandbox) -> str | None:
    done = await sandbox.run(["sh", "-c", _FIND_PYTHON, "sh", *PYTHONS], timeout_sec=60)
    return done.stdout.strip() or None


def _findings(record: dict[str, Any], needles: list[Needle], codes: list[CleanCode]) -> list[Finding]:
    if record["kind"] == "bytecode":
        code = codes[record["number"]]
        evidence = f"made from the reference's {code.path}"
        return [Finding(task_id=code.task_id, kind="bytecode", place=record["place"], evidence=evidence)]
    if record["kind"] == "test-cache":
        task_id = needles[0].task_id if needles else ""
        return [Finding(task_id=task_id, kind="test-cache", place=record["place"], evidence="left by a run of tests")]
    needle = needles[record["number"]]
    kind = kind_of(needle, record["path"], record["via"], record["variant"], record["how"])
    return [Finding(task_id=needle.task_id, kind=kind, place=record["place"], evidence=_evidence(needle))]


def kind_of(needle: Needle, path: str, via: Sequence[str], variant: str, how: str) -> LeakKind:
    """The name of a leak: by what it is (tests, solution), then by where, then by how it is written."""
    file = PurePosixPath(path)
    if needle.what == "tests":
        return "hidden-tests"
    if "git-history" in via or "git-dangling" in via:
        return "git-dangling" if "git-dangling" in via else "git-history"
    if "environment-variable" in via:
        return "environment-variable"
    if "process" in via:
        return "process"
    if needle.what == "solution":
        return "solution-files"
    if _CACHES.search(path):
        return "package-cache"
    if "archive" in via:
        return "archive"
    if "encoded" in via:
        return "encoded"
    if variant == "patch" or file.suffix in (".patch", ".diff"):
        return "patch-file"
    if "site-packages" in file.parts or "dist-packages" in file.parts:
        return "installed-copy"
    stem = PurePosixPath(needle.path).stem
    if _BACKUP.search(file.name) and stem in file.name:
        return "backup-file"
    return "second-copy" if how != "weak" and variant == "text" else "text"


def _evidence(needle: Needle) -> str:
    return f"{needle.path}:\n" + "\n".join(needle.lines.splitlines()[:12])


def inside_sources() -> list[tuple[str, str]]:
    """Names and texts of the modules that run inside, in the order in which they import each other."""
    folder = files("tasks.audit._inside")
    found = [(name, "") for name in ("tasks", "tasks.audit", "tasks.audit._inside")]
    return found + [(f"tasks.audit._inside.{name}", (folder / f"{name}.py").read_text("utf-8")) for name in MODULES]


@lru_cache(maxsize=1)
def _inside_text() -> bytes:
    """The same as BOOT reads it."""
    return sized(json.dumps(inside_sources()).encode())
