"""The forms that there are: ours, and those that others register."""

from importlib import import_module
from importlib.metadata import entry_points

from trajectories.errors import BadExport
from trajectories.exports.exporter import Exporter

GROUP = "gristmill.exports"
_OURS = {
    "trl": "trajectories.exports.trl:Trl",
    "dpo": "trajectories.exports.preference:Dpo",
    "kto": "trajectories.exports.preference:Kto",
    "reward": "trajectories.exports.scored:Reward",
    "steps": "trajectories.exports.scored:Steps",
    "tokens": "trajectories.exports.tokens:TokenRows",
    "ms-swift": "trajectories.exports.ms_swift:MsSwift",
    "lmflow": "trajectories.exports.lmflow:LmFlow",
    "axolotl": "trajectories.exports.axolotl:Axolotl",
    "llama-factory": "trajectories.exports.llama_factory:LlamaFactory",
    "verl": "trajectories.exports.prompts:Verl",
    "skyrl": "trajectories.exports.prompts:SkyRl",
    "verifiers": "trajectories.exports.prompts:Verifiers",
}


def export_names() -> list[str]:
    return sorted({*_OURS, *(point.name for point in entry_points(group=GROUP))})


def get_exporter(name: str) -> Exporter:
    """The form of that name. Raises BadExport listing the names there are."""
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
        exporter: Exporter = getattr(import_module(module), attribute)()
        return exporter
    for point in entry_points(group=GROUP):
        if point.name == name:
            found: Exporter = point.load()()
            return found
    raise BadExport(f"no export format {name!r}; there are: {', '.join(export_names())}")
