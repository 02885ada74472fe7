"""Agents of others as the command line names them: by name, by a YAML file, or by an entry of gristmill.yaml."""

from pathlib import Path
from typing import Any

from flows.errors import UsageError
from flows.settings import load_settings


def named_agent(name: str) -> tuple[str, dict[str, object]]:
    """The agent's name and the options that make it; a user's own adapter travels whole in them.

    So a run's parameters say what was run, whatever becomes of the file. Raises UsageError, UnknownAgent.
    """
    from agents.foreign.adapter import adapter_names, as_adapter, read_adapter
    from agents.registry import agent_names

    settings = load_settings()
    if name in adapter_names():
        return name, {"cache": str(settings.cache_folder)}
    if name.endswith((".yaml", ".yml")):
        adapter = read_adapter(Path(name))
    elif name in settings.agents:
        entry: Any = {"name": name, **settings.agents[name]}
        adapter = as_adapter(entry, Path.cwd(), f"{name} in gristmill.yaml")
    else:
        return name, {}
    if adapter.name in agent_names():
        raise UsageError(f"agent {name}: there is an agent {adapter.name!r} already; give yours another name")
    return adapter.name, {"adapter": adapter.model_dump(mode="json"), "cache": str(settings.cache_folder)}
