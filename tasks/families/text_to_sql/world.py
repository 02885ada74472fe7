"""One question over one generated database, its gold query, and the hidden databases that it is graded on."""

import random
from typing import Any

from tasks.families.text_to_sql.databases import NotTelling, draw_databases
from tasks.families.text_to_sql.domains import HELD_OUT, draw_schema
from tasks.families.text_to_sql.english import question
from tasks.families.text_to_sql.fill import draw_pools
from tasks.families.text_to_sql.grammar import Grammar, NotHere
from tasks.families.text_to_sql.hardness import hardness
from tasks.families.text_to_sql.tree import to_sql

_DECOYS = 3
_SCHEMAS = 100  # one draw in five has the grade asked for, and most of those tell: the first schema mostly serves


def make_world(rng: random.Random, difficulty: str) -> dict[str, Any]:
    """`difficulty`: easy, medium, hard or extra, as Spider grades queries. Raises ValueError for another."""
    if difficulty not in {"easy", "medium", "hard", "extra"}:
        raise ValueError(f"difficulty is easy, medium, hard or extra, not {difficulty!r}")
    for _ in range(_SCHEMAS):
        schema = draw_schema(rng)
        pools = draw_pools(rng, schema)
        grammar = Grammar(rng, schema, pools)
        for _ in range(60):
            try:
                query = grammar.query()
                if hardness(query) != difficulty:
                    continue
                databases = draw_databases(rng, schema, pools, query)
            except (NotHere, NotTelling):
                continue
            # Lucky ones first: they give the right rows on the database that the agent can try them on. The first of
            # all merely repeats those rows.
            copied, *wrong = sorted(databases.told, key=lambda each: not each[2])
            decoys = [{"query.sql": copied[1] + ";\n"}]
            decoys += [{"query.sql": sql + ";\n"} for sql in dict.fromkeys(sql for _, sql, _ in wrong)][:_DECOYS]
            gold = to_sql(query)
            return {
                "domain": schema.domain,
                "split": "test" if schema.domain in HELD_OUT else "train",
                "question": question(query),
                "schema": schema.ddl(),
                "database": databases.shown,
                "gold": gold,
                "answer": databases.shown_rows,
                "grading": {"gold": gold, "databases": list(databases.hidden)},
                "reference": {"query.sql": gold + ";\n"},
                "decoys": decoys,
                "lucky": sum(lucky for _, _, lucky in wrong),
            }
    raise RuntimeError(f"in {_SCHEMAS} schemas no {difficulty} query told right from wrong")
