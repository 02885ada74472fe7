"""Questions over generated databases: the queries are of every kind, and luck on one database does not pass."""

import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from environments import Backend
from tasks.families.text_to_sql.databases import draw_databases
from tasks.families.text_to_sql.domains import DOMAINS, HELD_OUT, draw_schema
from tasks.families.text_to_sql.english import question
from tasks.families.text_to_sql.fill import connect, draw_pools, draw_rows, to_bytes
from tasks.families.text_to_sql.hardness import hardness
from tasks.families.text_to_sql.mutants import mutants
from tasks.families.text_to_sql.schema import Schema
from tasks.families.text_to_sql.tree import (
    Against,
    Compare,
    HasChild,
    Having,
    Item,
    Order,
    Query,
    Ref,
    Rows,
    SetQuery,
    to_sql,
)
from tasks.families.text_to_sql.world import make_world

from .served import drawn, template_of, verdict_on


def schema_of(domain: str, *columns: str) -> Schema:
    """A draw of the domain that has these columns, written `table.column`, and all tables."""
    rng = random.Random(0)
    while True:
        schema = draw_schema(rng)
        there = {f"{table.name}.{column.name}" for table in schema.tables for column in table.columns}
        if schema.domain == domain and there >= set(columns):
            return schema


@pytest.fixture(scope="module")
def worlds() -> list[dict[str, Any]]:
    grades = ("easy", "medium", "hard", "extra")
    return [make_world(random.Random(f"world {index}"), grades[index % 4]) for index in range(60)]


def test_every_kind_of_clause_is_generated(worlds: list[dict[str, Any]]) -> None:
    gold = [world["gold"] for world in worlds]
    kinds = ("JOIN", "LEFT JOIN", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "DISTINCT", "NOT IN", "BETWEEN", "LIKE")
    missing = [kind for kind in (*kinds, " IN (SELECT") if not any(kind in sql for sql in gold)]
    assert not missing
    assert any(operator in sql for sql in gold for operator in ("UNION", "INTERSECT", "EXCEPT"))
    assert any("(SELECT AVG" in sql or "(SELECT MAX" in sql or "(SELECT MIN" in sql for sql in gold)


def test_sets_are_split_by_domain(worlds: list[dict[str, Any]]) -> None:
    assert {world["split"] for world in worlds if world["domain"] in HELD_OUT} == {"test"}
    assert {world["split"] for world in worlds if world["domain"] not in HELD_OUT} == {"train"}
    assert len({world["domain"] for world in worlds}) > len(DOMAINS) // 2


def test_the_shown_database_gives_the_answer_and_is_a_plain_sqlite_file(
    worlds: list[dict[str, Any]], tmp_path: Path
) -> None:
    for number, world in enumerate(worlds[:8]):
        file = tmp_path / f"{number}.sqlite"
        file.write_bytes(world["database"])
        with closing(sqlite3.connect(file)) as database:
            assert [list(row) for row in database.execute(world["gold"])] == world["answer"]
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_each_decoy_differs_on_some_hidden_database(worlds: list[dict[str, Any]]) -> None:
    for world in worlds:
        differs = Counter[str]()
        for script in world["grading"]["databases"]:
            with closing(sqlite3.connect(":memory:")) as database:
                database.executescript(script)
                gold = database.execute(world["gold"]).fetchall()
                for decoy in world["decoys"]:
                    differs[decoy["query.sql"]] += database.execute(decoy["query.sql"].strip(";\n")).fetchall() != gold
        assert all(differs[decoy["query.sql"]] for decoy in world["decoys"]), world["gold"]


def test_half_of_the_tasks_have_a_decoy_that_is_right_on_the_shown_database(worlds: list[dict[str, Any]]) -> None:
    assert sum(world["lucky"] > 0 for world in worlds) >= len(worlds) // 2


def test_hardness_is_spiders() -> None:
    """Counted by hand, as the paper's script counts: clauses, joins, nested queries, several aggregates or columns."""
    schema = schema_of("concerts", "appearance.fee")
    singer, concert = schema.table("singer"), schema.table("concert")
    name, country = Ref(singer.column("name")), Ref(singer.column("country"))
    is_there = Compare(country, "=", "Tavria")
    assert hardness(Query(Rows(singer), (Item(name),))) == "easy"
    assert hardness(Query(Rows(singer, (is_there,)), (Item(None, "count"),))) == "easy"
    assert hardness(Query(Rows(singer, (is_there,)), (Item(name), Item(country)))) == "medium"
    grouped = Query(Rows(singer), (Item(country), Item(None, "count")), group=(country,))
    assert hardness(grouped) == "medium"
    hall = Ref(schema.table("stadium").column("name"), concert.links[:1])
    most = Query(Rows(concert), (Item(hall),), group=(hall,), order=(Order(Item(None, "count"), True),), limit=1)
    assert hardness(most) == "extra"  # a join, a group, an order and a limit are four
    nobody = HasChild(schema.table("appearance"), schema.table("appearance").links[0], negated=True)
    assert hardness(Query(Rows(singer, (nobody,)), (Item(name),))) == "hard"
    left = Query(Rows(singer, (is_there,)), (Item(name),))
    assert hardness(SetQuery("UNION", left, left)) == "hard"


def test_the_question_says_what_the_query_asks() -> None:
    schema = schema_of("concerts", "appearance.fee")
    singer, appearance = schema.table("singer"), schema.table("appearance")
    name, country = Ref(singer.column("name")), Ref(singer.column("country"))
    never = HasChild(appearance, appearance.links[0], negated=True)
    query = Query(Rows(singer, (never, Compare(country, "=", "Tavria"))), (Item(name),), order=(Order(Item(name)),))
    assert question(query) == (
        "List the name of singers whose country is 'Tavria', and that have no appearance (made by them), "
        "sorted by the name from A to Z."
    )
    ordered = Query(Rows(singer), (Item(name),), order=(Order(Item(Ref(singer.key)), True), Order(Item(name))), limit=1)
    assert question(ordered) == (
        "List the name of all singers, sorted by the id from high to low, where that is equal by the name from A to Z. "
        "Give only the first one."
    )
    grouped = Query(
        Rows(singer),
        (Item(country), Item(None, "count")),
        group=(country,),
        having=Having(Item(None, "count"), ">=", 3),
    )
    assert question(grouped) == (
        "Take all singers. For each country among them, give the country and the number of singers, "
        "but only where the number of singers is at least 3."
    )


def test_mutants_that_mean_the_same_are_no_decoys() -> None:
    """`at least` for `more than` differs only where a row meets the limit: it is told, or it is not used."""
    rng = random.Random(3)
    schema = schema_of("shop")
    pools = draw_pools(rng, schema)
    customer = schema.table("customer")
    query = Query(Rows(customer), (Item(Ref(customer.column("name"))),), order=(Order(Item(Ref(customer.key))),))
    turned = [name for name, _ in mutants(query)]
    assert turned == ["order left out", "order turned round"]
    told = draw_databases(rng, schema, pools, query).told
    # Rows come by their key anyway.
    assert [name for name, _, _ in told] == ["the rows that were seen", "order turned round"]


def test_a_correlated_query_is_written_with_its_peers() -> None:
    singer = schema_of("concerts", "singer.age").table("singer")
    age, country = Ref(singer.column("age")), Ref(singer.column("country"))
    oldest = Against(age, "=", "max", Rows(singer), peers=country)
    sql = to_sql(Query(Rows(singer, (oldest,)), (Item(Ref(singer.column("name"))),)))
    assert "WHERE st1.country = t1.country" in sql


def test_the_file_of_a_database_does_not_tell_which_sqlite_wrote_it() -> None:
    rng = random.Random(1)
    schema = draw_schema(rng)
    with closing(connect(schema, draw_rows(rng, schema, draw_pools(rng, schema)))) as database:
        assert to_bytes(database)[96:100] == (3040001).to_bytes(4, "big")


def test_an_unknown_difficulty_is_told() -> None:
    with pytest.raises(ValueError, match="easy, medium, hard or extra"):
        make_world(random.Random(0), "brutal")


async def test_an_equivalent_query_passes_and_a_copy_of_the_answer_does_not(
    bubblewrap: Backend, tmp_path: Path
) -> None:
    (instance,) = drawn(template_of("text_to_sql"), 1, seed=5)
    gold = instance.grading["gold"]
    other = f"WITH answer AS (\n{gold}\n)\nSELECT * FROM answer"
    assert (await verdict_on(instance, {"query.sql": other}, bubblewrap, tmp_path)).reward == 1
    (tmp_path / "shown.sqlite").write_bytes(instance.files["data.sqlite"])
    with closing(sqlite3.connect(tmp_path / "shown.sqlite")) as database:
        answer = database.execute(gold).fetchall()
    rows = " UNION ALL ".join(f"SELECT {', '.join(map(repr, row))}" for row in answer)
    assert (await verdict_on(instance, {"query.sql": rows}, bubblewrap, tmp_path)).reward == 0
