"""The pages of a site: lists of several things a page, a page for each thing, region and company, notices."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from tasks.families import _words
from tasks.families.wide_search.entities import Entity
from tasks.families.wide_search.subjects import Subject
from tasks.families.wide_search.writing import written_date, written_measure

CARDS = 12
_NOTICES = 8
_NEWS = (
    "The {feature} of {name} is closed for repairs.",
    "A new path leads to {name}.",
    "Photographs of {name} are wanted for the calendar.",
    "{name} had more visitors than in any year before.",
)


@dataclass(frozen=True)
class Site:
    title: str
    subject: Subject
    entities: Sequence[Entity]
    shows_all: bool  # cards tell date and first measure, too


def build(rng: random.Random, site: Site) -> dict[str, Any]:
    """What the server reads."""
    pages = {"/": _home(site)}
    pages |= _lists(rng, site)
    for entity in site.entities:
        pages[entity.path] = _page(site, entity.name, _details(rng, site.subject, entity))
    pages |= _regions(rng, site) | _companies(rng, site) | _notices(rng, site)
    index = [
        [entity.name, entity.path, f"{entity.name} {entity.kind} {entity.region.name}".lower()]
        for entity in sorted(site.entities, key=lambda entity: entity.name)
    ]
    return {"pages": pages, "index": index}


def _page(site: Site, title: str, body: str) -> str:
    plural = site.subject.plural
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)} - {escape(site.title)}"
        f"</title></head><body><nav><a href='/'>Home</a> <a href='/{plural}'>All {plural}</a> "
        f"<a href='/regions'>Regions</a> <a href='/companies'>Companies</a> <a href='/notices'>Notices</a>"
        f"<form action='/search'><input name='q'><button>Search</button></form></nav>"
        f"<h1>{escape(title)}</h1>{body}</body></html>"
    )


def _home(site: Site) -> str:
    return _page(
        site,
        site.title,
        f"<p>The register of {len(site.entities)} {site.subject.plural}. Its entries were written by many hands, each "
        "in the form and the units that its writer was used to. Dates with dots have the day first.</p>"
        "<p>The search looks for words in names, kinds and regions.</p>",
    )


def _lists(rng: random.Random, site: Site) -> dict[str, str]:
    """Cards, in no useful order; twelve a page, in a markup that differs from page to page."""
    plural = site.subject.plural
    total = -(-len(site.entities) // CARDS)
    pages = {}
    for number in range(1, total + 1):
        cards = [_card(rng, site, entity) for entity in site.entities[(number - 1) * CARDS : number * CARDS]]
        style = rng.randrange(3)
        if style == 0:
            rows = "".join(
                f"<tr><td>{title}</td>{''.join(f'<td>{each}</td>' for each in facts)}</tr>" for title, facts in cards
            )
            body = f"<table class='register'>{rows}</table>"
        elif style == 1:
            body = "".join(
                f"<div class='card'><h2>{title}</h2><p>{'<br>'.join(facts)}</p></div>" for title, facts in cards
            )
        else:
            body = "<ul>" + "".join(f"<li>{title} ({'; '.join(facts)})</li>" for title, facts in cards) + "</ul>"
        links = [f"<a href='/{plural}?page={number - 1}'>previous</a>" if number > 1 else "",
                 f"<a href='/{plural}?page={number + 1}'>next</a>" if number < total else ""]  # fmt: skip
        body += f"<p>Page {number} of {total} {' '.join(links)}</p>"
        pages[f"/{plural}" + (f"?page={number}" if number > 1 else "")] = _page(site, f"All {plural}", body)
    return pages


def _card(rng: random.Random, site: Site, entity: Entity) -> tuple[str, list[str]]:
    facts = [f"{entity.kind} {site.subject.name}", _link(entity.region.path, entity.region.name)]
    if site.shows_all:
        measure = site.subject.measures[0]
        facts.append(f"{site.subject.date[0]}: {written_date(rng, entity.date)}")
        facts.append(f"{measure.name}: {written_measure(rng, measure, entity.measures[measure.name])}")
    return _link(entity.path, entity.name), facts


def _details(rng: random.Random, subject: Subject, entity: Entity) -> str:
    """One of three forms: a table, a list of terms, or running text."""
    day = written_date(rng, entity.corrected.get("date", entity.date))
    measures = [(each, written_measure(rng, each, entity.corrected.get(each.name, entity.measures[each.name])))
                for each in subject.measures]  # fmt: skip
    region, maker = _link(entity.region.path, entity.region.name), _link(entity.maker.path, entity.maker.name)
    site = f"<a href='{entity.website}'>{entity.website}</a>"
    features = entity.features
    style = rng.randrange(3)
    if style == 2:
        have = ", ".join(features[:-1]) + (" and " if len(features) > 1 else "") + features[-1]
        told = [f"It {each.said.format(value=value)}." for each, value in measures]
        told.append(f"It {subject.date[1].format(value=day)}.")
        rng.shuffle(told)
        return (
            f"<p>{escape(entity.name)} is a {entity.kind} {subject.name} in {region}. {' '.join(told)} "
            f"Its {subject.maker} is {maker}. Visitors find: {have}.</p><p>See {site}.</p>"
        )
    facts = [
        ("kind", entity.kind),
        ("region", region),
        (subject.date[0], day),
        *((each.name, value) for each, value in measures),
        (subject.maker, maker),
        ("features", ", ".join(features)),
        ("website", site),
    ]
    rng.shuffle(facts)
    if style == 0:
        return (
            "<table>"
            + "".join(f"<tr><th>{name.capitalize()}</th><td>{value}</td></tr>" for name, value in facts)
            + "</table>"
        )
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts) + "</dl>"


def _regions(rng: random.Random, site: Site) -> dict[str, str]:
    coasts = {"north": "It lies on the northern coast.", "south": "It lies on the southern coast.",
              "none": "It lies inland."}  # fmt: skip
    regions = sorted({entity.region for entity in site.entities}, key=lambda region: region.name)
    pages = {"/regions": _page(site, "Regions", _links((each.path, each.name) for each in regions))}
    for region in regions:
        told = f"{region.name} is governed by {escape(region.governor)}. {coasts[region.coast]}"
        told += f" Its code is {region.code}."
        pages[region.path] = _page(site, region.name, f"<p>{told}</p>")
    return pages


def _companies(rng: random.Random, site: Site) -> dict[str, str]:
    makers = sorted({entity.maker for entity in site.entities}, key=lambda maker: maker.name)
    pages = {"/companies": _page(site, "Companies", _links((each.path, each.name) for each in makers))}
    for maker in makers:
        told = rng.choice(
            (
                f"{escape(maker.name)} was founded in {maker.founded} and has its seat in {maker.seat}.",
                f"Seat: {maker.seat}. Founded: {maker.founded}.",
            )
        )
        pages[maker.path] = _page(site, maker.name, f"<p>{told}</p>")
    return pages


def _notices(rng: random.Random, site: Site) -> dict[str, str]:
    """Corrections among news of no use."""
    subject = site.subject
    notices = []
    for entity in site.entities:
        for what, wrong in entity.corrected.items():
            link = _link(entity.path, entity.name)
            if what == "date":
                right, was = written_date(rng, entity.date), written_date(rng, wrong)
                notices.append(f"Correction: {link} {subject.date[1].format(value=right)}, not on {was}.")
            else:
                measure = next(each for each in subject.measures if each.name == what)
                right = written_measure(rng, measure, entity.measures[what])
                notices.append(f"Correction: the {what} of {link} is {right}; its page is wrong.")
    for _ in range(12 + len(notices) // 2):
        entity = rng.choice(site.entities)
        notices.append(
            rng.choice(_NEWS).format(name=_link(entity.path, entity.name), feature=rng.choice(subject.features))
        )
    rng.shuffle(notices)
    total = -(-len(notices) // _NOTICES)
    pages = {}
    for number in range(1, total + 1):
        items = notices[(number - 1) * _NOTICES : number * _NOTICES]
        day = written_date(rng, _words.date(rng, 2023, 2025))
        more = f"<a href='/notices?page={number + 1}'>older notices</a>" if number < total else ""
        body = f"<p>{day}</p>" + "".join(f"<p>{each}</p>" for each in items) + more
        pages["/notices" + (f"?page={number}" if number > 1 else "")] = _page(site, "Notices", body)
    return pages


def _links(links: Any) -> str:
    return "<ul>" + "".join(f"<li>{_link(path, name)}</li>" for path, name in links) + "</ul>"


def _link(path: str, name: str) -> str:
    return f"<a href='{path}'>{escape(name)}</a>"
