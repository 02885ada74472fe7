"""Services with rules that depend on the person: documents and dialogues are made of them.

A rule's passages differ in a value and in whom they hold for; the dialogue says whom it is about.
"""

from dataclasses import dataclass

Says = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Rule:
    """`cases`: whom a passage holds for, by a fact of the person; `{v}` in `passage` is its value.

    `asks`: how the user comes to it; `says`: case to how the user tells the fact; `reply`: the short answer.
    """

    heading: str
    cases: tuple[str, ...]
    passage: dict[str, str]
    asks: tuple[str, ...]
    says: Says
    unit: str
    numbers: tuple[int, int]


@dataclass(frozen=True)
class Service:
    name: str
    opening: str
    rules: tuple[Rule, ...]
    asides: tuple[str, ...]


_AGE: Says = {
    "young": ("I am 16.", "I turned 17 last week.", "I am still under 18."),
    "adult": ("I am 35.", "I am 42 years old.", "I am a grown-up, 29."),
    "old": ("I am 70.", "I turned 66 in spring.", "I am 81 years old."),
}
_HOME: Says = {
    "inside": ("I live in the town.", "My flat is in the town itself.", "I moved into the town last year."),
    "outside": ("I live in another town.", "I come from outside.", "My house is a few villages away."),
}
_FORM: Says = {
    "paper": ("I would send it by post.", "I only have the paper form.", "I will bring the sheet to the desk."),
    "online": ("I would do it on your page.", "I use the form on the internet.", "I will fill it in online."),
}
_KIND: Says = {
    "first": ("It is my first one.", "I never had one before.", "This would be the first."),
    "again": ("I had one before.", "It is not my first.", "I only want to renew it."),
}


def _age(heading: str, subject: str, asks: tuple[str, ...], unit: str, numbers: tuple[int, int]) -> Rule:
    passage = {
        "young": f"For people under 18 {subject} {{v}} {unit}.",
        "adult": f"Adults from 18 to 64 years: {subject} {{v}} {unit}.",
        "old": f"From the age of 65, {subject} {{v}} {unit}.",
    }
    return Rule(heading, ("young", "adult", "old"), passage, asks, _AGE, unit, numbers)


def _home(heading: str, subject: str, asks: tuple[str, ...], unit: str, numbers: tuple[int, int]) -> Rule:
    passage = {
        "inside": f"Whoever lives in the town: {subject} {{v}} {unit}.",
        "outside": f"For all who live elsewhere {subject} {{v}} {unit}.",
    }
    return Rule(heading, ("inside", "outside"), passage, asks, _HOME, unit, numbers)


def _form(heading: str, subject: str, asks: tuple[str, ...], unit: str, numbers: tuple[int, int]) -> Rule:
    passage = {
        "paper": f"With the paper form {subject} {{v}} {unit}.",
        "online": f"With the online form {subject} {{v}} {unit}.",
    }
    return Rule(heading, ("paper", "online"), passage, asks, _FORM, unit, numbers)


def _kind(heading: str, subject: str, asks: tuple[str, ...], unit: str, numbers: tuple[int, int]) -> Rule:
    passage = {
        "first": f"For the first one {subject} {{v}} {unit}.",
        "again": f"For every further one {subject} {{v}} {unit}.",
    }
    return Rule(heading, ("first", "again"), passage, asks, _KIND, unit, numbers)


SERVICES: tuple[Service, ...] = (
    Service(
        "library card",
        "The library of {town} lends to everyone who has a card.",
        (
            _age("Fees", "the card costs", ("What do I pay for it?", "And the price?"), "euros a year", (3, 40)),
            _home(
                "Loans",
                "one may keep a book for",
                ("How long may I keep a book?", "For how long, then?"),
                "days",
                (10, 60),
            ),
            _form("Processing", "the card is made within", ("When do I get it?", "How fast is that?"), "days", (2, 28)),
            _kind(
                "Deposit", "the deposit is", ("Is there a deposit?", "What do I leave as a deposit?"), "euros", (5, 50)
            ),
        ),
        ("Do you have maps too?", "Is the reading room open today?", "My sister told me about it."),
    ),
    Service(
        "parking permit",
        "The town of {town} gives permits for parking in the old streets.",
        (
            _home(
                "Fees", "the permit costs", ("What does it cost?", "And what would I have to pay?"), "euros", (20, 200)
            ),
            _kind(
                "Validity", "the permit is valid for", ("How long is it good for?", "For how long?"), "months", (3, 36)
            ),
            _form(
                "Processing",
                "the permit comes within",
                ("When will it arrive?", "How long do I wait?"),
                "weeks",
                (1, 9),
            ),
            _age(
                "Visitors",
                "the yearly number of visitor tickets is",
                ("How many visitors may park?", "And for visitors?"),
                "tickets",
                (2, 30),
            ),
        ),
        ("Parking is awful here.", "I drive a small car.", "Is the office near the bridge?"),
    ),
    Service(
        "swimming course",
        "The pool of {town} has courses in every month but July.",
        (
            _age("Fees", "the course costs", ("How much is the course?", "And the price for me?"), "euros", (15, 150)),
            _kind(
                "Length", "the course has", ("How many lessons are there?", "How often do we meet?"), "lessons", (4, 20)
            ),
            _home(
                "Places",
                "the list is open from day",
                ("When may I put my name down?", "From which day?"),
                "of the month",
                (2, 25),
            ),
            _form(
                "Cancelling",
                "one can cancel until",
                ("Until when can I cancel?", "And if I cannot come?"),
                "days before",
                (2, 21),
            ),
        ),
        ("The water looks cold.", "Do I need a cap?", "A friend of mine will come too."),
    ),
    Service(
        "garden plot",
        "The garden club of {town} lets plots along the river.",
        (
            _home(
                "Rent", "the rent is", ("What is the rent?", "And what would it cost me?"), "euros a year", (40, 300)
            ),
            _age(
                "Work days",
                "the number of work days a year is",
                ("How many days must I help?", "And the work days?"),
                "days",
                (1, 14),
            ),
            _kind("Waiting", "the wait is about", ("How long is the list?", "When could I start?"), "months", (2, 30)),
            _form(
                "Answer", "an answer comes within", ("When do you answer?", "When do I hear from you?"), "weeks", (1, 9)
            ),
        ),
        ("I love tomatoes.", "Are there sheds?", "May dogs come along?"),
    ),
    Service(
        "museum pass",
        "The pass opens all museums of {town}.",
        (
            _age("Fees", "the pass costs", ("How much do I pay?", "And my price?"), "euros", (8, 90)),
            _kind(
                "Validity",
                "the pass is valid for",
                ("How long can I use it?", "How long does it last?"),
                "months",
                (2, 24),
            ),
            _home(
                "Guests",
                "the number of guests one may bring is",
                ("May I bring guests?", "How many may come along?"),
                "guests",
                (1, 9),
            ),
            _form(
                "Delivery", "the pass is sent within", ("When is it here?", "How soon do I have it?"), "days", (1, 20)
            ),
        ),
        ("I like old clocks.", "Is there a cafe?", "Last time it rained."),
    ),
)
