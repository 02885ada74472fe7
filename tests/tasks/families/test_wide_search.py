"""A site that must be crawled: what stands where, in which forms, and what a whole table is."""

import csv
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from environments import Backend
from tasks.families.wide_search.subjects import SUBJECTS
from tasks.families.wide_search.world import SCOPES, World, make_world
from tasks.families.wide_search.writing import written_date, written_measure
from tasks.graders._numbers import parse_number
from tasks.graders._values import parse_date

from .served import agents_sandbox, check_is_a_task, drawn, instance_of, seeded, template_of, verdict_on

# Follows every link from the first page, and the search; gives the pages.
CRAWL = """\
import json, re, sys, urllib.error, urllib.request

def get(path):
    with urllib.request.urlopen("http://127.0.0.1:8000" + path) as answer:
        return answer.read().decode()

pages, pending = {}, ["/"]
while pending:
    path = pending.pop()
    if path not in pages:
        pages[path] = get(path)
        pending += [link.replace("&amp;", "&") for link in re.findall(r"href='(/[^']*)'", pages[path])]
try:
    get("/no/such/page")
except urllib.error.HTTPError as error:
    missing = error.code
hits, path = [], "/search?q=" + sys.argv[1].replace(" ", "+")
while path:
    page = get(path)
    hits += re.findall(r"<li><a href='([^']+)'", page)
    more = re.search(r"<a href='(/search[^']+)'>next", page)
    path = more and more[1].replace("&amp;", "&")
print(json.dumps({"pages": pages, "missing": missing, "hits": hits}))
"""
GRID = [(diffusion, scope) for diffusion in (1, 2, 3, 4) for scope in (1, 2)]


@pytest.fixture(scope="module")
def worlds() -> dict[tuple[int, int], World]:
    return {(d, s): make_world(seeded("wide", d, s), d, s) for d, s in [*GRID, (2, 4)]}


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.split("</nav>")[-1])).split())


@pytest.mark.parametrize("place", [(1, 1), (2, 2), (3, 1), (4, 2)])
async def test_its_instances_are_tasks(
    place: tuple[int, int], worlds: dict[tuple[int, int], World], bubblewrap: Backend, tmp_path: Path
) -> None:
    instance = instance_of(template_of("wide_search"), worlds[place], diffusion=place[0], scope=place[1])
    assert len(instance.decoys) >= 2
    await check_is_a_task(instance, bubblewrap, tmp_path)


async def test_the_site_can_be_crawled(
    worlds: dict[tuple[int, int], World], bubblewrap: Backend, tmp_path: Path
) -> None:
    world = worlds[4, 2]
    instance = instance_of(template_of("wide_search"), world, diffusion=4, scope=2)
    assert instance.files == {}  # what an agent knows comes from the pages
    kind = text_of(world.service["pages"][f"/{world.plural}"]).split(" ")[3]
    async with agents_sandbox(instance, bubblewrap, tmp_path) as box:
        crawled = json.loads((await box.run(["python3", "-c", CRAWL, kind.lower()], timeout_sec=60)).stdout)
    assert set(crawled["pages"]) >= set(world.service["pages"]) and crawled["missing"] == 404
    assert len(crawled["hits"]) == len([one for one in world.service["index"] if kind.lower() in one[2]])
    pages = crawled["pages"]
    lists = [page for path, page in pages.items()
             if path.split("?")[0] == f"/{world.plural}" and not path.endswith("?page=1")]  # fmt: skip
    assert len(lists) == -(-SCOPES[2][0] // 12)
    for row in world.grading["rows"]:
        assert sum(f">{row['name']}</a>" in page for page in lists) == 1


@pytest.mark.parametrize("place", GRID)
def test_where_things_stand(place: tuple[int, int], worlds: dict[tuple[int, int], World]) -> None:
    """Diffusion: what is asked for stands in the lists, on the things' pages, or on others."""
    world, (diffusion, _) = worlds[place], place
    lists = " ".join(text_of(page) for path, page in world.service["pages"].items()
                     if path.split("?")[0] == f"/{world.plural}")  # fmt: skip
    numbers = [column for column in world.grading["columns"] if re.search(r"_(m|km|t|mw|ha|cm|km_per_h)$", column)]
    has_measures = any(re.search(r"\d (m|ft|km|t|MW|ha|cm|in)\b", part) for part in [lists])
    assert has_measures == (diffusion == 1)
    related = {name for name in world.grading["columns"] if name in ("governor", "region_code") or "_" in name}
    related -= {*numbers, "first_lit", "laid_out", "first_light"}
    assert bool(related) == (diffusion >= 3)
    corrections = [page for path, page in world.service["pages"].items()
                   if path.startswith("/notices") and "Correction" in page]  # fmt: skip
    assert bool(corrections) == (diffusion == 4)


def test_a_solver_that_reads_pages_gets_all_right(worlds: dict[tuple[int, int], World]) -> None:
    """The values of every wanted row, from the text of its own page; units converted, dates read."""
    world = worlds[2, 4]
    subject = next(each for each in SUBJECTS if each.plural == world.plural)
    assert len(world.grading["rows"]) >= SCOPES[4][1][0]
    for row in world.grading["rows"]:
        page = text_of(world.service["pages"][f"/{world.plural}/{row['name'].lower().replace(' ', '-')}"])
        for measure in subject.measures:
            column = f"{measure.name}_{measure.unit}".replace(" ", "_").replace("/", "_per_").lower()
            if column in row:
                assert row[column] in read_measures(page, dict([(measure.unit, 1.0), *measure.others])), page
        dates = re.findall(r"\d{4}-\d\d-\d\d|\d+ [A-Z][a-z]+ \d{4}|[A-Z][a-z]+ \d+, \d{4}|\d+\.\d+\.\d{4}", page)
        day = subject.date[0].replace(" ", "_")
        if day in row:
            wanted = tuple(int(part) for part in row[day].split("-"))
            assert wanted in [parse_date(each) for each in dates], page


def read_measures(page: str, units: dict[str, float]) -> list[int]:
    found = []
    for unit, size in units.items():
        for text in re.findall(rf"(\d[\d,\u202f ]*(?:\.\d+)?) {re.escape(unit)}(?![\w/²])", page):
            number = parse_number(text.split(" ")[-1])
            assert number is not None, text
            found.append(round(number * size))
    return found


def test_notices_put_right_what_pages_say(worlds: dict[tuple[int, int], World]) -> None:
    world = worlds[4, 2]
    instance = instance_of(template_of("wide_search"), world, diffusion=4, scope=2)
    assert "notices" in instance.instruction
    notices = " ".join(page for path, page in world.service["pages"].items() if path.startswith("/notices"))
    corrected = re.findall(r"Correction: (?:the [a-z ]+ of )?<a href='([^']+)'", notices)
    assert len(corrected) > SCOPES[2][0] / 8 and len(set(corrected)) == len(corrected)
    subject = next(each for each in SUBJECTS if each.plural == world.plural)
    checked = 0
    for place in [(4, 1), (4, 2)]:
        checked += sum(check_corrections(worlds[place], subject, measure) for measure in subject.measures)
    assert checked or not worlds[4, 2].grading["rows"]


def check_corrections(world: World, subject: Any, measure: Any) -> int:
    """How many wanted values stand on their page wrongly; each must stand in its notice rightly."""
    column = f"{measure.name}_{measure.unit}".replace(" ", "_").replace("/", "_per_").lower()
    units = dict([(measure.unit, 1.0), *measure.others])
    count = 0
    for row in world.grading["rows"]:
        path = f"/{subject.plural}/{row['name'].lower().replace(' ', '-')}"
        if column not in row or path not in world.service["pages"]:
            continue
        if row[column] not in read_measures(text_of(world.service["pages"][path]), units):
            pages = [page for each, page in world.service["pages"].items() if each.startswith("/notices")]
            notices = [note for page in pages for note in page.split("<p>") if f"'{path}'" in note]
            said = [value for note in notices if "Correction" in note for value in read_measures(text_of(note), units)]
            assert said == [row[column]]
            count += 1
    return count


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: str(subject.name))
def test_every_form_says_the_same(subject: Any) -> None:
    rng = seeded("forms", subject.name)
    for measure in subject.measures:
        units = dict([(measure.unit, 1.0), *measure.others])
        forms = set()
        for _ in range(200):
            value = rng.randint(measure.least, measure.most)
            text = written_measure(rng, measure, value)
            number, unit = re.fullmatch(r"(.+?) (\D+)", text).groups()  # type: ignore[union-attr]
            assert round((parse_number(number) or 0) * units[unit]) == value, text
            forms.add(unit)
        assert forms == set(units)
    for _ in range(100):
        assert parse_date(written_date(rng, "1987-05-03"), day_first=True) == (1987, 5, 3)


async def test_a_table_is_right_as_a_whole(
    worlds: dict[tuple[int, int], World], bubblewrap: Backend, tmp_path: Path
) -> None:
    world = worlds[2, 2]
    instance = instance_of(template_of("wide_search"), world, diffusion=2, scope=2)
    rows = list(csv.DictReader(io.StringIO(world.reference["answer.csv"])))

    async def reward(given: list[dict[str, str]]) -> float:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(given)
        return (await verdict_on(instance, {"answer.csv": text.getvalue()}, bubblewrap, tmp_path)).reward

    assert await reward(rows[::-1]) == 1  # in any order
    assert 0.5 < await reward(rows[1:]) < 1
    assert await reward([*rows, dict.fromkeys(rows[0], "x")]) < 1
    assert await reward([]) == 0


def test_scopes_grow_and_seeds_differ() -> None:
    for scope, (things, rows, _) in SCOPES.items():
        world = make_world(seeded("scope", scope), 2, scope)
        assert rows[0] <= len(world.grading["rows"]) <= rows[1] and len(world.service["index"]) == things
    template = template_of("wide_search")
    first, again = drawn(template, 10), drawn(template, 3)
    assert [each.id for each in again] == [each.id for each in first[:3]] and len({each.id for each in first}) == 10


@pytest.mark.slow
def test_two_hundred_are_distinct() -> None:
    assert len({each.id for each in drawn(template_of("wide_search"), 200)}) == 200
