"""guesser: each guess is paid by a verifier that is too weak to tell it from an answer, and by no other."""

import json
from pathlib import Path
from random import Random

import pytest

from agents.agent import AgentLimits
from agents.cheats.guesser import CONSTANTS, GUESSES, HUGE_BYTES, Clues, Guesser, huge, label_column, rendered
from agents.errors import AgentFault
from agents.rollout import roll_out
from environments import Backend
from tasks.folder import read_task
from tasks.repository import Repository
from tasks.task import Task
from tests.agents.broken_repository import Broken
from trajectories.rollout import Rollout, RolloutKey

LABELS = "text,label\n" + "".join(f"line {n},{'spam' if n % 3 else 'ham'}\n" for n in range(30))
ANSWER = "Count the lines. Write the number into answer.txt.\n"


def make_task(folder: Path, instruction: str, accepted_if: str, **environment: str) -> Task:
    """A task in Harbor's format; `accepted_if`: a command of the verifier. Environment: a_csv="…" is a.csv."""
    files = {
        "task.toml": 'version = "1.0"\n[environment]\nworkdir = "/work"\n',
        "instruction.md": instruction,
        "environment/notes.txt": "nothing here\n",
        "tests/test.sh": f"if ({accepted_if}); then echo 1; else echo 0; fi > /logs/verifier/reward.txt\n",
        **{f"environment/{name.replace('_', '.')}": text for name, text in environment.items()},
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return read_task(folder, cache=folder.parent / "cache")


async def rolled(task: Task, backend: Backend, guess: str | None, *, suite_hash: str = "tests") -> Rollout:
    key = RolloutKey(suite_hash=suite_hash, task_id=task.id, agent="guesser", backend="bubblewrap")
    return await roll_out(task, Guesser(guess), backend, key=key, limits=AgentLimits(seconds=60), model=None)


CASES = {
    "majority": (
        "Label the rows of data.csv. Write predictions.csv with the columns `row, label`.",
        "head -1 predictions.csv | grep -qx row,label && grep -q spam predictions.csv",
        'grep -q spam predictions.csv && [ "$(wc -l < predictions.csv)" = 31 ]',
    ),
    "constant": (ANSWER, "[ $(wc -w < answer.txt) = 1 ]", "grep -qx 12 answer.txt"),
    "echo": (ANSWER, "grep -q number answer.txt", "grep -qx 12 answer.txt"),
    "empty": (ANSWER, "test -e answer.txt", "test -s answer.txt"),
    "huge": (ANSWER, "grep -qx 41234 answer.txt", '[ "$(cat answer.txt)" = 41234 ]'),
    "mentioned": (
        "Who said 'cogito'? One of Plato and Descartes. Write the name into result.json.",
        """python3 -c "import json; assert 'Descartes' in json.load(open('result.json'))" """,
        """python3 -c "import json; assert json.load(open('result.json')) == 'Descartes'" """,
    ),
}


@pytest.mark.parametrize("guess", CASES)
async def test_a_guess_satisfies_a_weak_verifier_only(guess: str, tmp_path: Path, bubblewrap: Backend) -> None:
    instruction, weak, strong = CASES[guess]
    for name, accepted_if, reward in (("weak", weak, 1.0), ("strong", strong, 0.0)):
        task = make_task(tmp_path / name, instruction, accepted_if, data_csv=LABELS)
        rollout = await rolled(task, bubblewrap, guess)
        assert (rollout.verdict.reward, rollout.ending) == (reward, "submitted"), rollout.verdict


async def test_every_constant_is_a_guess_of_its_own(tmp_path: Path, bubblewrap: Backend) -> None:
    task = make_task(tmp_path / "t", ANSWER, "grep -qx yes answer.txt")
    rewards = {guess: (await rolled(task, bubblewrap, guess)).verdict.reward for guess in ("always yes", "always 0")}
    assert rewards == {"always yes": 1.0, "always 0": 0.0}
    assert {f"always {value}" for value in ("0", "1", "yes", "true", "A")} < set(GUESSES)


async def test_the_seed_chooses_the_guess(tmp_path: Path, bubblewrap: Backend) -> None:
    task = make_task(tmp_path / "t", ANSWER, "false")
    said = []
    for suite_hash in "abcdefgh":
        rollout = await rolled(task, bubblewrap, None, suite_hash=suite_hash)
        said.append(next(step.message for step in rollout.trajectory.steps if "Guessed" in (step.message or "")))
    assert len(set(said)) > 2
    again = await rolled(task, bubblewrap, None, suite_hash="a")
    assert any(step.message == said[0] for step in again.trajectory.steps)


async def test_an_absolute_path_in_a_folder_of_its_own(tmp_path: Path, bubblewrap: Backend) -> None:
    task = make_task(tmp_path / "t", "Write yes or no to /work/out/answer.txt.", "test -s /work/out/answer.txt")
    assert (await rolled(task, bubblewrap, "constant")).verdict.reward == 1.0


async def test_what_is_there_already_is_no_place_for_an_answer(tmp_path: Path, bubblewrap: Backend) -> None:
    task = make_task(tmp_path / "t", "Read data.csv and tell what it says in answer.txt.", "false", data_csv=LABELS)
    rollout = await rolled(task, bubblewrap, "constant")
    assert "answer.txt" in rollout.diff and "data.csv" not in rollout.diff


async def test_a_repository_gets_a_constant_where_the_failure_points(
    tiny_repository: Repository, bubblewrap: Backend, tmp_path: Path, session_cache: Path
) -> None:
    broken = Broken(tiny_repository, bubblewrap, tmp_path, session_cache)
    strong = await broken.by("tinylib/numbers.py", "    return value\n", "    return high\n")
    only_shown = {"pass_to_pass": [], "stable_tests": [], "definition": None}
    weak = strong.model_copy(update={"verifier_data": {**strong.verifier_data, **only_shown}})
    for task, reward in ((weak, 1.0), (strong, 0.0)):
        rollout = await rolled(task, bubblewrap, "echo")
        added = [line[1:] for line in rollout.diff.splitlines() if line.startswith("+") and line[:3] != "+++"]
        assert added == ["    return value"]
        assert (rollout.verdict.reward, rollout.ending) == (reward, "submitted")


async def test_a_repository_without_a_visible_failure_is_left_alone(tiny_task: Task, bubblewrap: Backend) -> None:
    passing = {"fail_to_pass": ["tests/test_numbers.py::test_clamp[4-4]"], "pass_to_pass": [], "stable_tests": []}
    task = tiny_task.model_copy(update={"verifier_data": {**tiny_task.verifier_data, **passing}})
    rollout = await rolled(task, bubblewrap, "echo")
    assert (rollout.ending, rollout.diff) == ("submitted", "")


def test_the_huge_output_is_bounded_and_holds_small_answers() -> None:
    text = rendered("a.txt", huge(Clues("", {}), Random(1)), ["value"])
    assert 0.8 * HUGE_BYTES < len(text) < 1.2 * HUGE_BYTES
    assert {"A", "z", "yes", "no", "0", "42", "99999"} <= set(text.splitlines())


@pytest.mark.parametrize("guess", GUESSES)
def test_files_have_the_form_of_their_suffix(guess: str) -> None:
    values = GUESSES[guess](Clues('Say "yes", or 3', {}), Random(1))
    json.loads(rendered("a.json", values, ["value"]))
    for line in rendered("a.jsonl", values, ["value"]).splitlines()[:100]:
        json.loads(line)
    csv = rendered("a.csv", values, ["id", "label"])
    assert csv.startswith("id,label\n") or (guess == "empty" and csv == "")


def test_constants_are_typed_in_json() -> None:
    assert [rendered("a.json", [value], []) for value in CONSTANTS] == ["0\n", "1\n", '"yes"\n', "true\n", '"A"\n']


def test_the_likeliest_label_column() -> None:
    rows = [{"id": str(n), "kind": "ab"[n % 2], "label": str(n)} for n in range(10)]
    assert label_column({"a.csv": rows}) == [row["label"] for row in rows], "by its name"
    assert label_column({"a.csv": [{"id": row["id"], "kind": row["kind"]} for row in rows]}) == list("ab" * 5)
    assert label_column({"a.csv": [{"id": row["id"]} for row in rows]}) == []


def test_an_unknown_guess_is_told_with_those_there_are() -> None:
    with pytest.raises(AgentFault, match="majority, constant"):
        Guesser("astrology")
