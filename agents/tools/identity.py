"""What tells one tools configuration from another: its settings and what stands in the files that it names.

Secrets (headers) and the folder that it lies in do not count: a new key, or another machine, makes no other rollouts.
Of a function that is imported by its module the name counts; of one in a file of its own, the file.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from agents.errors import AgentFault
from agents.tools.config import ToolsConfig

DIGITS = 8


def short_hash(config: ToolsConfig) -> str:
    """8 hex digits. Raises AgentFault for a file that cannot be read."""
    told: dict[str, Any] = config.model_dump(mode="json")  # secrets come out as asterisks
    told["functions"] = [_function(name) for name in config.functions]
    told["toolsets"] = [_folder(folder) for folder in config.toolsets]
    for document, source in zip(told["openapi"], config.openapi, strict=True):
        if source.base_url:
            document["document"] = _file(Path(source.document))
    if config.retrieve is not None and config.retrieve.demonstrations is not None:
        told["retrieve"]["demonstrations"] = _file(config.retrieve.demonstrations)
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:DIGITS]


def label(agent: str, config: ToolsConfig | None) -> str:
    """The agent's name in a rollout's key: `AGENT+tools:HASH` where there is a configuration."""
    return agent if config is None else f"{agent}+tools:{short_hash(config)}"


def _function(name: str) -> str:
    module, _, attribute = name.rpartition(":")
    return f"{_file(Path(module))}:{attribute}" if module.endswith(".py") else name


def _folder(folder: Path) -> list[list[str]]:
    files = sorted(path for path in folder.rglob("*.yaml") if path.is_file())
    return [[path.relative_to(folder).as_posix(), _file(path)] for path in files]


def _file(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise AgentFault(f"{path}: {error.strerror}") from error
