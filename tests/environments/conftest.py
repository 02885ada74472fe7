"""Every test of the contract runs on each backend that this machine has."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from environments import Backend, SandboxSpec, get_backend

MakeLayer = Callable[[dict[str, str | bytes]], Path]


BACKENDS: dict[str, tuple[str, dict[str, bool]]] = {
    "bubblewrap": ("bubblewrap", {}),
    "docker": ("docker", {}),
    "docker, one each": ("docker", {"keep_containers": False}),
}


@pytest.fixture(
    scope="session", params=["bubblewrap", "docker", pytest.param("docker, one each", marks=pytest.mark.slow)]
)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    name, options = BACKENDS[request.param]
    found = get_backend(name, **options)
    if problems := found.missing():
        pytest.skip(f"{request.param}: {'; '.join(problems)}")
    yield found
    found.close()  # type: ignore[attr-defined]


@pytest.fixture
def is_kept(backend: Backend) -> bool:
    """Whether its sandboxes are holders, of this machine's or of a container's launcher."""
    return backend.name == "bubblewrap" or not backend.unkept()  # type: ignore[attr-defined]


@pytest.fixture
def layer(tmp_path: Path) -> MakeLayer:
    """Makes a folder of files: text or bytes, `-> target` for a link, a name that ends in .sh is executable."""

    def make(files: dict[str, str | bytes]) -> Path:
        folder = tmp_path / f"layer{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for name, contents in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(contents, str) and contents.startswith("-> "):
                path.symlink_to(contents[3:])
                continue
            path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
            path.chmod(0o755 if name.endswith(".sh") else 0o644)
        return folder

    return make


@pytest.fixture
def spec(layer: MakeLayer) -> SandboxSpec:
    return SandboxSpec(
        layers=(layer({"hello.txt": "hello\n", "pkg/mod.py": "x = 1\n", "run.sh": "#!/bin/sh\necho hi\n"}),)
    )


def processes_with(word: str) -> list[int]:
    """Pids of this machine whose command line holds `word`, but for us."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if word.encode() in line:
                found.append(int(entry.name))
    return found
