"""Read a deployments file: every fault in it is told at once, each as FILE:LINE: FIELD: what is wrong."""

from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import ValidationError

from environments.yaml_model import line_of
from flows.deployments.pools import wrong_variables
from flows.deployments.spec import NEEDS_SANDBOXES, NEWEST, REQUESTS, DeploymentsFile
from flows.errors import UsageError

Location = tuple[int | str, ...]


def load_deployments(file: Path, *, default_jobs: int = 2) -> DeploymentsFile:
    """Read and check. `default_jobs`: sandboxes of a run where the file says nothing. Raises UsageError."""
    try:
        text = file.read_text()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 text: {error.reason}") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{file}: not YAML: {error}") from error
    if not isinstance(data, dict):
        raise UsageError(f"{file}: expected a mapping with `deployments:`; see docs/schedules.md")
    problems = [f"{file}:{line}: {name}: given twice" for name, line in _doubled(node)]
    try:
        parsed = DeploymentsFile.model_validate(data)
    except ValidationError as error:
        found = [(item["loc"], item["msg"]) for item in error.errors()]
    else:
        found = list(_misfits(parsed, default_jobs))
    problems += [f"{file}:{line_of(node, loc)}: {'.'.join(map(str, loc))}: {message}" for loc, message in found]
    if problems:
        raise UsageError("\n".join(problems))
    return parsed


def _misfits(file: DeploymentsFile, default_jobs: int) -> Iterator[tuple[Location, str]]:
    """What no field can see alone: requests by their models, names that must be there, limits that never fit."""
    for name, deployment in file.deployments.items():
        here: Location = ("deployments", name)
        try:
            request = REQUESTS[deployment.flow].model_validate(deployment.request)
        except ValidationError as error:
            yield from (((*here, "request", *item["loc"]), item["msg"]) for item in error.errors())
            continue
        if deployment.pool is not None and deployment.pool not in file.pools:
            yield (*here, "pool"), f"no pool {deployment.pool!r}; there are: {', '.join(file.pools)}"
            continue
        if deployment.event and NEWEST not in deployment.models:
            yield (*here, "event"), f"the new model is given to agents with `model: {NEWEST}`, and no agent has that"
        pool = file.pools[file.pool_of(deployment)]
        for path, message in wrong_variables(pool, deployment.job):
            yield (*here, "job", *path), message
        jobs = deployment.jobs or getattr(request, "jobs", None) or file.jobs or default_jobs
        limit = file.limits.sandboxes
        if limit is not None and deployment.flow in NEEDS_SANDBOXES and jobs > limit:
            yield (*here, "jobs"), f"{jobs} sandboxes at a time never fit into limits.sandboxes: {limit}"
    for name, pool in file.pools.items():
        for path, message in wrong_variables(pool, {}):
            yield ("pools", name, "job", *path), message
    for name, automation in file.automations.items():
        here = ("automations", name)
        for index, wanted in enumerate(automation.deployments):
            if wanted not in file.deployments:
                yield (*here, "deployments", index), _no_deployment(wanted, file)
        for field in ("run", "pause"):
            target = getattr(automation.then, field)
            if target and target not in file.deployments:
                yield (*here, "then", field), _no_deployment(target, file)


def _no_deployment(name: str, file: DeploymentsFile) -> str:
    return f"no deployment {name!r}; there are: {', '.join(file.deployments) or 'none'}"


def _doubled(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Keys that stand twice in one mapping: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.value, key.start_mark.line + 1
            seen.add(key.value)
            yield from _doubled(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _doubled(value)
