"""Sixteen domains, each a graph of linked tables. An instance keeps a part of one: see `draw_schema`.

One line a table: `singular|plural`, its links as `parent:words`, then its columns as `name:kind`. Kinds are

    label POOL       a text that tells rows apart          category POOL   a text that many rows share
    number LOW HIGH  money LOW HIGH  year LOW HIGH         date            a `?` after it: some rows have none

A line that ends with a comma goes on in the next.
"""

import random

from tasks.families.text_to_sql.schema import Column, Kind, Link, Schema, Table

DOMAINS: dict[str, str] = {
    "concerts": """
        stadium|stadiums ; ; name:label hall, town:category town, capacity:number 400 60000,
            opening_year:year 1930 2018
        singer|singers ; ; name:label person, country:category region, age:number 17 79, albums_sold:number 1 900 ?
        concert|concerts ; stadium:held in ; title:label title, year:year 2008 2024, ticket_price:money 8 140,
            genre:category genre
        appearance|appearances ; singer:made by, concert:made in ; fee:money 200 9000, minutes:number 15 150
        """,
    "college": """
        department|departments ; ; name:label subject, building:category hall, budget:money 9000 900000
        lecturer|lecturers ; department:employed by ; name:label person, rank:category rank,
            salary:money 28000 120000, start_year:year 1988 2023
        course|courses ; lecturer:taught by ; title:label title, credits:number 1 12, level:category level,
            seats:number 8 220
        student|students ; department:studying in ; name:label person, home_town:category town, age:number 17 44,
            entry_year:year 2014 2024
        enrolment|enrolments ; student:made by, course:made for ; grade:number 1 100 ?, semester:category semester
        """,
    "shop": """
        supplier|suppliers ; ; name:label company, country:category region, rating:number 1 10 ?,
            founding_year:year 1950 2020
        product|products ; supplier:delivered by ; name:label product, category:category shelf, price:money 1 400,
            stock:number 0 500
        customer|customers ; ; name:label person, town:category town, joining_year:year 2009 2024,
            loyalty_points:number 0 5000
        purchase|purchases ; customer:made by, product:of ; quantity:number 1 24, channel:category channel,
            purchase_date:date
        """,
    "hospital": """
        ward|wards ; ; name:label ward, floor:number 0 9, beds:number 4 60, building:category hall
        doctor|doctors ; ward:assigned to ; name:label person, speciality:category speciality,
            experience_years:number 0 42, salary:money 40000 190000
        patient|patients ; ward:staying in ; name:label person, town:category town, birth_year:year 1930 2020,
            weight_kg:number 8 140 ?
        treatment|treatments ; doctor:given by, patient:given to ; cost:money 20 9000, outcome:category outcome,
            minutes:number 5 400
        """,
    "flights": """
        airport|airports ; ; name:label airport, town:category town, runways:number 1 6, elevation:number 0 2600
        airline|airlines ; ; name:label company, country:category region, fleet_size:number 3 400,
            founding_year:year 1935 2018
        flight|flights ; airline:operated by, airport:departing from ; code:label code, distance_km:number 90 9800,
            price:money 25 1900, weekday:category weekday
        passenger|passengers ; ; name:label person, country:category region, age:number 1 90, miles:number 0 90000 ?
        booking|bookings ; passenger:made by, flight:made for ; seat_class:category seat, paid:money 20 2500,
            bags:number 0 4
        """,
    "library": """
        author|authors ; ; name:label person, country:category region, birth_year:year 1880 1998
        publisher|publishers ; ; name:label company, town:category town, staff:number 3 900
        book|books ; author:written by, publisher:published by ; title:label title, genre:category genre,
            pages:number 40 1200, release_year:year 1920 2024
        member|members ; ; name:label person, town:category town, age:number 6 92, joining_year:year 2001 2024
        loan|loans ; member:taken out by, book:taken out of ; loan_date:date, days_kept:number 1 90, fine:money 0 40 ?
        """,
    "league": """
        club|clubs ; ; name:label club, town:category town, founding_year:year 1870 2010, members:number 90 90000
        coach|coaches ; club:engaged by ; name:label person, country:category region, age:number 30 74,
            titles_won:number 0 14
        player|players ; club:playing for ; name:label person, position:category position, age:number 16 40,
            market_value:money 1000 90000 ?
        match|matches ; club:hosted by ; match_date:date, spectators:number 50 80000, competition:category competition
        goal|goals ; player:scored by, match:scored in ; minute:number 1 95, kind:category goal
        """,
    "restaurants": """
        district|districts ; ; name:label town, population:number 900 200000, region:category region
        restaurant|restaurants ; district:located in ; name:label venue, cuisine:category cuisine,
            seats:number 12 260, opening_year:year 1960 2024
        dish|dishes ; restaurant:served by ; name:label dish, price:money 3 70, calories:number 60 1500 ?,
            course:category course
        critic|critics ; ; name:label person, newspaper:category newspaper, experience_years:number 1 40
        review|reviews ; critic:written by, restaurant:written about ; stars:number 1 5, words:number 60 2500,
            review_year:year 2010 2024
        """,
    "museums": """
        museum|museums ; ; name:label hall, town:category town, rooms:number 3 120, opening_year:year 1790 2020
        artist|artists ; ; name:label person, country:category region, birth_year:year 1650 1990
        artwork|artworks ; artist:created by, museum:shown in ; title:label title, material:category material,
            height_cm:number 4 420, value:money 500 900000 ?
        visitor|visitors ; ; name:label person, age:number 5 90, membership_level:category membership
        visit|visits ; visitor:made by, museum:made to ; visit_date:date, minutes:number 20 400,
            ticket_price:money 0 30
        """,
    "logistics": """
        depot|depots ; ; name:label depot, town:category town, docks:number 2 60, area:number 300 40000
        driver|drivers ; depot:based at ; name:label person, licence:category licence, age:number 20 66,
            hiring_year:year 1990 2024
        truck|trucks ; depot:kept at ; plate:label code, maker:category maker, load_kg:number 700 26000,
            build_year:year 1998 2024
        trip|trips ; driver:driven by, truck:made with ; distance_km:number 5 1900, fuel_litres:number 2 700 ?,
            trip_date:date
        """,
    "films": """
        studio|studios ; ; name:label company, country:category region, founding_year:year 1910 2015
        director|directors ; ; name:label person, country:category region, birth_year:year 1920 1995,
            awards:number 0 30
        film|films ; studio:produced by, director:directed by ; title:label title, genre:category genre,
            release_year:year 1950 2024, length_minutes:number 60 230, income:money 1000 900000 ?
        actor|actors ; ; name:label person, country:category region, age:number 8 90
        role|roles ; actor:played by, film:played in ; salary:money 500 90000, importance:category importance
        """,
    "energy": """
        region|regions ; ; name:label region, population:number 9000 900000, climate:category climate
        plant|plants ; region:located in ; name:label depot, technology:category technology,
            capacity_mw:number 5 1400, start_year:year 1960 2023
        engineer|engineers ; plant:working at ; name:label person, grade:category rank, salary:money 30000 120000,
            age:number 21 66
        outage|outages ; plant:suffered by ; outage_date:date, hours:number 1 400, cause:category cause
        """,
    "software": """
        team|teams ; ; name:label team, site:category town, budget:money 9000 900000
        developer|developers ; team:belonging to ; name:label person, language:category language, age:number 19 66,
            salary:money 30000 160000
        project|projects ; team:owned by ; name:label code_name, status:category status, start_year:year 2005 2024,
            lines:number 400 900000
        ticket|tickets ; developer:assigned to, project:filed against ; priority:category priority,
            hours:number 1 120 ?, opening_date:date
        """,
    "farms": """
        farm|farms ; ; name:label farm, region:category region, hectares:number 3 900, founding_year:year 1890 2020
        field|fields ; farm:belonging to ; name:label field, soil:category soil, hectares:number 1 70
        crop|crops ; ; name:label crop, season:category season, days_to_harvest:number 30 260
        harvest|harvests ; field:brought in from, crop:of ; tonnes:number 1 320, year:year 2005 2024,
            price_per_tonne:money 20 900 ?
        """,
    "hotels": """
        hotel|hotels ; ; name:label venue, town:category town, stars:number 1 5, rooms:number 8 600
        room|rooms ; hotel:belonging to ; number:number 1 900, kind:category room, price:money 30 900, beds:number 1 6
        guest|guests ; ; name:label person, country:category region, age:number 18 90, stays_before:number 0 60
        stay|stays ; guest:booked by, room:booked for ; arrival_date:date, nights:number 1 28, rating:number 1 10 ?
        """,
    "theatre": """
        troupe|troupes ; ; name:label team, home_town:category town, founding_year:year 1920 2022
        playwright|playwrights ; ; name:label person, country:category region, birth_year:year 1800 1995
        play|plays ; playwright:written by ; title:label title, genre:category genre, acts:number 1 5,
            first_year:year 1850 2024
        staging|stagings ; play:of, troupe:given by ; opening_date:date, performances:number 1 200,
            budget:money 900 400000 ?
        """,
}

# Sets are split by domain, never by question: what is learned about one database is of no use on the others.
HELD_OUT = frozenset({"library", "energy", "hotels", "museums"})


def draw_schema(rng: random.Random) -> Schema:
    """One domain's tables, without a few columns and perhaps without a table that no other links to."""
    domain = rng.choice(sorted(DOMAINS))
    tables = [_parse(line) for line in DOMAINS[domain].replace(",\n", ",").strip().splitlines()]
    linked = {link.parent for table in tables for link in table.links}
    leaves = [table for table in tables if table.name not in linked]
    if len(tables) > 4 and len(leaves) > 1 and rng.random() < 0.5:
        tables.remove(rng.choice(leaves))
    return Schema(domain, tuple(_thinned(rng, table) for table in tables))


def _thinned(rng: random.Random, table: Table) -> Table:
    """Without one of its columns where it has four or more of its own; keys, labels and links stay."""
    free = [column for column in table.columns if column.kind not in {"key", "label", "link"}]
    kept = table.columns
    if len(free) > 3 or (len(free) == 3 and rng.random() < 0.3):
        gone = rng.choice([column for column in free if column.kind != "category"])
        kept = tuple(column for column in kept if column != gone)
    return Table(table.name, table.singular, table.plural, kept, table.links)


def _parse(line: str) -> Table:
    names, links, columns = (part.strip() for part in line.split(";"))
    singular, plural = names.split("|")
    parsed = [Link(f"{parent}_id", parent, words) for parent, words in (_pair(each) for each in _items(links))]
    own = [_column(each) for each in _items(columns)]
    keys = [Column(f"{singular}_id", "id", "key")]
    foreign = [Column(link.column, f"{link.parent} id", "link") for link in parsed]
    return Table(singular, singular, plural, (*keys, *own, *foreign), tuple(parsed))


def _column(text: str) -> Column:
    name, rest = _pair(text)
    kind, *more = rest.split()
    optional = more[-1:] == ["?"]
    more = more[:-1] if optional else more
    kinds: dict[str, Kind] = {
        "label": "label",
        "category": "category",
        "number": "number",
        "money": "money",
        "year": "year",
        "date": "date",
    }
    words = name.replace("_", " ")
    if kind in {"label", "category"}:
        return Column(name, words, kinds[kind], pool=more[0])
    low, high = (int(more[0]), int(more[1])) if more else (0, 0)
    return Column(name, words, kinds[kind], low, high, optional=optional)


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _pair(text: str) -> tuple[str, str]:
    first, _, second = text.strip().partition(":")
    return first, second
