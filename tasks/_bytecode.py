"""Bytecode of tests, made once: half of a short run of pytest is the rewriting of assertions, each time the same.

A layer of the verifier's sandbox alone; the agent's never has it. Made from the hidden files beside the clean code, by
`pytest --collect-only` in a sandbox. Only of tests: their sources cannot change, while those of the code do.
"""

from hashlib import sha256
from pathlib import Path, PurePosixPath

from environments.sandbox import Backend, running
from environments.spec import Mount, SandboxSpec
from tasks._scratch import scratch_in
from tasks._tree import fix_times, locked, publish
from tasks.testrun import VENV

_COLLECT_SEC = 300.0
_TARGET = "/gristmill-bytecode"
_SCRIPT = (
    f"{VENV}/bin/python -m pytest --collect-only -q -p no:cacheprovider >/dev/null 2>&1; "
    f"find . -name '*.pyc' -path '*/__pycache__/*' -exec cp --parents -t {_TARGET} {{}} +"
)


def bytecode_layer(spec: SandboxSpec, cache: Path) -> tuple[Path, ...]:
    """The layer for a sandbox with these layers (code, then hidden files), if it has been made: one or none."""
    place = _place(spec, cache)
    return (place,) if place.is_dir() else ()


async def ensure_bytecode(spec: SandboxSpec, hidden: Path, backend: Backend, cache: Path) -> None:
    """Make the layer if it is not there. Tests that cannot be collected have no bytecode; nothing fails by that.

    `spec`: the verifier's, with the clean code and `hidden`, the layer of tests, alone.
    """
    place = _place(spec, cache)
    if place.is_dir():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with locked(place.with_suffix(".lock")), scratch_in(place.parent) as scratch:
        if place.is_dir():
            return
        made, new = scratch / "made", scratch / "layer"
        made.mkdir()
        new.mkdir()
        for folder in (scratch, made):
            folder.chmod(0o777)  # the sandbox's user is another one than ours
        mount = Mount(source=made, target=_TARGET, read_only=False)
        async with running(backend, spec.model_copy(update={"mounts": (*spec.mounts, mount)})) as sandbox:
            # the spec's environment forbids bytecode
            await sandbox.run(["sh", "-c", _SCRIPT], timeout_sec=_COLLECT_SEC, env={"PYTHONDONTWRITEBYTECODE": ""})
        for file in made.rglob("*.pyc"):
            path = file.relative_to(made)
            if (hidden / _source_of(path)).is_file():
                (new / path).parent.mkdir(parents=True, exist_ok=True)
                (new / path).write_bytes(file.read_bytes())
        fix_times(new)
        publish(new, place)


def _source_of(path: Path) -> PurePosixPath:
    """`a/__pycache__/b.cpython-311-pytest-9.pyc` is made from `a/b.py`."""
    return PurePosixPath(path.parent.parent.as_posix()) / f"{path.name.split('.')[0]}.py"


def _place(spec: SandboxSpec, cache: Path) -> Path:
    parts = [*map(str, spec.layers), *(f"{mount.source}:{mount.target}" for mount in spec.mounts)]
    return cache.resolve() / "layers" / f"{sha256('|'.join(parts).encode()).hexdigest()[:32]}-bytecode"
