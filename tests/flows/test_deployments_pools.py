"""Pools of every type, rendered by Prefect's own templates; the docker and kubernetes ones need an image."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.workers.process import ProcessJobConfiguration

from flows.deployments.pools import base_job_template, job_variables, wrong_variables
from flows.deployments.spec import Pool

CLUSTER = Pool(
    type="kubernetes",
    job={"image": "registry/gristmill:1", "namespace": "tasks", "cpu_request": "2", "memory_limit": "8Gi"},
)
CONTAINERS = Pool(type="docker", job={"image": "gristmill:1", "mem_limit": "4g", "volumes": ["/data:/data"]})


def rendered(configuration: Any, pool: Pool, **job: Any) -> Any:
    """What a worker of the pool would start. No server is asked: nothing in the variables is a block of it."""
    variables = job_variables(pool, job, folder=Path("/"), env={"A": "1"})
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        made = asyncio.run(configuration.from_template_and_values(base_job_template(pool), variables))
        made.prepare_for_flow_run(FlowRun(flow_id=uuid4(), name="rollout suite"))
    return made


def test_a_process_never_imports_from_the_folder_it_runs_in() -> None:
    made = rendered(ProcessJobConfiguration, Pool())
    assert made.command.endswith("python -P -m prefect.engine")
    assert (made.working_dir, made.env["A"]) == (Path("/"), "1")


def test_a_container_has_the_pools_image_and_the_deployments_memory() -> None:
    worker = pytest.importorskip("prefect_docker.worker")
    made = rendered(worker.DockerWorkerJobConfiguration, CONTAINERS, mem_limit="8g")
    assert (made.image, made.mem_limit, made.volumes) == ("gristmill:1", "8g", ["/data:/data"])
    assert made.env["A"] == "1"
    assert "prefect" in made.command


def test_a_jobs_manifest_is_one_that_kubernetes_takes() -> None:
    worker = pytest.importorskip("prefect_kubernetes.worker")
    validator = pytest.importorskip("kubernetes_validate")
    manifest = rendered(worker.KubernetesWorkerJobConfiguration, CLUSTER).job_manifest
    validator.validate(manifest, "1.33", strict=True)
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry/gristmill:1"
    assert manifest["metadata"]["namespace"] == "tasks"


def test_a_job_is_started_once_and_that_is_said_in_the_job() -> None:
    job = base_job_template(CLUSTER)["job_configuration"]["job_manifest"]["spec"]
    assert (job["parallelism"], job["completions"], job["backoffLimit"]) == (1, 1, 0)
    assert "parallelism" not in job["template"]["spec"]


@pytest.mark.parametrize(
    ("pool", "path", "message"),
    [
        (Pool(type="docker"), (), "an image with Gristmill in it must be named"),
        (Pool(type="docker", job={"image": "a", "volumes": "/x:/x"}), ("volumes",), "is not of type 'array'"),
        (Pool(type="kubernetes", job={"image": "a", "nodes": 3}), ("nodes",), "has no job variable 'nodes'"),
        (Pool(job={"env": {"A": 1}}), ("env", "A"), "is not of type 'string'"),
    ],
)
def test_wrong_job_variables_are_named(pool: Pool, path: tuple[str, ...], message: str) -> None:
    found = list(wrong_variables(pool, {}))
    assert [where for where, _ in found] == [path]
    assert message in found[0][1]
