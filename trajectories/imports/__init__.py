"""Trajectories that other tools wrote, as rollouts of a suite that the user names.

A format is one file with NAME, `fits(path)` and `read(path)`. Importing again adds what is new: the same trajectory is
the same rollout, and one that had no reward gets it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from sqlalchemy import func, select
from sqlmodel import col

from trajectories.errors import BadImport
from trajectories.imports import harbor, openai_messages, swe_agent
from trajectories.imports.imported import Imported, provenance_of, suite_hash, to_rollout
from trajectories.store import Store
from trajectories.tables import SuiteRow, TaskRow

FORMATS: dict[str, ModuleType] = {module.NAME: module for module in (harbor, swe_agent, openai_messages)}


@dataclass
class ImportReport:
    """`known`: trajectories that were there already. `unknown`: imported without a reward. `bad`: what was left out."""

    suite_hash: str
    imported: int = 0
    known: int = 0
    unknown: int = 0
    bad: list[str] = field(default_factory=list)


def import_trajectories(
    store: Store,
    path: Path,
    *,
    suite: str,
    format: str = "auto",
    license: str = "",
    rewards: Mapping[str, float] | None = None,
) -> ImportReport:
    """Import a file, or all files of a folder that are in the format (auto: in any of them).

    rewards: task -> reward, for formats that hold none (`read_rewards`).
    Files that cannot be read are left out and named in the report. Raises BadImport if nothing fits.
    """
    if format != "auto" and format not in FORMATS:
        raise BadImport(f"import: unknown format {format!r}; there are: auto, {', '.join(FORMATS)}")
    found = list(_files(path, format))
    if not found:
        raise BadImport(f"import {path}: nothing there in the format {format!r} ({', '.join(FORMATS)})")
    report = ImportReport(suite_hash=suite_hash(suite))
    store.register_suite(hash=report.suite_hash, name=suite, version="imported", tasks=())
    for file, module in found:
        try:
            for imported in module.read(file):
                _import_one(store, imported, suite, license, rewards or {}, report)
        except (BadImport, UnicodeDecodeError, OSError) as error:
            report.bad.append(str(error) if isinstance(error, BadImport) else f"{file.name}: {error}")
    return report


def read_rewards(path: Path) -> dict[str, float]:
    """Task -> reward from JSON: `{task: number}`, or SWE-bench's report (`resolved_ids`, `unresolved_ids`, …).

    Tasks of the report that are in neither list (errors) stay unknown. Raises BadImport.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadImport(f"rewards {path}: {error}") from error
    if isinstance(data, dict) and isinstance(data.get("resolved_ids"), list):
        rewards = {str(task): 0.0 for name in ("unresolved_ids", "empty_patch_ids") for task in data.get(name) or ()}
        return rewards | {str(task): 1.0 for task in data["resolved_ids"]}
    if isinstance(data, dict) and all(isinstance(value, int | float) and 0 <= value <= 1 for value in data.values()):
        return {str(task): float(value) for task, value in data.items()}
    raise BadImport(f"rewards {path}: neither {{task: 0…1}} nor a report of SWE-bench with `resolved_ids`")


def _files(path: Path, format: str) -> Iterator[tuple[Path, ModuleType]]:
    modules = list(FORMATS.values()) if format == "auto" else [FORMATS[format]]
    if path.is_file():
        fitting = [module for module in modules if module.fits(path)]
        yield from [(path, module) for module in (fitting or (modules if format != "auto" else []))[:1]]
        return
    for file in sorted(path.rglob("*")):
        for module in modules:
            if file.is_file() and module.fits(file):
                yield file, module
                break


def _import_one(
    store: Store, imported: Imported, suite: str, license: str, rewards: Mapping[str, float], report: ImportReport
) -> None:
    rollout = to_rollout(imported, suite=suite, license=license, reward=rewards.get(imported.task))
    with store.writing() as session:
        if session.get(TaskRow, (report.suite_hash, imported.task)) is None:
            provenance = provenance_of(imported, license)
            session.add(
                TaskRow(
                    suite_hash=report.suite_hash,
                    id=imported.task,
                    family=rollout.family,
                    repository=provenance.repository,
                    license=provenance.license,
                    provenance=provenance.model_dump(mode="json"),
                    audited_at=None,
                )
            )
            session.flush()
            row = session.get(SuiteRow, report.suite_hash)
            count = select(func.count()).select_from(TaskRow).where(col(TaskRow.suite_hash) == report.suite_hash)
            if row is not None:
                row.tasks = session.scalar(count) or 0
        session.commit()
    if rollout.is_unknown and store.count(f"id = '{rollout.key.id}'"):
        report.known += 1
    elif store.record(rollout):
        report.imported += 1
        report.unknown += rollout.is_unknown
    else:
        report.known += 1
