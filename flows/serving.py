"""What `gristmill serve MODEL` serves: `local`, a model of gristmill.yaml, a GGUF file, or a folder of safetensors."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from agents.models import LOCAL, ModelConfig
from agents.serving import ServeConfig
from flows.errors import UsageError
from flows.settings import load_settings

_WRITTEN = {"name", "api_key", "quirks"}  # not printed: the key of the entry, a secret, and what is at its default


def config_of(model: str, **options: Any) -> ServeConfig:
    """`options`: fields of ServeConfig; those that are None keep the entry's or the default.

    Raises UsageError saying what MODEL may be.
    """
    given = {name: value for name, value in options.items() if value is not None}
    entries = load_settings().models
    fields: dict[str, Any]
    if model == LOCAL.name:
        from agents.local_model import model_file

        fields = {"name": LOCAL.name, "weights": str(model_file()), "context_length": LOCAL.context_length}
    elif model in entries:
        fields = entry_config(model, entries[model]).model_dump()
    elif (path := Path(model).expanduser()).exists():
        _check(path)
        fields = {"name": _name_of(path), "weights": str(path.absolute())}
    elif model.endswith(".gguf") or model.startswith((".", "/", "~")) or "/" not in model:
        known = ", ".join([LOCAL.name, *sorted(entries)])
        raise UsageError(
            f"no model {model!r} to serve: it is no file or folder here, and no name of these: {known}. Give "
            "a GGUF file, a folder with config.json and safetensors, or OWNER/NAME of a hub that the server can reach"
        )
    else:
        fields = {"name": model.rsplit("/", 1)[1], "weights": model}
    try:
        return ServeConfig.model_validate({**fields, **given})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise UsageError(f"serve {model}: {problems}") from error


def entry_config(name: str, entry: Mapping[str, Any]) -> ServeConfig:
    """How a model of gristmill.yaml is served: its `weights`, or what it calls `model`."""
    weights = str(entry.get("weights") or entry.get("model") or "")
    if not weights:
        raise UsageError(f"model {name} of gristmill.yaml: give `weights:`, a file or folder, to serve it")
    path = Path(weights).expanduser()
    fields: dict[str, Any] = {"name": name, "weights": str(path.absolute()) if path.exists() else weights}
    if "context_length" in entry:
        fields["context_length"] = entry["context_length"]
    if "tool_calling" in entry:
        fields["tool_calling"] = entry["tool_calling"]
    return ServeConfig.model_validate(fields)


def adapters(given: Sequence[str]) -> dict[str, Path]:
    """`NAME=PATH` each. Raises UsageError."""
    found: dict[str, Path] = {}
    for each in given:
        name, equals, path = each.partition("=")
        file = Path(path).expanduser()
        if not equals or not re.fullmatch(r"[\w.-]+", name):
            raise UsageError(f"--lora {each}: give NAME=PATH")
        if not file.exists():
            raise UsageError(f"--lora {each}: {file} is not there")
        found[name] = file.absolute()
    return found


def as_yaml(models: Sequence[ModelConfig]) -> str:
    """The part of gristmill.yaml that makes these models known, without what is at its default."""
    entries = {each.name: each.model_dump(mode="json", exclude=_WRITTEN, exclude_defaults=True) for each in models}
    return str(yaml.safe_dump({"models": entries}, sort_keys=False, allow_unicode=True))


def _check(path: Path) -> None:
    if path.is_dir() and not (path / "config.json").is_file():
        raise UsageError(f"{path}: no folder of a model: it has no config.json")
    if path.is_dir() and not any(path.glob("*.safetensors")):
        raise UsageError(f"{path}: no folder of a model: it has no *.safetensors")
    if path.is_file() and path.suffix != ".gguf":
        raise UsageError(f"{path}: not a GGUF file (give NAME.gguf, or a folder of safetensors)")


def _name_of(path: Path) -> str:
    """A name from a file or folder; `model` alone says nothing, so the folder above is taken then."""
    stem = path.resolve().stem if path.is_file() else path.resolve().name
    if stem in ("model", "merged"):
        stem = path.resolve().parent.name
    return re.sub(r"[^\w.-]+", "-", stem).strip("-") or "model"
