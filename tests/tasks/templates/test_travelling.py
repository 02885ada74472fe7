"""Each grader's code, as a task folder has it, works where nothing but Python is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.graders import get_grader, grader_names
from tasks.templates._travelling import grader_files

LOADED = """
import json, sys
sys.path.insert(0, sys.argv[1])
from tasks.graders import get_grader
grader = get_grader(sys.argv[2])
foreign = [n for n, m in sys.modules.items() if (getattr(m, "__file__", None) or "").find("site-packages") >= 0]
outside = [n for n in sys.modules if n.startswith("tasks") and not sys.modules[n].__file__.startswith(sys.argv[1])]
print(json.dumps([grader.name, foreign, outside]))
"""


@pytest.mark.parametrize("name", grader_names())
def test_a_grader_loads_from_its_folder_alone(tmp_path: Path, name: str) -> None:
    for path, content in grader_files(name, {}).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    python = Path(sys.base_prefix) / "bin" / "python3"
    done = subprocess.run(
        [python, "-I", "-S", "-B", "-c", LOADED, str(tmp_path), name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f'["{name}", [], []]'


def test_graders_that_the_data_names_travel_too() -> None:
    data = {"parts": [{"grader": "answer", "data": {}}, {"grader": "table", "data": {}}]}
    files = grader_files("all", data)
    assert {"tasks/graders/joint.py", "tasks/graders/answer.py", "tasks/graders/table.py"} <= set(files)
    assert "tasks/graders/numeric.py" not in files


def test_only_what_a_grader_needs_travels() -> None:
    files = grader_files("numeric", {})
    assert "tasks/graders/numeric.py" in files and "tasks/graders/grading.py" in files
    assert not any("sql" in path or "_inside" in path for path in files)
    assert get_grader("numeric").name == "numeric"
