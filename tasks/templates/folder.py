"""The task folder of an instance, in Harbor's format; `tasks/_read_folder.py` reads it again."""

import json
from collections.abc import Mapping
from importlib.resources import files as resources
from typing import Any

import tomlkit

from environments.diff import Diff, FileChange
from tasks.recipe import Recipe
from tasks.task import Provenance
from tasks.templates._travelling import grader_files
from tasks.templates.instance import Files, Instance

SCRIPTS = ("tests/test.sh", "solution/solve.sh")
SCHEMA_VERSION = "1.0"

_DOCKERFILE = """\
FROM python:3.11-slim-bookworm
{packages}COPY files/ /workspace/
{services}WORKDIR /workspace
"""
_PACKAGES = """\
COPY requirements.txt /opt/gristmill/
RUN pip install --no-cache-dir --no-deps -r /opt/gristmill/requirements.txt
"""
_SERVICES = """\
COPY services.json start_services.py /opt/gristmill/
COPY services/ /opt/gristmill/services/
ENTRYPOINT ["python3", "/opt/gristmill/start_services.py"]
CMD ["sleep", "infinity"]
"""
_TEST_SH = """\
#!/bin/bash
# Grades what lies in /workspace; writes a reward from 0 to 1 to /logs/verifier/reward.txt.
mkdir -p /logs/verifier
python3 -B /tests/grader/grade.py /workspace /logs/verifier/reward.txt
"""
_SOLVE_SH = """\
#!/bin/bash
# Lays the reference solution into the working directory.
set -e
cd /workspace
{removals}if [ -d "$(dirname "$0")/files" ]; then cp -R "$(dirname "$0")/files/." .; fi
"""


def reference_diff(instance: Instance, reference: Files) -> Diff:
    """From the agent's files to these laid over them."""
    changes = (
        FileChange(path=path, before=instance.files.get(path), after=content)
        for path, content in reference.items()
        if instance.files.get(path) != content
    )
    return Diff(changes=tuple(changes))


def folder_contents(instance: Instance, reference: Diff | None, recipe: Recipe | None = None) -> dict[str, bytes]:
    """Path -> content of the whole task folder. The same arguments give the same bytes.

    `reference`: None while it is not known yet; `recipe`: of the packages, where the instance has some.
    """
    grading = {"grader": instance.grader, "accepts": list(instance.accepts), "data": instance.grading}
    found = {
        "task.toml": _task_toml(instance, recipe).encode(),
        "instruction.md": (instance.instruction + "\n").encode(),
        "environment/Dockerfile": _dockerfile(instance, recipe).encode(),
        "tests/grading.json": (json.dumps(grading, indent=1, ensure_ascii=False) + "\n").encode(),
        "tests/test.sh": _TEST_SH.encode(),
        "solution/solve.sh": _solve_sh(reference).encode(),
    }
    found |= {f"environment/files/{path}": content for path, content in instance.files.items()}
    found |= {f"tests/files/{path}": content for path, content in instance.hidden.items()}
    found |= {
        f"tests/grader/{path}": content for path, content in grader_files(instance.grader, instance.grading).items()
    }
    if not instance.accepts:  # changes of these do not count, and a stranger's harness has no copy of them
        found |= {f"tests/given/{path}": content for path, content in instance.files.items()}
    if recipe is not None:
        found["environment/recipe.json"] = (recipe.model_dump_json(indent=2, exclude={"ladder"}) + "\n").encode()
        found["environment/requirements.txt"] = "".join(f"{line}\n" for line in recipe.requirements).encode()
    found |= _service_files(instance)
    if reference is not None:
        found["solution/reference.patch"] = reference.text().encode()
        found |= {f"solution/files/{each.path}": each.after for each in reference.changes if each.after is not None}
    return found


def _service_files(instance: Instance) -> dict[str, bytes]:
    if not instance.services:
        return {}
    listed = [{"name": each.name, "port": each.port, "ready": each.ready} for each in instance.services]
    found = {
        "environment/services.json": (json.dumps(listed, indent=1) + "\n").encode(),
        "environment/start_services.py": (resources("tasks.templates") / "_standalone_services.py").read_bytes(),
    }
    for each in instance.services:
        found[f"environment/services/{each.name}.py"] = each.program
        found[f"environment/services/{each.name}.data"] = each.data
    return found


def _dockerfile(instance: Instance, recipe: Recipe | None) -> str:
    text = _DOCKERFILE.format(packages=_PACKAGES if recipe else "", services=_SERVICES if instance.services else "")
    return text if instance.files else text.replace("COPY files/ /workspace/\n", "")


def _solve_sh(reference: Diff | None) -> str:
    gone = [change.path for change in reference.changes if change.after is None] if reference else []
    return _SOLVE_SH.format(removals="".join(f"rm -f -- '{path}'\n" for path in gone))


def _task_toml(instance: Instance, recipe: Recipe | None) -> str:
    details = {
        "template": instance.template,
        "instance": instance.kinship,
        "index": instance.index,
        "phrasing": instance.phrasing,
        "tags": instance.tags,
        "parameters": instance.parameters,
        "leaves": instance.leaves,
        "inputs": instance.inputs,
        "output": instance.output,
    }
    provenance = Provenance(
        source=f"template:{instance.template}",
        source_hash=instance.source_hash,
        license=instance.license,
        repository=instance.template,
        generator="template",
        seed=instance.seed,
        details=details,
    )
    limits = instance.limits
    document = {
        "schema_version": SCHEMA_VERSION,
        "task": {
            "name": f"gristmill/{instance.id}",
            "description": instance.description,
            "keywords": [instance.family, *instance.tags],
        },
        "metadata": {
            "category": instance.family,
            "license": instance.license,
            "gristmill": {
                "format": 1,
                "status": "validated",
                "family": instance.family,
                "verifier": "graded",
                "recipe": recipe.id if recipe else "",
                "tools": instance.tools,
                "provenance": provenance.model_dump(mode="json"),
            },
        },
        "agent": {"timeout_sec": instance.agent_timeout_sec},
        "verifier": {"timeout_sec": instance.verifier_timeout_sec},
        "environment": {
            "build_timeout_sec": 600.0,
            "cpus": limits.cpus,
            "memory_mb": limits.memory_mb,
            "storage_mb": limits.disk_mb,
            "workdir": "/workspace",
            "allow_internet": False,
        },
    }
    return tomlkit.dumps(_without_nothing(document))


def _without_nothing(value: Any) -> Any:
    """TOML has no word for None: a field is left out, a place in a list is kept as an empty text."""
    if isinstance(value, Mapping):
        return {key: _without_nothing(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return ["" if each is None else _without_nothing(each) for each in value]
    return value
