"""How the customer says things: plainly, or so that one must listen."""

import random
from typing import Any

from tasks.families._words import MONTHS
from tasks.families.customer_dialogue.policy import Case

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_PERIODS = {
    1: "One month will do.",
    3: "For a quarter of a year.",
    6: "Half a year, please.",
    12: "A whole year, please.",
    18: "A year and a half.",
    24: "Two years, please.",
}
# Flow or reason -> as people tell it, and plainly.
PROBLEMS = {
    "broken": ("It fell into two pieces when I took it out of the box.", "The {item} came broken."),
    "scratched": ("Somebody must have dragged it over gravel, there are marks all over.", "The {item} is scratched."),
    "stained": ("There is a spot on it that no soap takes away.", "The {item} has a stain."),
    "missing_part": ("I emptied the box twice, and one piece that should be in it is not.",
                     "A part of the {item} is missing."),
    "size": ("It is lovely, but nobody in the family gets into it.", "The {item} has the wrong size; I want another."),
    "returned": ("It is all fine with it, I just do not want it any more.", "I want to give the {item} back."),
    "missing": ("I have waited at the window for days, and nothing came.", "The parcel with the {item} has not come."),
    "address": ("I am moving, and the {item} would come to an empty flat.", "The {item} should go to another address."),
    "cancel": ("My sister has bought the very same thing, now I do not need a second one.",
               "I want to cancel the order of the {item}."),
    "billing": ("I looked at my card, and you took more than the price on the page.",
                "You charged too much for the {item}."),
    "subscription": ("I would like to go on reading your magazine.", "I want to extend my subscription."),
    "phone": ("You can not reach me as before, I have changed my number.", "I have a new phone number."),
    "email": ("My old mail box is gone.", "I have a new e-mail address."),
}  # fmt: skip
OPENINGS = (
    "Hello? I need help with something that I have from you.",
    "Good day. I hope that you can sort something out for me.",
    "Hi, is this the right place for complaints and the like?",
    "Hello, I have a matter with your company.",
)
_PLAIN = {
    "full_name": "My name is {}.",
    "zip": "The zip code is {}.",
    "customer_number": "My customer number is {}.",
    "order_id": "The order number is {}.",
    "phone": "My phone number is {}.",
    "email": "My e-mail address is {}.",
    "pin": "The PIN is {}.",
    "code": "The code is {}.",
    "new_street": "The new address is {}.",
    "size": "Size {}, please.",
    "charged": "I was charged {:.2f}.",
    "months": "{} months, please.",
    "method": "By {}.",
    "new_value": "The new one is {}.",
}


def told(rng: random.Random, slot: str, value: Any, *, is_tricky: bool, case: Case, other: dict[str, str]) -> list[str]:
    """First answer and plain answer. `other`: {order_id, item} of another order."""
    plain = _plain(slot, value)
    return [_tricky(rng, slot, value, case, other) or plain if is_tricky else plain, plain]


def _plain(slot: str, value: Any) -> str:
    match slot:
        case "birthday":
            return f"I was born on {spoken_date(value)}."
        case "pickup_day":
            return f"On {spoken_date(value)}, please."
        case "preference":
            return "A refund, please." if value == "refund" else "A replacement, please."
        case "neighbours":
            return "Yes, I have asked the neighbours." if value == "yes" else "No, I have not asked the neighbours."
        case _:
            return _PLAIN[slot].format(value)


def _tricky(rng: random.Random, slot: str, value: Any, case: Case, other: dict[str, str]) -> str:
    match slot:
        case "zip" | "pin":
            if rng.random() < 0.5:
                return f"{' '.join(_DIGITS[int(digit)] for digit in value).capitalize()}."
            return f"{misread(rng, value)} - no, wait, I mixed that up: {value}."
        case "customer_number" | "code":
            return f"{misread(rng, value)}, I think. Let me look. No: {value}."
        case "order_id":
            return f"I have two slips here. {other['order_id']} is for the {other['item']}, and this one is {value}."
        case "phone":
            return f"{value}. Do not take {misread(rng, value)}, that is my mother's."
        case "email" | "new_value" if "@" in str(value):
            name, _, host = value.partition("@")
            return f"{name.replace('.', ' dot ')} at {host.replace('.', ' dot ')}, all in small letters."
        case "new_value":
            return f"{value}. The {case.account['phone']} that you have is no longer mine."
        case "birthday":
            year, month, day = value.split("-")
            return f"{MONTHS[int(month) - 1]} the {ordinal(int(day))}, and the year was {year}."
        case "new_street":
            number, _, street = value.partition(" ")
            return f"{street}, number {number}. I used to live at {case.order['street']}."
        case "pickup_day":
            year, month, day = value.split("-")
            early = max(1, int(day) - 2)
            when = f"the {ordinal(int(day))} of {MONTHS[int(month) - 1]} {year}"
            return f"On the {ordinal(early)} I am away. Come on {when}."
        case "charged":
            return f"The page said {case.order['price']:.2f}, and my card says {value:.2f}."
        case "preference":
            if value == "refund":
                return "Another one of these? No, thank you. I want my money."
            return "What should I do with the money? I want one that is in order."
        case "neighbours":
            if value == "yes":
                return "I rang at every door of the house, and none of them has it."
            return "They are all away, so I could not ask a single one of them."
        case "months":
            return _PERIODS.get(value, "")
        case "method":
            if value == "card":
                return "Not from the bank, there is nothing left there. I have the card here."
            return "The card has run out. Take it from my bank."
        case "size":
            return f"I have had {case.order['size']} until now. Make that {value}."
        case _:
            return ""


def misread(rng: random.Random, value: str) -> str:
    """Two neighbouring digits the other way round, or one digit another."""
    places = [i for i in range(len(value) - 1) if value[i : i + 2].isdigit() and value[i] != value[i + 1]]
    if places:
        place = rng.choice(places)
        return f"{value[:place]}{value[place + 1]}{value[place]}{value[place + 2 :]}"
    last = max(i for i, sign in enumerate(value) if sign.isdigit())
    return f"{value[:last]}{(int(value[last]) + 1) % 10}{value[last + 1 :]}"


def spoken_date(day: str) -> str:
    year, month, number = (int(part) for part in day.split("-"))
    return f"{number} {MONTHS[month - 1]} {year}"


def ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
