"""Nothing half-made stays: not after an error, and after kill -9 only until the next use of the place."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks._scratch import scratch_in, sweep, write_at_once


def test_a_scratch_folder_is_gone_after_its_block(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch_in(tmp_path) as folder:
        (folder / "file").write_text("x")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    code = "import sys, time\nfrom pathlib import Path\nfrom tasks._scratch import scratch_in\n"
    code += "with scratch_in(Path(sys.argv[1])):\n    print('ready', flush=True)\n    time.sleep(60)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    assert sweep(tmp_path) == 0, "its owner lives"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert len(list(tmp_path.iterdir())) == 1
    assert sweep(tmp_path) == 1 and list(tmp_path.iterdir()) == []


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".new-something").mkdir()
    write_at_once(tmp_path / "a.txt", b"1")
    write_at_once(tmp_path / "a.txt", b"2")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new-something", "a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"2"
