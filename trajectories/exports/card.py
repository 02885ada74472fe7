"""The card of an export: a README.md that the Hugging Face hub and `datasets` read, and a person."""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from trajectories.exports import ExportManifest

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))

HUB_LICENSES = {
    "Apache-2.0": "apache-2.0",
    "MIT": "mit",
    "BSD-2-Clause": "bsd-2-clause",
    "BSD-3-Clause": "bsd-3-clause",
    "ISC": "isc",
    "MPL-2.0": "mpl-2.0",
    "GPL-2.0-only": "gpl-2.0",
    "GPL-2.0-or-later": "gpl-2.0",
    "GPL-3.0-only": "gpl-3.0",
    "GPL-3.0-or-later": "gpl-3.0",
    "LGPL-3.0-only": "lgpl-3.0",
    "LGPL-3.0-or-later": "lgpl-3.0",
    "CC0-1.0": "cc0-1.0",
    "CC-BY-4.0": "cc-by-4.0",
    "Unlicense": "unlicense",
}
"""SPDX's names as the hub writes them; what it has no name for is `other`."""


def card(manifest: "ExportManifest") -> str:
    """What `load_dataset(FOLDER)` reads, licences, counts, and how the rows were chosen."""
    settings = yaml.safe_dump(_settings(manifest), sort_keys=False, allow_unicode=True)
    skipped = sum(manifest.skipped_counts.values())
    lines = [
        f"---\n{settings}---",
        "",
        f"# Trajectories for {manifest.format}",
        "",
        f"{manifest.rollouts} rows, written by Gristmill {manifest.gristmill}. Split {manifest.split}.",
        "",
        "| file | rows | sha256 |",
        "|---|---|---|",
        *(f"| {name} | {entry.rows} | {entry.sha256} |" for name, entry in manifest.files.items()),
        "",
        "## Where they come from",
        "",
        "Each row names its rollout (`rollout_id`), its task and repository, and the repository's licence.",
        "",
        *_table("repository", manifest.repositories),
        *_table("licence", manifest.licenses),
        *_table("agent", manifest.agents),
        "## How they were chosen",
        "",
        f"Filters: `{json.dumps(manifest.filters)}`",
        "",
        f"Left out: {manifest.left_out.get('attempts', 0)} rollouts with attempts to cheat, "
        f"{manifest.left_out.get('findings', 0)} of tasks in which an audit found a fault, "
        f"{manifest.left_out.get('marks', 0)} marked bad by people; {skipped} gave no row (`manifest.json` says why).",
    ]
    return "\n".join(lines) + "\n"


def _settings(manifest: "ExportManifest") -> dict[str, Any]:
    """The hub's metadata. A split without a row is not named: its JSONL could not be read."""
    licenses = sorted({HUB_LICENSES.get(name, "other") for name in manifest.licenses}) or ["other"]
    size = next((name for most, name in SIZES if manifest.rollouts < most), "n>1M")
    return {
        "license": licenses[0] if len(licenses) == 1 else licenses,
        "size_categories": [size],
        "task_categories": ["text-generation"],
        "tags": ["gristmill", "agent", "tool-use", manifest.format],
        "configs": [{"config_name": "default", "data_files": _data_files(manifest)}],
    }


def _data_files(manifest: "ExportManifest") -> list[dict[str, Any]]:
    found = []
    for split in ("train", "test"):
        names = [name for name in manifest.files if "/" not in name and name.startswith(split)]
        parquet = [name for name in names if name.endswith(".parquet")]
        chosen = parquet or names
        if any(manifest.files[name].rows for name in chosen):
            found.append({"split": split, "path": chosen})
    return found


def _table(what: str, counts: Mapping[str, int]) -> Iterable[str]:
    yield from (f"| {what} | rows |", "|---|---|")
    yield from (f"| {name or 'unknown'} | {count} |" for name, count in counts.items())
    yield ""
