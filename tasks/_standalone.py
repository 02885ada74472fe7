"""The files that make one of our task folders complete for others: image, test script, solution script."""

import json
from collections.abc import Mapping
from importlib.resources import files

from tasks.recipe import Recipe

DOCKERFILE = """\
# The code lies in a stage of its own: the image that an agent gets has no layer with the clean files.
ARG BASE=python:{python}-slim-bookworm
FROM ${{BASE}} AS source
ADD source.tar.gz /workspace
COPY files/ /workspace/

FROM ${{BASE}}
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
COPY requirements.txt package/ /opt/gristmill/
RUN python -m venv /opt/gristmill/venv \\
 && /opt/gristmill/venv/bin/pip install --no-cache-dir --no-deps -r /opt/gristmill/requirements.txt \\
 && cp -r /opt/gristmill/site/. /opt/gristmill/venv/lib/python{python}/site-packages/
ENV PATH=/opt/gristmill/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
COPY --from=source /workspace /workspace
WORKDIR /workspace
RUN git init -q -b main && git add -A -f \\
 && git -c user.name=Gristmill -c user.email=gristmill@localhost commit -q -m "The code as it is"
"""

TEST_SH = """\
#!/bin/bash
# Puts the tests in place and runs them; writes 1 or 0 to /logs/verifier/reward.txt.
mkdir -p /logs/verifier
python /tests/run_tests.py /workspace /logs/verifier/reward.txt
"""

SOLVE_SH = """\
#!/bin/bash
# Applies the reference solution.
set -e
cd /workspace
git apply --whitespace=nowarn "$(dirname "$0")/reference.patch"
"""


def environment_files(recipe: Recipe) -> dict[str, bytes]:
    """Path below `environment/` -> content, of what does not depend on the task."""
    paths = "".join(f"/workspace/{path}".rstrip("/") + "\n" for path in recipe.import_paths)
    info = f"package/site/{recipe.name.replace('-', '_').lower()}-{recipe.version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {recipe.name}\nVersion: {recipe.version}\n"
    found = {
        "Dockerfile": DOCKERFILE.format(python=recipe.python),
        "requirements.txt": "".join(f"{line}\n" for line in recipe.requirements),
        "recipe.json": recipe.model_dump_json(indent=2, exclude={"ladder"}) + "\n",
        "package/site/_source_under_test.pth": paths,
        f"{info}/METADATA": metadata,
    }
    if recipe.entry_points:
        sections = (
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in sorted(entries.items()))
            for group, entries in sorted(recipe.entry_points.items())
        )
        found[f"{info}/entry_points.txt"] = "\n".join(sections)
    return {path: text.encode() for path, text in found.items()}


def test_files(verifier_data: Mapping[str, object], stable: tuple[str, ...]) -> dict[str, bytes]:
    """Path below `tests/` -> content; `stable_tests.json` is the same in all tasks of a repository."""
    return {
        "test.sh": TEST_SH.encode(),
        "run_tests.py": (files("tasks") / "_standalone_tests.py").read_bytes(),
        "tests.json": (json.dumps(verifier_data, indent=1) + "\n").encode(),
        "stable_tests.json": (json.dumps(stable, indent=0) + "\n").encode(),
    }
