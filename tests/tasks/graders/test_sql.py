"""A query on several real SQLite databases: lucky ones, other orders and columns, queries that do more than read."""

import pytest

SCHEMA = "CREATE TABLE client (id INTEGER, name TEXT, age INTEGER, city TEXT);"
DATABASES = [
    SCHEMA + "INSERT INTO client VALUES (1,'Ada',36,'Bonn'),(2,'Bo',20,'Ulm'),(3,'Cy',31,'Bonn');",
    SCHEMA + "INSERT INTO client VALUES (1,'Di',30,'Ulm'),(2,'Ed',41,'Ulm'),(3,'Ed',50,NULL),(4,'Flo',19,'Bonn');",
]
DATA = {"databases": DATABASES, "gold": "SELECT name, city FROM client WHERE age > 30"}
ORDERED = {"databases": DATABASES, "gold": "SELECT name FROM client ORDER BY age DESC"}


async def reward(sandboxed, query, **data):
    verdict = await sandboxed("sql", {**DATA, **data}, {"query.sql": query})
    assert verdict.error is None, verdict
    return verdict.reward


@pytest.mark.parametrize(
    "query",
    [
        "SELECT name, city FROM client WHERE age > 30",
        "select city, name from client where not age <= 30;",
        "-- over thirty\n"
        "SELECT c.name AS who, c.city FROM client AS c WHERE c.age >= 31 ORDER BY c.id DESC; -- done; all\n",
        "```sql\nSELECT name, city FROM client WHERE age > 30\n```",
        "WITH old AS (SELECT * FROM client WHERE age > 30) SELECT name, city FROM old",
        "SELECT name, city FROM client WHERE age > 30 UNION ALL SELECT name, city FROM client WHERE 1 = 0",
        "(SELECT 1)",
    ],
)
async def test_other_queries_for_the_same(sandboxed, query):
    assert await reward(sandboxed, query) == (0.0 if query == "(SELECT 1)" else 1.0)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT name, city FROM client WHERE age > 30 AND city = 'Bonn'",  # right in the first database only
        "SELECT DISTINCT name FROM client WHERE age > 30",
        "SELECT name, city, age FROM client WHERE age > 30",
        "SELECT name, name FROM client WHERE age > 30",
        "SELECT name, city FROM client WHERE age > 30 UNION SELECT name, 'x' FROM client WHERE age > 45",
        "SELECT name, city FROM client WHERE age > 30 LIMIT 1",
        "SELECT name, coalesce(city, '') FROM client WHERE age > 30",
        "VALUES ('Ada','Bonn'),('Cy','Bonn')",
        "",
        ";",
        "SELECT",
        "SELECT nothing FROM client",
    ],
)
async def test_queries_that_are_wrong_somewhere(sandboxed, query):
    assert await reward(sandboxed, query) == 0.0


@pytest.mark.parametrize(
    "query, why",
    [
        ("SELECT name, city FROM client WHERE age > 30; SELECT 1", "one statement"),
        ("DELETE FROM client", "a SELECT is wanted"),
        ("PRAGMA table_info(client)", "a SELECT is wanted"),
        ("WITH x AS (SELECT 1) INSERT INTO client SELECT 1, 'a', 1, 'b' FROM x", "not authorized"),
        ("WITH x AS (SELECT 1) DELETE FROM client", "not authorized"),
        ("SELECT load_extension('x')", "not authorized"),
        ("SELECT * FROM pragma_table_info('client')", "not authorized"),
        ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i), 1 FROM n", "stopped after"),
        ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT i, i FROM n", "more than"),
        ("SELECT hex(zeroblob(4000000)), 1 FROM client", "larger than"),
        ("SELECT zeroblob(2000000000), 1", "too big"),
        ("SELECT name, city FROM client WHERE age > 30 /* open", "rows, wanted"),
    ],
)
async def test_queries_that_do_more_than_read(sandboxed, query, why):
    verdict = await sandboxed("sql", {**DATA, "time_limit_sec": 1.0}, {"query.sql": query})
    assert verdict.error is None
    if why == "rows, wanted":
        assert verdict.reward == 1.0, "a comment that is not closed ends with the query, as SQLite has it"
        return
    assert verdict.reward == 0.0
    assert why in verdict.checks[0].detail, verdict


async def test_order_counts_only_where_the_gold_query_orders(sandboxed):
    assert await reward(sandboxed, "SELECT name FROM client ORDER BY age DESC", **ORDERED) == 1.0
    assert await reward(sandboxed, "SELECT name FROM client ORDER BY age", **ORDERED) == 0.0
    assert await reward(sandboxed, "SELECT name FROM client", **ORDERED) == 0.0
    assert await reward(sandboxed, "SELECT name FROM client", **ORDERED, order="never") == 1.0
    inner = "SELECT name, city FROM client WHERE age > 30 AND id IN (SELECT id FROM client ORDER BY age)"
    assert await reward(sandboxed, "SELECT name, city FROM client WHERE age > 30 ORDER BY name DESC", gold=inner) == 1.0
    assert await reward(sandboxed, DATA["gold"] + " ORDER BY name DESC", order="always") == 0.0


async def test_bags_and_sets(sandboxed):
    gold = "SELECT name FROM client WHERE age > 30"
    assert await reward(sandboxed, f"{gold} GROUP BY name", gold=gold) == 0.0
    assert await reward(sandboxed, f"{gold} GROUP BY name", gold=gold, semantics="set") == 1.0
    assert await reward(sandboxed, "SELECT name FROM client", gold=gold, semantics="set") == 0.0


async def test_one_order_of_columns_for_all_databases(sandboxed):
    """Columns that are swapped in one database and not in the other are no answer."""
    databases = [
        "CREATE TABLE t (a, b, k); INSERT INTO t VALUES (1, 2, 0);",
        "CREATE TABLE t (a, b, k); INSERT INTO t VALUES (3, 4, 1);",
    ]
    swapping = "SELECT CASE k WHEN 0 THEN a ELSE b END, CASE k WHEN 0 THEN b ELSE a END FROM t"
    data = {"databases": databases, "gold": "SELECT a, b FROM t"}
    assert await reward(sandboxed, "SELECT b, a FROM t", **data) == 1.0
    assert await reward(sandboxed, "SELECT b, a FROM t", **data, any_columns=False) == 0.0
    assert await reward(sandboxed, swapping, **data) == 0.0


async def test_values_of_the_gold_query(sandboxed):
    for query, insensitive in [
        ("SELECT name, city FROM client WHERE age > 99", 1.0),
        ("SELECT name, city FROM client WHERE age > 'thirty'", 1.0),
        ("SELECT name, city FROM client WHERE age < 99", 0.0),
        ("SELECT name, city FROM client", 0.0),
    ]:
        assert await reward(sandboxed, query) == 0.0
        assert await reward(sandboxed, query, value_insensitive=True) == insensitive, query


async def test_numbers_and_texts(sandboxed):
    gold = "SELECT avg(age) / 7 FROM client"
    assert await reward(sandboxed, "SELECT sum(age) / 7.0 / count(*) FROM client", gold=gold) == 1.0
    assert await reward(sandboxed, "SELECT round(avg(age) / 7, 4) FROM client", gold=gold) == 0.0
    assert await reward(sandboxed, "SELECT count(*) * 1.0 FROM client", gold="SELECT count(*) FROM client") == 1.0
    assert (
        await reward(sandboxed, "SELECT cast(count(*) AS TEXT) FROM client", gold="SELECT count(*) FROM client") == 0.0
    )


@pytest.mark.parametrize(
    "data, why",
    [
        ({"databases": []}, "at least one script"),
        ({"gold": "SELECT x FROM client"}, "the gold query"),
        ({"gold": ""}, "gold"),
        ({"databases": ["CREATE TABL"]}, "database 1: script"),
        ({"gold": "SELECT name FROM client WHERE age > 99"}, "no rows in any"),
    ],
)
async def test_wrong_data_is_no_verdict(sandboxed, data, why):
    verdict = await sandboxed("sql", {**DATA, **data}, {"query.sql": "SELECT 1"})
    assert verdict.error is not None and why in verdict.error


async def test_a_column_serves_once(sandboxed):
    gold = "SELECT age, age FROM client"
    assert await reward(sandboxed, "SELECT age AS a, age AS b FROM client", gold=gold) == 1.0
    assert await reward(sandboxed, "SELECT age, id FROM client", gold=gold) == 0.0
