"""Chats that DuckDB and Arrow make are those that are made message by message, or are left to these."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trajectories.conftest import BASH, make_rollout, make_trajectory
from trajectories import exports
from trajectories.atif import AgentInfo, Observation, ObservationResult, Step, ToolCall, Trajectory
from trajectories.errors import CorruptBlob
from trajectories.exports import ExportManifest, export
from trajectories.exports.chats import ChatReader
from trajectories.exports.columns import json_text
from trajectories.exports.exporter import MESSAGES, example_of
from trajectories.store import Store, open_store

FIELDS = [field.name for field in MESSAGES.value_type]
ODD = ["", "[]", '["a"]', '"', "\0", "\x1f", "\n\\", "é😀", '"message":[', "null", "{}"]
TEXTS = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
PARTS = st.just([{"type": "text", "text": "a part"}])
IDS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
CALLS = st.builds(ToolCall, tool_call_id=IDS, function_name=TEXTS, arguments=st.dictionaries(TEXTS, VALUES, max_size=2))
RESULTS = st.builds(ObservationResult, source_call_id=IDS | st.none(), content=TEXTS | st.none() | PARTS)


@st.composite
def answered(draw: st.DrawFn) -> Step:
    """A step as most are: each call is answered, in order, or the last ones are not."""
    ids = draw(st.lists(IDS, unique=True, max_size=3))
    calls = [draw(CALLS).model_copy(update={"tool_call_id": each}) for each in ids]
    results = [ObservationResult(source_call_id=each, content=draw(TEXTS)) for each in ids[: draw(st.integers(0, 3))]]
    observation = draw(st.sampled_from([None, Observation()])) if not results else Observation(results=tuple(results))
    return Step(
        step_id=1, source="agent", message=draw(TEXTS), tool_calls=tuple(calls) or None, observation=observation
    )


STEPS = answered() | st.builds(
    Step,
    step_id=st.just(1),
    source=st.sampled_from(["system", "user", "agent", "agent"]),
    message=TEXTS | PARTS,
    reasoning_content=st.none() | TEXTS,
    tool_calls=st.none() | st.lists(CALLS, max_size=2).map(tuple),
    observation=st.none() | st.builds(Observation, results=st.lists(RESULTS, max_size=3).map(tuple)),
)
AGENTS = st.builds(
    AgentInfo,
    name=st.just("a"),
    version=st.just("1"),
    tool_definitions=st.sampled_from([None, (), (BASH,), (BASH, BASH)]),
)
TRAJECTORIES = st.builds(
    Trajectory, session_id=st.just("s"), agent=AGENTS, steps=st.lists(STEPS, max_size=4).map(tuple)
)


@pytest.fixture(scope="module")
def reader() -> Any:
    with ChatReader() as made:
        yield made


def expected(text: bytes) -> tuple[list[Any], Any]:
    """Messages with every field, arguments and tools as objects."""
    example = example_of(text)
    messages = [dict.fromkeys(FIELDS) | each for each in example.messages]
    return json.loads(json_text(messages)), json.loads(json_text(example.tools))


def read_again(messages: list[Any]) -> list[Any]:
    """As Parquet has them, arguments as objects."""
    for message in messages:
        for call in message["tool_calls"] or ():
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return messages


@settings(max_examples=60, deadline=None)
@given(st.lists(TRAJECTORIES, min_size=1, max_size=12))
def test_what_is_plain_is_what_is_made_message_by_message(reader: ChatReader, trajectories: list[Trajectory]) -> None:
    rollouts = [make_rollout(trajectory=each) for each in trajectories]
    texts = [rollout.model_dump_json().encode() for rollout in rollouts]
    chats = reader.read(texts)
    if chats is None:
        return
    chats.messages.validate(full=True)
    for number, text in enumerate(texts):
        if chats.is_plain[number].as_py():
            tools = json.loads(chats.tools[number].as_py())
            assert (read_again(chats.messages[number].as_py()), tools) == expected(text)


def steps(*some: Step) -> bytes:
    trajectory = make_trajectory().model_copy(update={"steps": some})
    return make_rollout(trajectory=trajectory).model_dump_json().encode()


def agent(*results: tuple[str | None, Any], calls: str = "", **fields: Any) -> Step:
    made = tuple(ToolCall(tool_call_id=each, function_name=f"f{at}") for at, each in enumerate(calls))
    seen = tuple(ObservationResult(source_call_id=call, content=content) for call, content in results)
    return Step(step_id=2, source="agent", tool_calls=made or None, observation=Observation(results=seen), **fields)


USER, SYSTEM = (Step(step_id=1, source=source, message="Hi.") for source in ("user", "system"))

PLAIN = {
    "each call answered": steps(USER, agent(("a", "1"), ("b", "2"), calls="ab")),
    "the last not": steps(SYSTEM, USER, agent(("a", "1"), calls="ab")),
    "no native calls": steps(USER, agent((None, "seen"), message="ls")),
    "a text that looks like parts": steps(USER, agent(("a", "[1, 2]"), calls="a", message="[x]")),
    "nothing said": steps(USER, agent(("a", None), calls="a", reasoning_content="")),
}
ODDLY = {
    "several parts": steps(USER, agent(message=[{"type": "text", "text": "x"}])),
    "a result of several parts": steps(USER, agent(("a", [{"type": "text", "text": "x"}]), calls="a")),
    "in another order": steps(USER, agent(("b", "1"), ("a", "2"), calls="ab")),
    "two results of a call": steps(USER, agent(("a", "1"), ("a", "2"), calls="a")),
    "an id twice": steps(USER, agent(("a", "1"), ("a", "2"), calls="aa")),
    "a call that was not made": steps(USER, agent(("z", "1"), calls="a")),
    "of no call": steps(USER, agent((None, "1"), calls="a")),
    "the system after the user": steps(USER, SYSTEM, agent(message="x")),
    "nothing of the agent": steps(USER),
    "no step": steps(),
}


@pytest.mark.parametrize(("texts", "is_plain"), [(PLAIN, True), (ODDLY, False)], ids=["plain", "odd"])
def test_only_what_is_sure_is_said(reader: ChatReader, texts: dict[str, bytes], is_plain: bool) -> None:
    chats = reader.read(list(texts.values()))
    assert chats is not None
    assert dict(zip(texts, chats.is_plain.to_pylist(), strict=True)) == dict.fromkeys(texts, is_plain)
    for number, text in enumerate(texts.values()):
        if is_plain:
            assert read_again(chats.messages[number].as_py()) == expected(text)[0]


def test_what_is_no_json_is_left_to_others(reader: ChatReader) -> None:
    assert reader.read([PLAIN["no native calls"], b"{"]) is None


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Plain and odd ones in turn, of four repositories."""
    opened = open_store(tmp_path / "store")
    rollouts = []
    for number, text in enumerate([*PLAIN.values(), *ODDLY.values()] * 3):
        trajectory = Trajectory.model_validate(json.loads(text)["trajectory"])
        provenance = {"repository": f"r{number % 4}", "license": ""}
        rollouts.append(make_rollout(f"t{number % 7}", attempt=number, trajectory=trajectory, provenance=provenance))
    opened.record_many(rollouts)
    return opened


def test_the_export_is_the_same_either_way(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exported(name: str) -> ExportManifest:
        return export(store, to="trl", out=tmp_path / name, only="parquet", test_share=0.5, seed=1)

    quick = exported("quick")
    monkeypatch.setattr(exports, "is_tabled", lambda *arguments: False)
    slow = exported("slow")
    assert quick.rollouts > 0 and quick.skipped and quick.files["test.parquet"].rows > 0
    assert quick.model_copy(update={"files": {}}) == slow.model_copy(update={"files": {}})
    for name in quick.files:
        assert pq.read_table(tmp_path / "quick" / name).equals(pq.read_table(tmp_path / "slow" / name))
    assert exported("again").files == slow.files, "the same bytes each time"


def test_a_body_that_is_broken_is_named(store: Store, tmp_path: Path) -> None:
    row = next(store.rollouts())
    path = store.segments.local_path(row.body_segment)
    assert path is not None
    frames = bytearray(path.read_bytes())
    frames[row.body_start + 8 : row.body_start + 20] = b"\0" * 12
    path.write_bytes(frames)
    with pytest.raises(CorruptBlob, match=row.id):
        export(store, to="trl", out=tmp_path / "out", only="parquet")
    assert not (tmp_path / "out").exists()
