"""The forms that there are: ours, and those that others register."""

from environments.named import Named
from trajectories.errors import BadExport
from trajectories.exports.exporter import Exporter

EXPORTS = Named(
    "export format",
    "gristmill.exports",
    {
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
    },
    BadExport,
)


def export_names() -> list[str]:
    return EXPORTS.names()


def get_exporter(name: str) -> Exporter:
    """The form of that name. Raises BadExport listing the names there are."""
    exporter: Exporter = EXPORTS[name]()
    return exporter
