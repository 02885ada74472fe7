"""What a suite's folder tells of how it was made: candidates, tasks and reasons of rejection of each generator."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tasks.suite import MANIFEST

DUPLICATES = ("duplicate", "near duplicate")
FLAKY = "flaky"


class GeneratorYield(BaseModel):
    """What one generator gave to one suite."""

    model_config = ConfigDict(frozen=True)

    generator: str
    candidates: int = Field(ge=0)
    accepted: int = Field(ge=0)
    rejections: dict[str, int] = Field(default_factory=dict)

    @property
    def duplicates(self) -> int:
        return sum(count for reason, count in self.rejections.items() if reason.startswith(DUPLICATES))

    @property
    def flaky(self) -> int:
        return sum(count for reason, count in self.rejections.items() if FLAKY in reason)


class SuiteYield(BaseModel):
    """`yields` is None where the manifest does not say (suites that were written by something else)."""

    model_config = ConfigDict(frozen=True)

    name: str
    hash: str
    tasks: int
    yields: tuple[GeneratorYield, ...] | None


def yields_of(folders: Iterable[Path]) -> Iterator[SuiteYield]:
    """Of those folders that hold a readable manifest."""
    for folder in folders:
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            yield SuiteYield(
                name=str(manifest["name"]),
                hash=str(manifest["hash"]),
                tasks=len(manifest["tasks"]),
                yields=_yields(manifest.get("provenance")),
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a suite that is being written has no manifest


def _yields(provenance: Any) -> tuple[GeneratorYield, ...] | None:
    result = provenance.get("result") if isinstance(provenance, dict) else None
    rows = result.get("yields") if isinstance(result, dict) else None
    return tuple(GeneratorYield.model_validate(row) for row in rows) if isinstance(rows, list) else None
