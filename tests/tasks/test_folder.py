"""Task folders: ours are complete and reproducible, others' are read as they are, broken ones are explained."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from environments import Backend, Diff, FileChange, running
from tasks.errors import BadTaskFolder
from tasks.folder import RepositoryTask, folder_hash, read_task, write_repository_task, write_task
from tasks.repository import Repository
from tasks.task import Task
from tasks.verifiers import get_verifier

FOREIGN = {
    "task.toml": """\
# somebody's task
version = "1.0"

[metadata]
author_name = "Ada"
category = "files"
license = "MIT"

[agent]
timeout_sec = 120.0

[verifier]
timeout_sec = 30

[environment]
memory = "2G"
storage_mb = 500
cpus = 1
workdir = "/work"
some_new_field = "kept"
mcp_servers = []
""",
    "instruction.md": "Write the word hello into answer.txt.\n",
    "environment/notes.txt": "nothing here\n",
    "tests/test.sh": """\
#!/bin/bash
if [ "$(cat answer.txt 2>/dev/null)" = hello ]; then echo 1; else echo 0; fi > /logs/verifier/reward.txt
""",
    "solution/solve.sh": "echo hello > answer.txt\n",
}


def make_folder(folder: Path, **changes: str | None) -> Path:
    for path, text in {**FOREIGN, **{name.replace("__", "/"): text for name, text in changes.items()}}.items():
        if text is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    return folder


def test_a_written_task_is_read_back(tiny_draft: RepositoryTask, tiny_task: Task) -> None:
    assert tiny_task.id == tiny_draft.id and tiny_task.status == "validated"
    assert tiny_task.instruction == tiny_draft.instruction
    assert tiny_task.provenance == tiny_draft.provenance
    assert tiny_task.reference == tiny_draft.reference
    assert tiny_task.verifier_data["fail_to_pass"] == tiny_draft.verifier_data.fail_to_pass
    assert tiny_task.verifier_data["stable_tests"] == tiny_draft.verifier_data.stable_tests


def test_the_same_task_gives_the_same_bytes(
    tiny_draft: RepositoryTask, tiny_repository: Repository, tiny_task: Task, tmp_path: Path
) -> None:
    write_repository_task(tiny_draft, tiny_repository, tmp_path / tiny_draft.id)
    assert folder_hash(tmp_path / tiny_draft.id) == folder_hash(tiny_task.folder)


async def test_the_agent_gets_one_commit_and_no_other_trace(tiny_task: Task, bubblewrap: Backend) -> None:
    async with running(bubblewrap, tiny_task.agent_spec) as sandbox:
        log = await sandbox.run(["git", "log", "--all", "--format=%s"], timeout_sec=10)
        status = await sandbox.run(["git", "status", "--porcelain"], timeout_sec=10)
        objects = await sandbox.run(
            ["bash", "-c", "git cat-file --batch-all-objects --batch | grep -ac 'return high'"], timeout_sec=10
        )
        found = await sandbox.run(["grep", "-rlE", "return high$|def test_clamp", "/workspace", "/opt"], timeout_sec=60)
        diff = await sandbox.diff()
    assert log.stdout == "The code as it is\n"
    assert status.stdout == "", status.stderr
    assert objects.stdout == "0\n", "the clean line is in no object"
    assert found.stdout == ""
    assert diff == Diff()


def test_foreign_folders_are_read(tmp_path: Path) -> None:
    task = read_task(make_folder(tmp_path / "hello"), cache=tmp_path / "cache")
    assert (task.id, task.verifier, task.family, task.status) == ("hello", "script", "files", "unvalidated")
    assert task.agent_spec.limits.memory_mb == 2048 and task.agent_spec.limits.disk_mb == 500
    assert task.agent_spec.workdir == "/work" and not task.agent_spec.network
    assert (task.agent_timeout_sec, task.verifier_timeout_sec) == (120.0, 30.0)
    assert task.solve_script == b"echo hello > answer.txt\n"
    assert task.config["environment"]["some_new_field"] == "kept"


@pytest.mark.parametrize(
    "toml",
    ['schema_version = "1.4"\n', "schema_version = 1.0\n", 'version = "1.0"\n[task]\nname = "me/x"\n', ""],
)
def test_versions_of_the_format(tmp_path: Path, toml: str) -> None:
    assert read_task(make_folder(tmp_path / "t", **{"task.toml": toml}), cache=tmp_path).agent_timeout_sec == 900.0


def test_images_and_their_folder(tmp_path: Path) -> None:
    with_image = make_folder(
        tmp_path / "a", **{"task.toml": '[environment]\ndocker_image = "debian:12"\nallow_internet = true\n'}
    )
    spec = read_task(with_image, cache=tmp_path).agent_spec
    assert (spec.image, spec.network, spec.layers) == ("debian:12", True, ())
    with_file = make_folder(
        tmp_path / "b", environment__Dockerfile="FROM x\nWORKDIR /one\nWORKDIR /srv/two\n", **{"task.toml": ""}
    )
    spec = read_task(with_file, cache=tmp_path).agent_spec
    assert (spec.build_context, spec.workdir) == (with_file / "environment", "/srv/two")


def test_a_folder_without_solution_has_no_reference(tmp_path: Path) -> None:
    task = read_task(make_folder(tmp_path / "t", solution__solve_sh=None), cache=tmp_path)
    assert task.reference is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"task.toml": "[agent\n"}, r"task\.toml: is not valid TOML"),
        ({"task.toml": "\n[agent]\ntimeout_sec = 'soon'\n"}, r"task\.toml:3: agent\.timeout_sec: .*got 'soon'"),
        ({"task.toml": "[environment]\nmemory = 'much'\n"}, r"task\.toml:2: environment\.memory: write a size"),
        ({"task.toml": "[environment]\nworkdir = 'app'\n"}, r"task\.toml:2: environment\.workdir"),
        ({"task.toml": "agent = 5\n"}, r"task\.toml:1: agent"),
        ({"task.toml": "[metadata.gristmill]\nformat = 'x'\n"}, r"task\.toml: metadata\.gristmill\.format"),
        ({"instruction.md": ""}, r"instruction\.md: is empty"),
        ({"instruction.md": None}, r"instruction\.md: there is no such file"),
        ({"tests/test.sh": None}, r"tests/test\.sh: there is no such file"),
        (
            {"environment/recipe.json": "{}", "task.toml": "[metadata.gristmill]\n"},
            r"recipe\.json: python: Field required",
        ),
    ],
)
def test_broken_folders_are_explained(tmp_path: Path, changes: dict[str, str | None], told: str) -> None:
    with pytest.raises(BadTaskFolder, match=told):
        read_task(make_folder(tmp_path / "t", **changes), cache=tmp_path)


def test_unknown_fields_and_comments_survive_writing(tmp_path: Path) -> None:
    task = read_task(make_folder(tmp_path / "a"), cache=tmp_path)
    write_task(task, tmp_path / "b")
    assert folder_hash(tmp_path / "b") == folder_hash(tmp_path / "a"), "nothing was changed, so nothing is"
    write_task(task.model_copy(update={"agent_timeout_sec": 60.0}), tmp_path / "c")
    text = (tmp_path / "c" / "task.toml").read_text()
    assert text == FOREIGN["task.toml"].replace("timeout_sec = 120.0", "timeout_sec = 60.0")


def test_anything_else_in_a_folder_survives_writing(tmp_path: Path) -> None:
    """Line ends, tables of another version, modes, links, empty folders and bytes that are no text."""
    toml = (
        'schema_version = "1.4"\r\n# a comment\r\n[task]\r\nname = "me/x"\r\nauthors = [{name = "Ada"}]\r\n'
        '[verifier]\r\ntimeout_sec = 30.0\r\n[verifier.env]\r\nA = "1"\r\n'
        '[environment]\r\nnetwork_mode = "allowlist"\r\nmcp_servers = [{name = "m", url = "http://x"}]\r\n'
        "[solution.env]\r\nB = '2'\r\n[unknown.table]\r\ndates = [1979-05-27, 07:32:00]\r\n"
    )
    folder = make_folder(tmp_path / "a")
    (folder / "task.toml").write_bytes(toml.encode())
    (folder / "instruction.md").write_bytes(b"  Do\r\nit.  \n\n\n")
    (folder / "environment/data.bin").write_bytes(bytes(range(256)))
    (folder / "tests/test.sh").chmod(0o755)
    (folder / "tests/link").symlink_to("test.sh")
    (folder / "environment/empty").mkdir()
    write_task(read_task(folder, cache=tmp_path / "cache"), tmp_path / "b")
    assert folder_hash(tmp_path / "b") == folder_hash(folder)
    assert (tmp_path / "b/environment/empty").is_dir()
    task = read_task(folder, cache=tmp_path / "cache")
    write_task(task.model_copy(update={"verifier_timeout_sec": 60.0}), tmp_path / "c")
    assert (tmp_path / "c/task.toml").read_bytes().decode() == toml.replace("= 30.0", "= 60.0")


def test_our_folders_survive_reading_and_writing(
    tiny_draft: RepositoryTask, tiny_repository: Repository, tmp_path: Path, session_cache: Path
) -> None:
    """With hidden tests, an absent file, and a reference of a binary file, an odd name and a mode."""
    clean = (tiny_repository.source.code / "tinylib/stack.py").read_bytes()
    names = ("tinylib/data.bin", 'tinylib/odd "name" ü.txt')
    reference = Diff(
        changes=(
            *tiny_draft.reference.changes,
            FileChange(path="tinylib/stack.py", before=None, after=clean),
            FileChange(path=names[0], before=b"\0\1", after=b"\0\2"),
            FileChange(path=names[1], before=b"a\r\n", after=b"b", mode=0o100755),
        )
    )
    draft = tiny_draft.model_copy(
        update={
            "files": {**tiny_draft.files, names[0]: b"\0\1", names[1]: b"a\r\n"},
            "absent": ("tinylib/stack.py",),
            "hidden": {"tests/test_more.py": b"def test_more():\r\n    pass"},
            "reference": reference,
        }
    )
    write_repository_task(draft, tiny_repository, tmp_path / draft.id)
    task = read_task(tmp_path / draft.id, cache=session_cache)
    assert task.reference is not None
    assert [(each.path, each.before, each.after, each.mode) for each in task.reference.changes] == [
        (each.path, each.before, each.after, each.mode) for each in reference.changes
    ]
    write_task(task, tmp_path / "again")
    assert folder_hash(tmp_path / "again") == folder_hash(tmp_path / draft.id)


async def test_the_script_verifier_reads_the_reward(tmp_path: Path, bubblewrap: Backend) -> None:
    task = read_task(make_folder(tmp_path / "hello"), cache=tmp_path)
    verifier = get_verifier("script")
    async with running(bubblewrap, task.agent_spec) as sandbox:
        await sandbox.run(["bash", "-c", "echo hello > answer.txt; mkdir -p logs; echo 1 > reward.txt"], timeout_sec=5)
        solved = await sandbox.diff()
    assert (await verifier.verify(task, solved, bubblewrap)).is_solved
    nothing = await verifier.verify(task, Diff(), bubblewrap)
    assert (nothing.reward, nothing.error) == (0.0, None)


@pytest.mark.parametrize(
    ("script", "reward", "error"),
    [
        ('echo \'{"reward": 0.5, "style": 1}\' > /logs/verifier/reward.json', 0.5, None),
        ("echo 0.25 > /logs/verifier/reward.txt", 0.25, None),
        ("echo broken >&2; exit 3", 0.0, "exit code 3 and wrote neither .*broken"),
        ("echo nonsense > /logs/verifier/reward.txt", 0.0, "holds no reward"),
        ("echo 7 > /logs/verifier/reward.txt", 0.0, "outside 0…1"),
        ("echo 1 > /logs/verifier/reward.txt; sleep 30", 0.0, "did not end within"),
    ],
)
async def test_kinds_of_rewards(
    tmp_path: Path, bubblewrap: Backend, script: str, reward: float, error: str | None
) -> None:
    task = read_task(
        make_folder(tmp_path / "t", **{"tests/test.sh": script, "task.toml": "[verifier]\ntimeout_sec = 2\n"}),
        cache=tmp_path,
    )
    verdict = await get_verifier("script").verify(task, Diff(), bubblewrap)
    assert verdict.reward == reward
    if error is None:
        assert verdict.error is None
    else:
        assert verdict.error is not None
        assert re.search(error, verdict.error)


async def test_the_folder_judges_without_gristmill(tiny_task: Task, bubblewrap: Backend) -> None:
    """tests/test.sh and solution/solve.sh do their work where another harness runs them."""
    script = tiny_task.model_copy(update={"verifier": "script", "agent_spec": tiny_task.agent_spec})
    verdicts = [
        await get_verifier("script").verify(
            script.model_copy(update={"verifier_spec": tiny_task.agent_spec}), diff, bubblewrap
        )
        for diff in (Diff(), tiny_task.reference)
        if diff is not None
    ]
    assert [verdict.reward for verdict in verdicts] == [0.0, 1.0], verdicts


def test_solve_script_applies_the_reference(tiny_task: Task, tmp_path: Path) -> None:
    assert tiny_task.reference is not None
    change = tiny_task.reference.changes[0]
    (tmp_path / "tinylib").mkdir()
    (tmp_path / change.path).write_bytes(change.before or b"")
    script = (tiny_task.folder / "solution/solve.sh").read_text().replace("/workspace", str(tmp_path))
    subprocess.run(["bash", "-c", script, str(tiny_task.folder / "solution/solve.sh")], check=True, env={**os.environ})
    assert (tmp_path / change.path).read_bytes() == change.after
