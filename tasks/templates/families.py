"""Families: a folder with template files each, ours below `tasks/families`, others' by the entry point group.

[project.entry-points."gristmill.families"]
mine = "my_package.my_family"        # a package whose folder holds the *.yaml files
"""

from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from tasks.errors import BadTemplate

GROUP = "gristmill.families"
ALL = "all"
_OURS = Path(__file__).resolve().parents[1] / "families"


def families() -> dict[str, Path]:
    """Name -> folder, of all that are installed; a folder below `tasks/families` is one if it holds *.yaml files."""
    found = {folder.name: folder for folder in sorted(_OURS.iterdir()) if folder.is_dir() and template_files(folder)}
    for point in entry_points(group=GROUP):
        spec = find_spec(point.module)
        if spec is None or not spec.submodule_search_locations:
            raise BadTemplate(f"family {point.name}: {point.module} is no package that can be found; install it again")
        found[point.name] = Path(next(iter(spec.submodule_search_locations)))
    return found


def family_templates(name: str) -> dict[str, list[Path]]:
    """Family -> its template files; of every family for 'all'. Raises BadTemplate listing the names there are."""
    known = families()
    if name != ALL and name not in known:
        raise BadTemplate(f"no family is called {name!r}; there are: {', '.join([ALL, *sorted(known)])}")
    return {each: template_files(known[each]) for each in (sorted(known) if name == ALL else [name])}


def template_files(folder: Path) -> list[Path]:
    """The folder's template files; trees of topics and the like are YAML too, and have none of a template's fields."""
    return [file for file in sorted(folder.glob("*.yaml")) if _is_template(file)]


def _is_template(file: Path) -> bool:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.startswith(("phrasings:", "grader:", "reference:")) for line in lines)
