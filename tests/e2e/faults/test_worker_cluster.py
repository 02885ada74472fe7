"""`gristmill down --grace` while a scheduled run works on a Dask of its own: as in one process (test_worker.py)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Run
from tests.e2e.faults.conftest import Leftovers, Model, each_once, rows_of
from tests.e2e.faults.test_worker import DEPLOYMENTS, TASKS, begun, is_down, states_of_runs
from tests.hello_suite import make_suite


@pytest.fixture
def up(gristmill: Run, tmp_path: Path) -> Iterator[Run]:
    pytest.importorskip("prefect_dask", reason="pip install 'gristmill[dask]'")
    make_suite(tmp_path / "suite", tasks=TASKS)
    (tmp_path / "deployments.yaml").write_text(f"engine: dask\n{DEPLOYMENTS}")
    yield gristmill
    gristmill("down", "--grace", "0")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_what_workers_have_under_way_ends_within_the_grace_and_is_recorded(
    tmp_path: Path, model: Model, environment: dict[str, str], up: Run, leftovers: Leftovers
) -> None:
    model.up(prompt=100, seconds=5)
    begun(up, tmp_path, environment, model)
    is_down(up("down", "--grace", "60", "--json"), tmp_path)
    rows = rows_of(tmp_path / "store" / "gristmill.db")
    assert 2 <= len(rows) == model.log.count("first") < TASKS, "those under way, and no other"
    each_once(rows, len(rows))
    assert {(row[3], row[4]) for row in rows} == {(1.0, 0)}
    assert states_of_runs(tmp_path) == ["Cancelled"]

    model.kill()
    leftovers.none()
    model.up(prompt=100)
    again = up("rollout", "suite", "--agent", "react", "--model", "hello", "-j", "2", "--json")
    assert (again.json["already_there"], again.json["solved"]) == (len(rows), TASKS - len(rows))
    each_once(rows_of(tmp_path / "store" / "gristmill.db"), TASKS)
