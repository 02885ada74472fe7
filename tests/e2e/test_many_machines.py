"""The real command on real clusters: Ray with several nodes, Dask with several processes, and one of them killed.

Nothing is lost and nothing is there twice: the store holds each rollout that was asked for, once.
"""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tasks.folder import RepositoryTask
from tasks.repository import Repository
from tasks.suite import SuiteWriter
from tests.e2e.clusters import DASK, RayCluster, dask_cluster, ray_cluster
from tests.e2e.conftest import GRISTMILL, Done, Run
from tests.e2e.helpers import free_port
from tests.trajectories.conftest import postgresql  # noqa: F401  a fixture

TASKS = 8
ATTEMPTS = 3
ROLLOUTS = TASKS * ATTEMPTS * 2  # of oracle and nop
AGENTS = ("--agent", "oracle", "--agent", "nop", "--attempts", str(ATTEMPTS))
BEFORE_THE_KILL = 6


@pytest.fixture
def suite(tmp_path: Path, tiny_draft: RepositoryTask, tiny_repository: Repository) -> Path:
    """Eight tasks, in the folder where the command runs."""
    writer = SuiteWriter(tmp_path / "suite")
    for number in range(TASKS):
        writer.add(tiny_draft.model_copy(update={"id": f"clamp-{number}"}), tiny_repository)
    writer.finish()
    return tmp_path / "suite"


def written(store: Path) -> int:
    """Rollouts in the store so far."""
    try:
        with closing(sqlite3.connect(f"file:{store / 'gristmill.db'}?mode=ro", uri=True)) as database:
            return int(database.execute("select count(*) from rollouts").fetchone()[0])
    except sqlite3.Error:  # not there yet
        return 0


def each_once(rows: list[tuple[Any, ...]]) -> None:
    """Rows of (task, agent, attempt, reward): every rollout that was asked for, once, with the right reward."""
    asked = {(f"clamp-{n}", agent, k) for n in range(TASKS) for agent in ("oracle", "nop") for k in range(ATTEMPTS)}
    counts = Counter(row[:3] for row in rows)
    assert counts.keys() == asked, f"lost: {asked - counts.keys()}"
    assert set(counts.values()) == {1}
    assert {row[1]: row[3] for row in rows} == {"oracle": 1.0, "nop": 0.0}


def all_done(done: Done) -> None:
    """The command says so."""
    assert done.code == 0, done.stderr
    summary = done.json
    assert (summary["asked"], summary["solved"], summary["failed"]) == (ROLLOUTS, ROLLOUTS // 2, ROLLOUTS // 2)


def rows_of(store: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store / "gristmill.db")) as database:
        return database.execute("select task_id, agent, attempt, reward from rollouts").fetchall()


def killed_midway(
    tmp_path: Path, environment: dict[str, str], engine: str, kill: Callable[[], None], *options: str
) -> Done:
    """Start the rollouts, kill when some are written and others are under way, and wait for the end."""
    command = [str(GRISTMILL), "rollout", "suite", *AGENTS, "--engine", engine, "--json", *options]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 180
        while written(tmp_path / "store") < BEFORE_THE_KILL and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        before = written(tmp_path / "store")
        kill()
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    assert BEFORE_THE_KILL <= before < ROLLOUTS, f"killed after {before} rollouts: not midway"
    return Done(process.returncode, out, err)


def node_killed_midway(tmp_path: Path, environment: dict[str, str], ray: RayCluster, address: str) -> Done:
    """A run at this address of the cluster, and one of its nodes killed without warning."""

    def kill() -> None:
        ray.cluster.remove_node(ray.nodes[0], allow_graceful=False)

    return killed_midway(tmp_path, environment, address, kill, "-j", "1")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_ray_node_killed_midway_loses_nothing(
    tmp_path: Path, environment: dict[str, str], suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ray_cluster(monkeypatch, environment, nodes=3) as ray:
        done = node_killed_midway(tmp_path, environment, ray, ray.address)
    all_done(done)
    each_once(rows_of(tmp_path / "store"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_rays_client_server_carries_a_run_and_a_node_killed_midway(
    tmp_path: Path, environment: dict[str, str], suite: Path, monkeypatch: pytest.MonkeyPatch, gristmill: Run
) -> None:
    """`ray://`: the command is no machine of the cluster."""
    with ray_cluster(monkeypatch, environment, nodes=3) as ray:
        done = node_killed_midway(tmp_path, environment, ray, ray.client)
        all_done(done)
        again = gristmill("rollout", "suite", *AGENTS, "--engine", ray.client, "--json")
        assert again.json["already_there"] == ROLLOUTS
    each_once(rows_of(tmp_path / "store"))


RAY_WITH_A_TOKEN = """
import sys
from ray.cluster_utils import Cluster

small = {"object_store_memory": 80 * 2**20, "include_dashboard": False, "node_ip_address": "127.0.0.2"}
cluster = Cluster(initialize_head=True, head_node_args={
    "num_cpus": 1, "ray_client_server_port": int(sys.argv[1]), **small
})
print("up", flush=True)
sys.stdin.readline()
cluster.shutdown()
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_ray_that_asks_for_a_token_gets_it_from_where_ray_keeps_it(
    tmp_path: Path, environment: dict[str, str], suite: Path, gristmill: Run
) -> None:
    """By its client server: the mode is found out, the token is not told to Gristmill."""
    pytest.importorskip("prefect_ray", reason="pip install 'gristmill[ray]'")
    port, token = free_port(), uuid.uuid4().hex + uuid.uuid4().hex
    asks = {**environment, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "RAY_USAGE_STATS_ENABLED": "0"}
    cluster = subprocess.Popen(
        [sys.executable, "-c", RAY_WITH_A_TOKEN, str(port)],
        cwd=tmp_path,
        env=asks,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    command = ("rollout", "suite", "--agent", "oracle", "--engine", f"ray://127.0.0.1:{port}", "-j", "2")
    try:
        assert cluster.stdout is not None and cluster.stdout.readline() == "up\n"
        refused = gristmill(*command)
        assert refused.code == 1 and written(tmp_path / "store") == 0
        assert "token" in refused.stderr and "Traceback" not in refused.stderr

        (tmp_path / ".ray").mkdir(exist_ok=True)
        (tmp_path / ".ray" / "auth_token").write_text(token)  # HOME is tmp_path
        done = gristmill(*command)
        assert done.code == 0, done.stderr
        assert written(tmp_path / "store") == TASKS
    finally:
        cluster.communicate("\n", timeout=60)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_dask_worker_killed_midway_loses_nothing(
    tmp_path: Path, environment: dict[str, str], suite: Path, gristmill: Run
) -> None:
    pytest.importorskip("prefect_dask", reason="pip install 'gristmill[dask]'")
    with dask_cluster(tmp_path, environment, workers=2) as dask:

        def kill() -> None:
            dask.workers[0].send_signal(signal.SIGKILL)

        done = killed_midway(tmp_path, environment, dask.address, kill, "-j", "1")
        all_done(done)
        each_once(rows_of(tmp_path / "store"))
        assert gristmill("store", "fsck").code == 0

        again = gristmill("rollout", "suite", *AGENTS, "--engine", dask.address, "--json")
        assert again.json["already_there"] == ROLLOUTS and again.json["solved"] == 0

        dask.workers[1].send_signal(signal.SIGKILL)
        alone = gristmill("rollout", "suite", "--agent", "oracle", "--attempts", "9", "--engine", dask.address)
    assert alone.code == 1
    assert "the scheduler has no workers" in alone.stderr and "Traceback" not in alone.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_engine_gives_up_is_told_and_the_same_command_does_it(
    tmp_path: Path, environment: dict[str, str], suite: Path, gristmill: Run
) -> None:
    """A Dask that tries nothing again: the batch of the dead worker is lost, the others end."""
    pytest.importorskip("prefect_dask", reason="pip install 'gristmill[dask]'")
    with dask_cluster(tmp_path, {**environment, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}, 2) as dask:

        def kill() -> None:
            dask.workers[0].send_signal(signal.SIGKILL)

        done = killed_midway(tmp_path, environment, dask.address, kill, "-j", "1")
        assert done.code == 1
        assert "a batch did not end: KilledWorker" in done.stderr and "Traceback" not in done.stderr
        left = ROLLOUTS - written(tmp_path / "store")
        assert 0 < left < ROLLOUTS - BEFORE_THE_KILL
        again = gristmill("rollout", "suite", *AGENTS, "--engine", dask.address, "--json")
    assert again.json["already_there"] == ROLLOUTS - left and again.json["solved"] + again.json["failed"] == left
    each_once(rows_of(tmp_path / "store"))


def says_the_same(tmp_path: Path, suite: Path, source: Path, gristmill: Run, engine: str) -> None:
    """Validation of a suite with a broken task, and a generation: the same answers here and there, to the byte."""
    (suite / "tasks" / "clamp-3" / "solution" / "solve.sh").unlink()
    reference = next((suite / "tasks" / "clamp-3").rglob("*.patch"), None)
    if reference is not None:
        reference.unlink()
    here = gristmill("validate", "suite", "--json")
    there = gristmill("validate", "suite", "--engine", engine, "--json")
    assert there.json == here.json and there.code == here.code == 1

    generated = ("generate", str(source), "-n", "6", "--seed", "3", "--json")
    assert gristmill(*generated, "--out", "here").code == 0
    elsewhere = gristmill(*generated, "--out", "there", "--engine", engine)
    assert elsewhere.code == 0, elsewhere.stderr
    tasks = {name: {p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name / "tasks").rglob("*")
                    if p.is_file()} for name in ("here", "there")}  # fmt: skip
    assert tasks["here"] == tasks["there"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_validation_and_generation_on_dask_say_what_they_say_here(
    tmp_path: Path, environment: dict[str, str], suite: Path, tiny_folder: Path, gristmill: Run
) -> None:
    pytest.importorskip("prefect_dask", reason="pip install 'gristmill[dask]'")
    with dask_cluster(tmp_path, environment, workers=2) as dask:
        says_the_same(tmp_path, suite, tiny_folder, gristmill, dask.address)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_validation_and_generation_on_ray_say_what_they_say_here(
    tmp_path: Path,
    environment: dict[str, str],
    suite: Path,
    tiny_folder: Path,
    gristmill: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ray_cluster(monkeypatch, environment, nodes=2) as ray:
        says_the_same(tmp_path, suite, tiny_folder, gristmill, ray.client)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_worker_that_does_not_see_the_suite_is_named(
    tmp_path: Path, environment: dict[str, str], suite: Path, gristmill: Run
) -> None:
    """A worker in a mount namespace of its own, where the suite's folder is empty."""
    pytest.importorskip("prefect_dask", reason="pip install 'gristmill[dask]'")
    hides = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", str(suite)]
    if subprocess.run([*hides, "true"], capture_output=True).returncode:
        pytest.skip("bubblewrap cannot make a namespace here")
    with dask_cluster(tmp_path, environment, workers=0) as dask:
        worker = subprocess.Popen(
            [*hides, DASK, "worker", dask.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"],
            cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            done = gristmill("rollout", "suite", *AGENTS, "--engine", dask.address)
        finally:
            worker.kill()
            worker.wait()
    assert done.code == 1
    assert f"the worker on {socket.gethostname()} does not see the suite: {suite}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def bucket(environment: dict[str, str]) -> Iterator[str]:
    """A bucket of a real S3 server on loopback, as `GRISTMILL_BLOBS`; credentials in the environment."""
    server = pytest.importorskip("moto.server", reason="pip install 'moto[server]'")
    s3fs = pytest.importorskip("s3fs")
    running = server.ThreadedMotoServer(port=0)
    running.start()
    host, port = running.get_host_and_port()
    url = f"http://{host}:{port}"
    environment |= {
        "AWS_ACCESS_KEY_ID": "many-machines-id",
        "AWS_SECRET_ACCESS_KEY": "many-machines-secret",
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "no_proxy": "127.0.0.1,localhost,0.0.0.0",
    }
    s3fs.S3FileSystem(key="many-machines-id", secret="many-machines-secret", endpoint_url=url).mkdir("mill")
    yield "s3://mill/bodies"
    running.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_postgresql_and_s3_are_the_shared_state(
    tmp_path: Path,
    environment: dict[str, str],
    suite: Path,
    bucket: str,
    gristmill: Run,
    request: pytest.FixtureRequest,
) -> None:
    """No worker shares a folder of the store with the command: rows are in PostgreSQL, bodies in the bucket."""
    pytest.importorskip("prefect_dask", reason="pip install 'gristmill[dask]'")
    import psycopg

    url: str = request.getfixturevalue("postgresql")
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(url.format(database="postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    environment |= {"GRISTMILL_STORE": url.format(database=name), "GRISTMILL_BLOBS": bucket}
    with dask_cluster(tmp_path, environment, workers=2) as dask:
        done = gristmill("rollout", "suite", *AGENTS, "--engine", dask.address, "--json")
    assert done.code == 0, done.stderr
    with psycopg.connect(url.format(database=name).replace("+psycopg", "")) as connection:
        rows = connection.execute("select task_id, agent, attempt, reward from rollouts").fetchall()
    each_once(rows)
    assert gristmill("store", "fsck").code == 0
    exported = gristmill("export", "--to", "trl", "--out", "export", "--where", "agent = 'oracle'")
    assert exported.code == 0, exported.stderr
    assert os.listdir(tmp_path / "export")  # noqa: PTH208
