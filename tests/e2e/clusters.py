"""Clusters as a person would start them, of several processes on loopback."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.helpers import free_port

DASK = Path(sys.executable).with_name("dask")


@dataclass
class DaskCluster:
    """A scheduler and workers as a person would start them, on loopback; each worker one process, one thread."""

    address: str
    workers: list["subprocess.Popen[bytes]"]


@contextmanager
def dask_cluster(folder: Path, environment: dict[str, str], workers: int) -> Iterator[DaskCluster]:
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, "env": environment}
    plain = ["--host", "127.0.0.1", "--no-dashboard"]
    scheduler = subprocess.Popen([DASK, "scheduler", "--port", str(port), *plain], **quiet)  # type: ignore[call-overload]
    running = [
        subprocess.Popen([DASK, "worker", address, "--nthreads", "1", "--no-nanny", *plain], **quiet)  # type: ignore[call-overload]
        for _ in range(workers)
    ]
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield DaskCluster(address, running)
    finally:
        for process in (*running, scheduler):
            process.kill()
            process.wait()


@dataclass
class RayCluster:
    """`address`: for a machine of the cluster; `client`: of its client server, for any other."""

    address: str
    client: str
    cluster: Any
    nodes: list[Any]


@contextmanager
def ray_cluster(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], nodes: int) -> Iterator[RayCluster]:
    """A head without CPUs, where the command attaches, and nodes of one CPU each: processes of their own."""
    pytest.importorskip("prefect_ray", reason="pip install 'gristmill[ray]'")
    patient = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "120"}
    for name, value in {**environment, **patient}.items():
        monkeypatch.setenv(name, value)
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80 * 2**20, "include_dashboard": False, "node_ip_address": "127.0.0.2"}
    port = free_port()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "ray_client_server_port": port, **small})
    try:
        running = [cluster.add_node(num_cpus=1, **small) for _ in range(nodes)]
        yield RayCluster(f"ray:{cluster.address}", f"ray://127.0.0.1:{port}", cluster, running)
    finally:
        cluster.shutdown()
