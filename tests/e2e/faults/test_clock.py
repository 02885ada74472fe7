"""The wall clock jumps while rollouts run: durations and limits do not, and nothing is lost or there twice."""

import ast
import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import flows
from tests.e2e.faults.conftest import Model, Start, each_once, rows_of
from tests.e2e.helpers import wait_for
from tests.hello_suite import make_suite
from trajectories.store import open_store
from trajectories.upkeep import fsck

ROOT = Path(flows.__file__).parent.parent
ROOMS = ("agents", "environments", "tasks", "trajectories", "flows", "dashboard")
# Wall clock is right where a moment was kept, in a file's time or a token: no other clock outlives the process.
MOMENTS_THAT_WERE_KEPT = {
    "agents/cheats/_payloads.py",  # runs inside the sandbox, as an agent's would
    "dashboard/pages/overview.py",  # days and hours of the charts
    "dashboard/signing.py",  # until when a login holds
    "dashboard/wording.py",  # "3 hours ago"
    "tasks/_inside/supervisor.py",  # file times, never compared with now
    "trajectories/blobs.py",  # ages of files that other machines have left
    "trajectories/compaction.py",  # ages of segments; those in use are locked
    "trajectories/upkeep.py",  # days that rollouts are kept
}


def wall_clock_differences(file: Path) -> Iterator[int]:
    """Lines where `time.time()` or `datetime.now()` is added to, subtracted from or compared with something."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.BinOp | ast.Compare):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and ast.unparse(inner.func) in ("time.time", "datetime.now"):
                    yield node.lineno


def test_no_duration_limit_or_deadline_is_taken_from_the_wall_clock() -> None:
    found = {
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if any(wall_clock_differences(file))
    }
    assert found <= MOMENTS_THAT_WERE_KEPT, "use time.monotonic(), or say here why not"


def test_a_difference_would_be_found(tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text("import time\nbegan = time.time()\nprint(time.time() - began)\n")
    assert list(wall_clock_differences(file)) == [3]


DAY_SEC = 86_400


class WallClock:
    """Moves the wall clock of the processes that are started with `environment`, and no other clock of theirs."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("a clock to move is compiled: apt-get install gcc")
        library, self._offset = folder / "wall_clock.so", folder / "wall_clock"
        source = Path(__file__).with_name("wall_clock.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
        self.jump(0)
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self._offset)}

    def jump(self, days: int) -> None:
        """To so many days from the real time. In place: running processes have the file in their memory."""
        with self._offset.open("r+b" if self._offset.exists() else "wb") as file:
            file.write(struct.pack("q", days * DAY_SEC))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_rollouts_while_the_clock_jumps(tmp_path: Path, model: Model, start: Start) -> None:
    make_suite(tmp_path / "suite", tasks=8)
    database, clock = tmp_path / "store" / "gristmill.db", WallClock(tmp_path)
    model.up(prompt=100, seconds=1.0)
    command = start(
        "rollout", "suite", "--agent", "react", "--model", "hello", "-j", "2", "--json", env=clock.environment
    )
    wait_for("two rollouts", lambda: len(rows_of(database)) >= 2, 120)
    clock.jump(3)
    wait_for("four rollouts", lambda: len(rows_of(database)) >= 4, 60)
    clock.jump(-3)
    done = command.ended(timeout=120)
    assert done.code == 0, done.stderr
    assert (done.json["solved"], done.json["unknown"]) == (8, 0)  # no limit was reached: they have 120 s
    each_once(rows_of(database), 8)

    with sqlite3.connect(database) as opened:
        spans = opened.execute("select agent_sec, verifier_sec, total_sec from rollouts").fetchall()
        days = opened.execute("select max(julianday(started_at)) - min(julianday(started_at)) from rollouts").fetchone()
    assert all(0 <= seconds < 60 for span in spans for seconds in span), spans
    assert days[0] > 5  # the jumps were there
    with open_store(tmp_path / "store") as store:
        assert fsck(store).faults == []
        ids = [row.id for row in store.rollouts()]
        assert ids == sorted(ids)  # exports and datasets go by id: the clock does not change their order
        for row in store.rollouts():
            steps = store.body(row).trajectory.steps
            assert [step.step_id for step in steps] == list(range(1, len(steps) + 1))
