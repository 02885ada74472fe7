"""Work pools: where a run is started. Job templates are Prefect's own, as its server ships them, made ours.

`process`: a child of the worker in the folder where `up` was run. `docker`: a container with our image.
`kubernetes`: a Job. The last two need Prefect's worker for them: PyPI prefect-docker, prefect-kubernetes.
"""

import copy
import json
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from flows.deployments.spec import Pool

WORKER_PACKAGES = {"docker": "prefect-docker", "kubernetes": "prefect-kubernetes"}
_METADATA = "api/collections_data/views/aggregate-worker-metadata.json"
_NEEDS_IMAGE = "an image with Gristmill in it must be named (`job: {image: …}`)"


def base_job_template(pool: Pool) -> dict[str, Any]:
    """The pool's template: Prefect's for its type, with the pool's variables as their defaults.

    Prefect's Kubernetes manifest puts `parallelism` and `completions` into the pod, where the API server drops
    or refuses them; here they stand in the Job. A run is never started twice by Kubernetes: a lost one is marked
    by its heartbeats, and the next run goes on where it was.
    """
    template = _shipped(pool.type)
    if pool.type == "kubernetes":
        job = template["job_configuration"]["job_manifest"]["spec"]
        pod = job["template"]["spec"]
        for field in ("parallelism", "completions"):
            job[field] = pod.pop(field)
    properties = template["variables"]["properties"]
    for name, value in pool.job.items():
        if name in properties:
            properties[name]["default"] = value
    return template


def _shipped(kind: str) -> dict[str, Any]:
    text = files("prefect.server").joinpath(_METADATA).read_text()
    workers = {name: entry for workers in json.loads(text).values() for name, entry in workers.items()}
    template: dict[str, Any] = copy.deepcopy(workers[kind]["default_base_job_configuration"])
    return template


def wrong_variables(pool: Pool, job: dict[str, Any]) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Job variables that the pool's template does not know, or of the wrong kind: where, and what is wrong."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # a dependency of Prefect

    variables = _shipped(pool.type)["variables"]
    given = job or pool.job
    for name in given:
        if name not in variables["properties"]:
            known = ", ".join(sorted(variables["properties"]))
            yield (name,), f"a {pool.type} pool has no job variable {name!r}; there are: {known}"
    schema = {"definitions": variables.get("definitions", {}), "properties": variables["properties"]}
    for error in Draft202012Validator(schema).iter_errors(given):
        yield tuple(error.absolute_path), error.message
    if pool.type != "process" and not {**pool.job, **job}.get("image"):
        yield (), _NEEDS_IMAGE


def job_variables(pool: Pool, job: dict[str, Any], *, folder: Path, env: dict[str, str]) -> dict[str, Any]:
    """What a deployment gives its pool's template.

    A process runs in `folder` by the Python that runs us, never importing from that folder (-P): a package of the
    user's that is called `flows` must not be taken for ours.
    """
    merged = {**pool.job, **job}
    merged["env"] = {**env, **merged.get("env", {})}
    if pool.type == "process":
        merged.setdefault("working_dir", str(folder))
        merged.setdefault("command", f"{sys.executable} -P -m prefect.engine")
    return merged
