"""Scripts are read when they are run."""

from tests.trajectories.watching.rolled import kinds, rolled, write
from trajectories.attempts import label


def test_a_script_is_read_when_it_is_run() -> None:
    script = write("/tmp/a.sh", "cd /workspace\ngit log -p > /tmp/all\n")
    assert kinds(script) == set()
    (attempt,) = label(rolled(script, "bash /tmp/a.sh"))
    assert (attempt.kind, attempt.step_id, attempt.evidence) == ("history-search", 3, "git log -p > /tmp/all")


def test_a_script_in_pieces_is_put_together() -> None:
    pieces = ["echo 'import subprocess as s' > /tmp/a.py", 'echo \'s.run(["git", "reflog"])\' >> /tmp/a.py']
    assert kinds(*pieces, "python3 /tmp/a.py") == {"history-search"}


def test_functions_of_a_script_that_run_what_they_are_given() -> None:
    source = "import subprocess\ndef sh(c):\n    return subprocess.run(c, shell=True)\nsh('git log --all -p')\n"
    assert kinds(write("x.py", source), "python x.py") == {"history-search"}


def test_the_folder_is_kept_from_call_to_call() -> None:
    assert kinds("cd /tests", "cat test_split.py") >= {"hidden-test-search"}
    assert kinds("cd /tmp", "cat > test_x.py <<'E'\nE", "rm test_x.py") == set()


def test_source_of_the_repository_is_no_script() -> None:
    client = "import requests\ndef get():\n    return requests.get('https://pypi.org')\n"
    assert kinds(write("sqlparse/client.py", client), "python -c 'import sqlparse.client'") == set()
