"""lookup: names, keywords and patterns over documents; what it reads, and what it falls for."""

from collections.abc import Mapping
from typing import Any

import pytest

from agents._records import names_in, records_of, values_in
from agents.agent import AgentLimits
from agents.lookup import Lookup, keywords, read_request, type_of
from agents.rollout import roll_out
from environments import Backend
from tasks.folder import SharedFiles, read_task, write_folder
from tasks.task import Task
from tasks.templates.folder import SCRIPTS, folder_contents, reference_diff
from tasks.templates.instance import Instance
from trajectories.rollout import RolloutKey

PAGES = {
    "people.csv": b"name,town,employer\nIda Holm,Karsk,Norvex Tools\nOtto Lind,Velm,Brant Glass\n",
    "towns/karsk.md": b"# Karsk\n\nThe mayor is Nora Graf.\nThe town has 14,320 inhabitants.\n",
    "firms.json": b'[{"company": "Norvex Tools", "seat": "Orla", "founded": 1987}]',
}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("In which town was Ida Holm born?", ["Ida Holm"]),
        ("Who wrote The Still Nest?", ["The Still Nest"]),
        ("Is Ada at Dadoag School of Music?", ["Ada", "Dadoag School of Music"]),
        ("the mayor", []),
    ],
)
def test_names_are_what_is_written_like_names(text: str, names: list[str]) -> None:
    assert names_in(text) == names


def test_documents_are_read_by_their_kind() -> None:
    rows = [record.fields for path in PAGES for record in records_of(path, PAGES[path].decode())]
    assert rows[0] == (("name", "Ida Holm"), ("town", "Karsk"), ("employer", "Norvex Tools"))
    (_, mayor, people, firm) = rows[1:]
    assert (mayor, people) == ((("", "The mayor is Nora Graf."),), (("", "The town has 14,320 inhabitants."),))
    assert firm[2] == ("founded", "1987")
    assert values_in("In 1987 it had 14,320 tons", "year") == ["1987"]
    assert values_in("it had 14,320 tons", "number") == ["14320"]


def test_the_request_is_the_last_question_and_the_last_file() -> None:
    asked = "See `a/notes.md`. Ready?\nWho is mayor of Karsk? Write it to `out/answer.txt`."
    assert read_request(asked) == ("Who is mayor of Karsk?", "out/answer.txt")
    assert (type_of("In which town was"), type_of("How many people live in"), type_of("the one of")) == (
        "place",
        "number",
        "name",
    )
    assert keywords("the person who founded") == keywords("person founder")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("In which town does Ida Holm live?", "Karsk"),
        ("How many people live in Karsk?", "14320"),
        ("Who is mayor of the town where Ida Holm lives?", "Nora Graf"),
        ("In which year was the company that employs Ida Holm founded?", "1987"),
        ("Who is mayor of Atlantis?", None),
    ],
)
async def test_it_answers_from_the_documents(
    question: str, answer: str | None, bubblewrap: Backend, tmp_path_factory: pytest.TempPathFactory
) -> None:
    task = task_of(question, answer or "nobody", PAGES, tmp_path_factory)
    key = RolloutKey(suite_hash="s", task_id=task.id, agent="lookup", backend="bubblewrap", attempt=0)
    rollout = await roll_out(task, Lookup(), bubblewrap, key=key, limits=AgentLimits(), model=None)
    assert rollout.ending == "submitted", rollout.ending_detail
    assert rollout.verdict.is_solved is (answer is not None)


def task_of(question: str, answer: str, files: Mapping[str, bytes], folders: pytest.TempPathFactory) -> Task:
    data: dict[str, Any] = {"answers": [answer]}
    reference = {"answer.txt": answer.encode()}
    instruction = f"{question} Write the answer to `answer.txt`."
    instance = Instance(
        "asked", "asked", instruction, "answer", data, files, accepts=("answer.txt",), reference=reference
    )
    folder = folders.mktemp("lookup")
    contents = folder_contents(instance, reference_diff(instance, reference))
    write_folder(contents, SCRIPTS, folder / instance.id, SharedFiles())
    return read_task(folder / instance.id, cache=folder / "cache")
