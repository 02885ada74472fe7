"""Tables as few-shot tasks: which columns fit, what can be learned, and what is asked for."""

import random
from collections import Counter
from pathlib import Path

import pytest

from tasks.families.few_shot_tables.filters import Filters, balance, one_to_many, why_not
from tasks.families.few_shot_tables.reference_label import label, learn
from tasks.families.few_shot_tables.world import from_table, make_world

TABLES = sorted((Path(__file__).parents[3] / "tasks/families/few_shot_tables/tables").glob("*.csv"))


def rows(count: int, **columns: list[str]) -> list[dict[str, str]]:
    return [{name: values[index % len(values)] for name, values in columns.items()} for index in range(count)]


def test_a_column_is_refused_with_its_reason() -> None:
    filters = Filters(min_rows=30)
    numbers = [str(index) for index in range(100)]
    two = ["yes", "no"]
    assert why_not("b", rows(60, a=numbers, b=two), filters) == ""
    assert "are needed" in why_not("b", rows(20, a=numbers, b=two), filters)
    assert "different values" in why_not("a", rows(60, a=numbers, b=two), filters)
    assert "longer than" in why_not("b", rows(60, a=numbers, b=["yes" * 40, "no"]), filters)
    assert "balance" in why_not("b", rows(100, a=numbers, b=[*["yes"] * 14, "no"]), filters)
    assert "less than 6" in why_not("b", rows(60, a=numbers, b=[*["yes"] * 29, "no"]), filters)
    assert "with another output" in why_not("b", rows(60, a=["x"], b=two), filters)


def test_balance_and_one_to_many_are_shares() -> None:
    assert balance(Counter(a=5, b=5)) == pytest.approx(1)
    assert balance(Counter(a=99, b=1)) < 0.1
    assert one_to_many("b", rows(4, a=["x", "x", "y", "z"], b=["1", "2", "1", "1"])) == 0.5


def test_the_reference_learns_limits_values_starts_months_and_words() -> None:
    rng = random.Random(0)
    shots = [
        {"n": str(rng.randint(1, 90)), "code": f"{rng.choice('ABCD')}{rng.randint(100, 999)}-x",
         "date": f"2023-{rng.randint(1, 12):02d}-05", "text": rng.choice(("red pump hums", "blue valve leaks"))}
        for _ in range(80)
    ]  # fmt: skip
    rules = {
        "limit": lambda row: str(int(row["n"]) > 40),
        "start": lambda row: str(row["code"][0] == "B"),
        "month": lambda row: str(int(row["date"][5:7]) > 6),
        "word": lambda row: str("valve" in row["text"]),
    }
    for name, rule in rules.items():
        tree = learn(shots[:60], [rule(row) for row in shots[:60]])
        right = sum(label(tree, row) == rule(row) for row in shots[60:])
        assert right >= 18, name


def test_classes_are_in_the_shots_and_no_query_is() -> None:
    world = make_world(random.Random(2), 2, 3)
    shots = world["files"]["shots.csv"].splitlines()[1:]
    assert {line.rsplit(",", 1)[1] for line in shots} == set(world["classes"])
    assert not any(line in shot for line in world["files"]["queries.csv"].splitlines()[1:] for shot in shots)
    assert 0.8 < world["pass_at"] <= world["reached"]


@pytest.mark.parametrize("file", TABLES, ids=[file.stem for file in TABLES])
def test_a_local_table_gives_tasks_with_several_columns_as_output(file: Path) -> None:
    table = {"path": str(file), "text": file.read_text()}
    outputs = {from_table(random.Random(seed), table)["output"] for seed in range(12)}
    assert len(outputs) >= 2


def test_a_table_that_makes_no_task_is_refused_column_by_column() -> None:
    text = "id,name\n" + "".join(f"{index},n{index}\n" for index in range(90))
    with pytest.raises(ValueError, match=r"mine.csv: no column makes .* id: 90 different values.*; name: 90 different"):
        from_table(random.Random(0), {"path": "mine.csv", "text": text})
    with pytest.raises(ValueError, match=r"mine.csv: no rows"):
        from_table(random.Random(0), {"path": "mine.csv", "text": "a,b\n"})


def test_what_cannot_be_learned_is_no_task() -> None:
    rng = random.Random(5)
    lines = [f"{rng.random()},{rng.choice('ab')}" for _ in range(160)]
    with pytest.raises(ValueError, match="does not follow from the others"):
        from_table(random.Random(0), {"path": "noise.csv", "text": "x,y\n" + "\n".join(lines) + "\n"})
