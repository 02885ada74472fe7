"""What `document_dialogue.yaml` asks: a document, a dialogue up to the last question, the passage and the answer."""

from random import Random
from typing import Any

from tasks.families import _words
from tasks.families.document_dialogue._services import SERVICES, Rule, Service

SPAN, REPLY = "span.txt", "reply.txt"
_ACKNOWLEDGED = ("Thank you, noted.", "I see.", "Good to know.", "All right.")
_CORRECTIONS = ("No wait, I mixed that up.", "Sorry, that was about my brother.", "Oh, I have to correct myself.")


def draw_dialogue(rng: Random) -> dict[str, Any]:
    """`turns`: user and agent in turn; the last one is the user's question."""
    service = rng.choice(SERVICES)
    town = rng.choice(_words.TOWNS)
    values = {rule.heading: _values(rng, rule) for rule in service.rules}
    document = _document(rng, service, town, values)
    rule, earlier = rng.sample(service.rules, 2)
    case = rng.choice(rule.cases)
    turns, corrected = _turns(rng, service, town, rule, earlier, case, values)
    passage = rule.passage[case].format(v=values[rule.heading][case])
    reply = f"{values[rule.heading][case]} {rule.unit}"
    others = [each for each in rule.cases if each != case]
    wrong = corrected or rng.choice(others)
    return {
        "service": service.name,
        "document": document,
        "turns": turns,
        "is_corrected": bool(corrected),
        "files": {"document.md": document, "dialogue.txt": "\n".join(turns) + "\n"},
        "span": passage,
        "reply": reply,
        "grading": {
            "graders": [
                {
                    "name": "grounding",
                    "grader": "answer",
                    "data": {"answers": [passage], "output": SPAN, "partial": "token_f1"},
                },
                {
                    "name": "answer",
                    "grader": "answer",
                    "data": {"answers": _accepted(reply), "output": REPLY, "ignore_punctuation": True},
                },
            ]
        },
        "decoys": [
            _handed_in(
                rule.passage[wrong].format(v=values[rule.heading][wrong]), f"{values[rule.heading][wrong]} {rule.unit}"
            ),
            _handed_in(passage, f"{values[rule.heading][wrong]} {rule.unit}"),
            _handed_in(f"## {rule.heading}", reply),
        ],
    }


def _values(rng: Random, rule: Rule) -> dict[str, int]:
    return dict(zip(rule.cases, rng.sample(range(*rule.numbers), len(rule.cases)), strict=True))


def _document(rng: Random, service: Service, town: str, values: dict[str, dict[str, int]]) -> str:
    parts = [f"# {service.name.capitalize()}\n\n{service.opening.format(town=town)}\n"]
    for rule in rng.sample(service.rules, len(service.rules)):
        passages = [rule.passage[case].format(v=values[rule.heading][case]) for case in rule.cases]
        rng.shuffle(passages)
        parts.append(f"## {rule.heading}\n\n" + " ".join(passages) + "\n")
    return "\n".join(parts)


def _turns(
    rng: Random,
    service: Service,
    town: str,
    rule: Rule,
    earlier: Rule,
    case: str,
    values: dict[str, dict[str, int]],
) -> tuple[list[str], str]:
    """The dialogue, and the case that the user named first by mistake ('' where there was none)."""
    first_case = rng.choice(earlier.cases)
    turns = [f"User: Hello, I am interested in a {service.name} in {town}. {rng.choice(service.asides)}"]
    turns.append("Agent: Welcome. What would you like to know?")
    if earlier.says is rule.says:
        first_case = case
    turns.append(f"User: {rng.choice(earlier.asks)} {rng.choice(earlier.says[first_case])}")
    turns.append(f"Agent: {values[earlier.heading][first_case]} {earlier.unit}.")
    corrected = ""
    if rng.random() < 0.5:
        corrected = rng.choice([each for each in rule.cases if each != case])
        turns.append(f"User: {rng.choice(_ACKNOWLEDGED)} {rng.choice(rule.says[corrected])}")
        turns.append("Agent: I will keep that in mind.")
        turns.append(f"User: {rng.choice(_CORRECTIONS)} {rng.choice(rule.says[case])}")
    else:
        turns.append(f"User: {rng.choice(_ACKNOWLEDGED)} {rng.choice(rule.says[case])}")
    turns.append(f"Agent: {rng.choice(_ACKNOWLEDGED)} Anything else?")
    turns.append(f"User: {rng.choice(service.asides)} {rng.choice(rule.asks)}")
    return turns, corrected


def _accepted(reply: str) -> list[str]:
    """The number with its unit, with the unit's first word, and alone."""
    number, _, unit = reply.partition(" ")
    short = [f"{number} {unit.split()[0]}"] if not unit.startswith("of ") else []
    return list(dict.fromkeys([reply, *short, number]))


def _handed_in(span: str, reply: str) -> dict[str, str]:
    return {SPAN: f"{span}\n", REPLY: f"{reply}\n"}
