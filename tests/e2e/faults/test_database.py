"""PostgreSQL is stopped while rollouts run: what has ended waits for it, and none is lost or there twice."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.faults.conftest import Start, each_once
from tests.e2e.faults.postgres import Postgres
from tests.e2e.helpers import wait_for
from tests.hello_suite import make_suite
from trajectories.store import open_store
from trajectories.upkeep import fsck

ROLLOUT = ("rollout", "suite", "--agent", "oracle", "--attempts", "60", "-j", "2", "--json")
DOWN_SEC = 10.0


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.remove()


@pytest.fixture
def settings(tmp_path: Path, postgres: Postgres) -> dict[str, str]:
    make_suite(tmp_path / "suite", tasks=2)
    return {"GRISTMILL_STORE": postgres.url, "GRISTMILL_BLOBS": str(tmp_path / "bodies")}


def is_whole(postgres: Postgres, tmp_path: Path) -> None:
    each_once(postgres.rows(), 120)
    with open_store(postgres.url, blobs=str(tmp_path / "bodies")) as store:
        assert fsck(store).faults == []


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_what_has_ended_waits_for_the_database(
    how: str, tmp_path: Path, postgres: Postgres, settings: dict[str, str], start: Start
) -> None:
    command = start(*ROLLOUT, env=settings)
    wait_for("twenty rollouts", lambda: len(postgres.rows()) >= 20, 120)
    postgres.stop(how)
    time.sleep(DOWN_SEC)
    assert command.is_running(), command.stderr
    postgres.start()
    done = command.ended(timeout=150)
    assert done.code == 0, done.stderr
    assert (done.json["solved"], done.json["unknown"]) == (120, 0)
    assert done.stderr.count("the store's database does not answer") == 1
    is_whole(postgres, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_one_that_stays_away_ends_the_command_and_loses_nothing(
    tmp_path: Path, postgres: Postgres, settings: dict[str, str], start: Start
) -> None:
    command = start(*ROLLOUT, env={**settings, "GRISTMILL_STORE_PATIENCE_SEC": "3", "GRISTMILL_GRACE_SEC": "5"})
    wait_for("twenty rollouts", lambda: len(postgres.rows()) >= 20, 120)
    postgres.stop()
    stopped = time.monotonic()
    done = command.ended(timeout=60)
    assert done.code == 1, done.stderr
    assert time.monotonic() - stopped < 30
    assert "did not answer for 3 s" in done.stderr and "Traceback" not in done.stderr
    assert "the same command goes on" in done.stderr.splitlines()[-1]

    at_once = start(*ROLLOUT, env=settings).ended(timeout=60)  # its address may be wrong: no waiting at the beginning
    assert at_once.code == 1 and "did not answer" in at_once.stderr

    postgres.start()
    before = {row[:3]: row[5] for row in postgres.rows()}
    assert len(before) >= 20
    again = start(*ROLLOUT, env=settings).ended(timeout=150)
    assert again.code == 0, again.stderr
    assert again.json["already_there"] == len(before)
    is_whole(postgres, tmp_path)
    after = {row[:3]: row[5] for row in postgres.rows()}
    assert all(after[key] == started for key, started in before.items())  # what was there was not done again


@pytest.mark.slow
def test_the_server_is_real(postgres: Postgres) -> None:
    """Stopped means stopped: what this file shows would else show nothing."""
    import psycopg

    assert postgres.rows() == []
    postgres.stop()
    with pytest.raises(psycopg.OperationalError):
        postgres.rows()
    with pytest.raises(subprocess.CalledProcessError):
        postgres.stop()
