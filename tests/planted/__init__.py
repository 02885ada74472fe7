"""Tasks with one fault each, planted on purpose, and their clean twins: what `gristmill audit` is proved on.

    planted = plant(folder, draft=draft, repository=repository, cache=cache)   # id -> what must be found
    clean_twins(other, draft=draft, repository=repository, cache=cache)        # the same ids; nothing may be found

Both folders are suites that `open_suite` reads. Every task in them holds: its reference passes, nothing fails.
What is planted where: `_repository_leaks.py`, `_harbor_leaks.py`, `_weak_verifiers.py`.
"""

import sys
from pathlib import Path

from tasks._environment import find_interpreter
from tasks.folder import RepositoryTask, SharedFiles, read_task, write_repository_task
from tasks.repository import Repository

from ._faults import SHIPPING, Leak, Planted, Shown, copy_task, harmless, reference_text
from ._harbor_leaks import HARBOR_LEAKS
from ._repository_leaks import REPOSITORY_LEAKS
from ._weak_verifiers import WEAK_VERIFIERS, Weakness

__all__ = ["FAULTS", "WEAK_VERIFIERS", "Planted", "Weakness", "clean_twins", "plant"]

FAULTS: dict[str, Planted] = {
    **{task_id: leak.planted for task_id, leak in {**REPOSITORY_LEAKS, **HARBOR_LEAKS}.items()},
    **{task_id: weak.planted for task_id, weak in WEAK_VERIFIERS.items()},
}


def plant(folder: Path, *, draft: RepositoryTask, repository: Repository, cache: Path) -> dict[str, Planted]:
    """Write the suite of faulty tasks; what must be found in each. Raises BadTaskFolder where a plant broke a task."""
    _write(folder / "tasks", draft, repository, cache, is_clean=False)
    return dict(FAULTS)


def clean_twins(folder: Path, *, draft: RepositoryTask, repository: Repository, cache: Path) -> tuple[str, ...]:
    """Write the suite of the same tasks without their faults, where possible with look-alikes of the same names."""
    _write(folder / "tasks", draft, repository, cache, is_clean=True)
    return tuple(FAULTS)


def _write(tasks: Path, draft: RepositoryTask, repository: Repository, cache: Path, *, is_clean: bool) -> None:
    shared = SharedFiles()
    for task_id, leak in REPOSITORY_LEAKS.items():
        task = draft.model_copy(update={"id": task_id})
        write_repository_task(task, repository, tasks / task_id, shared)
        python = find_interpreter(repository.recipe.python).executable
        change = draft.reference.changes[0]
        before, after = (change.before or b"").decode(), (change.after or b"").decode()
        _plant(leak, tasks / task_id, "environment/files", (change.path, before, after), python, is_clean=is_clean)
    for task_id, leak in HARBOR_LEAKS.items():
        place = copy_task(SHIPPING, tasks / task_id)
        texts = ("shipping.py", (place / "environment/shipping.py").read_text(), reference_text())
        _plant(leak, place, "environment", texts, Path(sys.executable), is_clean=is_clean)
    for task_id, weak in WEAK_VERIFIERS.items():
        copy_task(weak.base, tasks / task_id, weak.files_of_twin if is_clean else weak.files)
    for task_id in FAULTS:
        read_task(tasks / task_id, cache=cache)


def _plant(
    leak: Leak, folder: Path, workspace: str, file: tuple[str, str, str], python: Path, *, is_clean: bool
) -> None:
    path, before, after = file
    if is_clean and not leak.is_alike:
        return
    leak.plant(Shown(folder, folder / workspace, path, before, harmless(before) if is_clean else after, python))
