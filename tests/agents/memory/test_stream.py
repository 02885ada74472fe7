"""stream_memory: typed edits, prompts that keep their beginning, and a real rollout that reads ahead."""

from pathlib import Path
from typing import Any

import pytest

from agents.agent import AgentLimits
from agents.memory.errors import PieceFault
from agents.memory.stream.reading import chunks_of, read
from agents.memory.stream.schema import FACTS, Edit, TypedStore, load_schema
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import Backend
from tests.agents.test_lookup import PAGES, task_of
from trajectories.rollout import RolloutKey


def put(subject: str, relation: str, value: Any, **more: Any) -> Edit:
    record = {"subject": subject, "relation": relation, "value": value, **more}
    return Edit(do="put", table="facts", record=record)


def test_edits_are_typed_and_a_changed_record_moves_to_the_end() -> None:
    store = TypedStore(FACTS)
    assert store.amend(put("Ida", "town", "Karsk")) == store.amend(put("Otto", "town", "Velm")) == ""
    assert store.amend(put("ida", "town", "Orla")) == ""
    assert store.lines() == [
        "facts: subject=Otto | relation=town | value=Velm",
        "facts: subject=ida | relation=town | value=Orla",
    ]
    assert store.amend(put("Ida", "age", 7)) == "facts.value: no text"
    assert store.amend(put("Ida", "age", "7", colour="red")) == "facts has no field 'colour'"
    assert store.amend(Edit(do="put", table="songs", record={})) == "no table 'songs'"
    assert store.amend(Edit(do="remove", table="facts", record={"subject": "Otto", "relation": "town"})) == ""
    assert len(store) == 1


def test_a_schema_of_ones_own_says_where_it_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("tables: {orders: {fields: {id: text, sum: number}, key: [id]}}")
    assert load_schema(file).described() == "- orders: id* (text), sum (number)"
    file.write_text("tables: {orders: {fields: {id: text}, key: [nr]}}")
    with pytest.raises(PieceFault, match=r"tables.orders.*no such field: nr"):
        load_schema(file)


async def test_prompts_share_their_beginning_and_the_memory_stays_within_its_bound() -> None:
    async def propose(memory: str, chunk: str) -> Any:
        number = chunk.split()[1]
        return {"edits": [put(f"thing {number}", "is", "there").model_dump(), {"do": "sing"}]}

    chunks = list(chunks_of([("a.txt", "".join(f"{number} " + "x" * 300 + "\n" for number in range(12)))], 90))
    assert len(chunks) == 12 and all(len(chunk.text) <= 90 * 4 for chunk in chunks)
    reading = await read("where is thing 3?", chunks, FACTS, propose, tokens=10_000)
    assert (reading.edits, len(reading.wrong)) == (12, 12)
    assert reading.prefix_share > 0.4
    bounded = await read("where is thing 3?", chunks, FACTS, propose, tokens=40)
    assert bounded.forgotten and any("thing 3 " in line for line in bounded.store.lines())


async def test_the_files_are_read_ahead_and_the_agent_is_told(
    bubblewrap: Backend, tmp_path_factory: pytest.TempPathFactory
) -> None:
    task = task_of("In which town does Ida Holm live?", "Karsk", PAGES, tmp_path_factory)
    name = "lookup+stream_memory:above=10"
    key = RolloutKey(suite_hash="s", task_id=task.id, agent=name, backend="bubblewrap")
    rollout = await roll_out(task, get_agent(name), bubblewrap, key=key, limits=AgentLimits(), model=None)
    assert rollout.verdict.is_solved
    first = rollout.trajectory.steps[0]
    assert "facts: subject=Ida Holm | relation=town | value=Karsk" in str(first.message)
    assert first.extra == {"own_characters": len(task.instruction)}
    assert rollout.trajectory.extra is not None and rollout.trajectory.extra["stream_memory"]["by"] == "rules"
