"""The sets of tasks: the same seed gives the same tasks. Those that memory and student learn from are others."""

import shutil
from hashlib import sha256
from pathlib import Path

from environments import Backend
from tasks import BadTaskFolder, Task, fetch_source, open_suite, prepare_repository
from tasks.folder import read_task
from tasks.templates import Template, family_templates, load_template
from tasks.templates.generate import generate_templates
from tests.several_bugs import BUGS, pairs_of_bugs, task_with_bugs
from tests.tiny_repository import TINY_FILES

TEMPLATES = Path(__file__).with_name("templates")
SEED, TRAINING_SEED = 41, 1041


def _groups(name: str) -> list[list[Template]]:
    if name in ("two_words", "long_list"):
        return [[load_template(TEMPLATES / f"{name}.yaml")]]
    if name == "facts":
        families = family_templates("linked_facts")
        return [[load_template(file) for file in files if file.stem == "linked_facts"] for files in families.values()]
    return [[load_template(file) for file in files] for files in family_templates(name).values()]


async def tasks_of(name: str, n: int, *, backend: Backend, folder: Path, cache: Path, seed: int = SEED) -> list[Task]:
    """`n` tasks: of `first_steps`, `two_words`, `long_list`, `facts`, or `bugs` (one or two in a tiny repository).

    In an order that mixes the kinds, for pieces that learn from one task after the other.
    """
    if name == "bugs":
        return await _with_bugs(n, backend, folder / "bugs", cache)
    out = folder / f"{name}-{n}-{seed}"
    await generate_templates(_groups(name), backend, out=out, n=n, seed=seed, cache=cache, jobs=2)
    return sorted(open_suite(out, cache=cache).tasks(), key=lambda task: sha256(task.id.encode()).digest())


async def _with_bugs(n: int, backend: Backend, folder: Path, cache: Path) -> list[Task]:
    """Each bug alone, then pairs in different files, evenly over all pairs."""
    pairs = pairs_of_bugs()
    wanted = max(0, n - len(BUGS))
    chosen = [(name,) for name in BUGS] + [pairs[at * len(pairs) // max(1, wanted)] for at in range(wanted)]
    made: list[Task] = []
    code = folder / "tinylib"
    _write(code, TINY_FILES)
    repository = await prepare_repository(fetch_source(str(code), cache=cache), backend, cache=cache)
    for names in chosen[:n]:
        task_folder = folder / ("bugs-" + "-".join(name.replace("_", "-") for name in names))
        if task_folder.is_dir():
            try:
                made.append(read_task(task_folder, cache=cache))
                continue
            except BadTaskFolder:  # half written by a run that was killed
                shutil.rmtree(task_folder)
        made.append(await task_with_bugs(*names, repository=repository, backend=backend, folder=folder, cache=cache))
    return made


def _write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
