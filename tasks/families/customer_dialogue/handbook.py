"""The handbook that the agent finds: the workflows with this company's rules, and every action."""

from typing import Any

from tasks.families.customer_dialogue.flows import FLOWS
from tasks.families.customer_dialogue.policy import Policy, actions_of

_TYPES = {"text": "text", "number": "number", "date": "date as 2027-03-05"}


def handbook(company: str, policy: Policy) -> str:
    lines = [
        f"# {company}: handbook of the customer service",
        "",
        f"Today is {policy.today}. The age of an order is the days from its `ordered_on` until today.",
        "",
        "## Every conversation",
        "",
        f"1. `pull_up_account` by {' and '.join(policy.look_up)}. It gives the customer's level and what is due.",
        f"2. `verify_identity` by {' and '.join(policy.proofs)}. Both once only, however many matters there are.",
        "3. Find out what the matter is, and go through its workflow, step by step, in the order given here.",
        "4. When the case is closed, ask whether there is anything else. Another matter has its own workflow.",
        "",
        "Only the customer's matter is settled, and by the one workflow that is about it. Where a step does not apply, "
        "leave it out. Write values as they are: texts as the customer has them in the account, dates as 2027-03-05, "
        "amounts as numbers.",
        "",
        "## Workflows",
    ]
    for flow in FLOWS.values():
        lines += ["", f"### {flow.title}", ""]
        lines += [f"{number}. {step}" for number, step in enumerate(flow.told(policy), start=1)]
    lines += ["", "## Actions", "", "`POST /actions/NAME` with the arguments as a JSON object.", ""]
    for name, action in actions_of(policy).items():
        arguments = ", ".join(f"{each} ({_kind(kind)})" for each, kind in action["arguments"].items())
        lines.append(f"- `{name}`: {arguments}")
    return "\n".join(lines) + "\n"


def _kind(kind: Any) -> str:
    return _TYPES[kind] if isinstance(kind, str) else "one of " + ", ".join(map(str, kind))
