"""The relations of an archive: each leads from one thing to exactly one other, so a description by it is unique."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Relation:
    """`kind`: of what it starts from; `type`: of what it leads to. `{x}` stands for the thing's name."""

    name: str
    kind: str
    type: str
    question: str
    description: str


RELATIONS: tuple[Relation, ...] = (
    Relation("birthplace", "person", "place", "In which town was {x} born?", "the town where {x} was born"),
    Relation("birth_year", "person", "year", "In which year was {x} born?", "the year in which {x} was born"),
    Relation("painter", "person", "person", "Who painted {x}?", "the person who painted {x}"),
    Relation("school", "person", "school", "At which school did {x} study?", "the school where {x} studied"),
    Relation("employer", "person", "company", "For which company does {x} work?", "the company that employs {x}"),
    Relation("mayor", "place", "person", "Who is the present mayor of {x}?", "the person who is mayor of {x} now"),
    Relation("population", "place", "number", "How many people live in {x}?", "the number of people who live in {x}"),
    Relation("charter", "place", "year", "In which year did {x} get its charter?", "the year of the charter of {x}"),
    Relation(
        "coach",
        "place",
        "place",
        "To which town does the coach from {x} go?",
        "the town where the coach from {x} goes",
    ),
    Relation("river", "place", "river", "On which river does {x} lie?", "the river on which {x} lies"),
    Relation("founder", "company", "person", "Who founded {x}?", "the person who founded {x}"),
    Relation("seat", "company", "place", "In which town does {x} have its seat now?", "the town where {x} now sits"),
    Relation("opened", "company", "year", "In which year was {x} founded?", "the year in which {x} was founded"),
    Relation("staff", "company", "number", "How many people does {x} employ?", "the number of employees of {x}"),
    Relation("supplier", "company", "company", "Which company supplies {x}?", "the company that supplies {x}"),
    Relation("author", "work", "person", "Who wrote {x}?", "the person who wrote {x}"),
    Relation("published", "work", "year", "In which year was {x} published?", "the year in which {x} was published"),
    Relation("publisher", "work", "company", "Which company published {x}?", "the company that published {x}"),
    Relation("setting", "work", "place", "In which town is {x} set?", "the town where {x} is set"),
    Relation("translator", "work", "person", "Who translated {x}?", "the person who translated {x}"),
    Relation("pages", "work", "number", "How many pages does {x} have?", "the number of pages of {x}"),
    Relation("head", "school", "person", "Who is the head of {x}?", "the person who heads {x}"),
    Relation("home", "school", "place", "In which town is {x}?", "the town where {x} stands"),
    Relation("started", "school", "year", "In which year did {x} open?", "the year in which {x} opened"),
)
