"""SIGTERM to a run whose rollouts are on a cluster: as in this process (test_ended.py), on real clusters.

tests/flows/test_notice.py tries how batches hear of it, quickly.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.e2e.clusters import dask_cluster, ray_cluster
from tests.e2e.conftest import Run
from tests.e2e.faults.conftest import Model, Start, each_once, rows_of
from tests.e2e.helpers import wait_for
from tests.hello_suite import make_suite

TASKS = 6
LONG_SEC = 293
ROLLOUT = ("rollout", "suite", "--agent", "react", "--model", "hello", "-j", "1", "--json")

Cluster = Callable[[str], AbstractContextManager[str]]
"""Of the engine's name: two workers, at the address that is yielded; or the name itself, for one of the run's own."""


@pytest.fixture
def cluster(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Cluster:
    @contextmanager
    def made(engine: str) -> Iterator[str]:
        if engine == "tcp":
            pytest.importorskip("prefect_dask", reason="pip install 'gristmill[dask]'")
            with dask_cluster(tmp_path, environment, workers=2) as dask:
                yield dask.address
        elif engine in ("ray:", "ray://"):
            with ray_cluster(monkeypatch, environment, nodes=2) as ray:
                yield ray.client if engine == "ray://" else ray.address
        else:
            pytest.importorskip(f"prefect_{engine}", reason=f"pip install 'gristmill[{engine}]'")
            yield engine

    return made


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("engine", ["tcp", "ray:", "ray://", "dask", "ray"])
def test_what_runs_on_workers_ends_and_is_recorded_and_the_same_command_does_the_rest(
    tmp_path: Path, model: Model, start: Start, gristmill: Run, cluster: Cluster, engine: str
) -> None:
    make_suite(tmp_path / "suite", tasks=TASKS)
    database = tmp_path / "store" / "gristmill.db"
    jobs = ("-j", "2") if engine in ("dask", "ray") else ()
    with cluster(engine) as address:
        model.up(prompt=100, seconds=12)
        command = start(*ROLLOUT, *jobs, "--engine", address, env={"GRISTMILL_GRACE_SEC": "60"})
        wait_for("two rollouts that wait for the model", lambda: model.log.count("second") >= 2, 150)
        there = len(rows_of(database))
        command.send(signal.SIGTERM)
        done = command.ended(timeout=100)
        assert done.code == 143, done.stderr
        assert "SIGTERM: no new rollouts begin; those under way have 60 s to end" in done.stderr
        assert "Traceback" not in done.stderr
        begun, rows = model.log.count("first"), rows_of(database)
        assert begun < TASKS, "not midway"
        each_once(rows, begun)
        assert len(rows) >= there + 1 and {(row[3], row[4]) for row in rows} == {(1.0, 0)}

        model.kill()
        model.up(prompt=100)
        time.sleep(3)
        assert model.log.count("first") == begun, "workers go on after the run has ended"
        again = gristmill(*ROLLOUT, *jobs, "--engine", address)
        assert again.code == 0, again.stderr
        assert (again.json["already_there"], again.json["solved"]) == (begun, TASKS - begun)
    each_once(rows_of(database), TASKS)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("engine", ["tcp", "ray://"])
def test_what_does_not_end_within_the_grace_leaves_no_row_and_no_process(
    tmp_path: Path, start: Start, cluster: Cluster, engine: str
) -> None:
    suite = make_suite(tmp_path / "suite", tasks=TASKS)
    for number in range(1, TASKS):
        solve = suite / f"hello-{number}" / "solution" / "solve.sh"
        solve.write_text(solve.read_text().replace("echo", f"sleep {LONG_SEC}\necho"))
    database = tmp_path / "store" / "gristmill.db"
    with cluster(engine) as address:
        command = start(
            *("rollout", "suite", "--agent", "oracle", "-j", "1", "--engine", address),
            env={"GRISTMILL_GRACE_SEC": "0.5"},
        )
        wait_for("one rollout in the store", lambda: len(rows_of(database)) == 1, 240)
        wait_for("two that last long", lambda: len(sleeping()) >= 2, 60)
        command.send(signal.SIGTERM)
        asked = time.monotonic()
        done = command.ended(timeout=60)
        assert done.code == 143 and "Traceback" not in done.stderr, done.stderr
        assert time.monotonic() - asked < 30
        wait_for("end of what ran", lambda: not sleeping(), 10)
        time.sleep(3)
        assert not sleeping(), "none began after it"
    each_once(rows_of(database), 1)


def sleeping() -> list[int]:
    """Processes of the sandboxes that wait, whoever's children they are."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cmdline").read_bytes() == f"sleep\0{LONG_SEC}\0".encode():
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
