"""What `methodical_writing.yaml` asks: one case of one method, its text in sections, and texts with one slip each."""

import re
from random import Random
from typing import Any

from tasks.families.methodical_writing._case import Case, Finding
from tasks.families.methodical_writing._methods import METHODS

OUTPUT = "report.md"


def draw_method(rng: Random) -> dict[str, Any]:
    name = rng.choice(sorted(METHODS))
    case = METHODS[name](rng)
    most = len(compose(case).split()) + rng.choice([60, 80, 120])
    headings = [heading for heading, _ in case.sections]
    constraints: list[dict[str, Any]] = [
        {"kind": "sections", "headings": headings, "exactly": True, "name": "sections in their order"},
        {"kind": "words", "max": most, "name": f"at most {most} words"},
        *(
            {"kind": "pattern", "value": pattern_of(each), "name": f"{each.section}: {each.asks}"}
            for each in case.findings
        ),
    ]
    return {
        "name": name,
        "field": case.field,
        "objective": case.objective,
        "procedure": list(case.procedure),
        "sections": [
            {"heading": heading, "holds": holds, "gives": _asked(case, heading)} for heading, holds in case.sections
        ],
        "most": most,
        "data_name": case.data_name,
        "files": {case.data_name: case.data},
        "text": compose(case),
        "grading": {"constraints": constraints, "output": OUTPUT, "least_words": 10},
        "decoys": [{OUTPUT: text} for text in slips(rng, case)],
    }


def compose(case: Case, *, wrong: Finding | None = None) -> str:
    """The whole text; with the slip instead of the value of one finding."""
    parts = []
    for heading, _ in case.sections:
        sentences = [case.fixed[heading]] if heading in case.fixed else []
        for each in case.findings:
            if each.section == heading:
                sentences.append(each.says.format(v=each.slip if each is wrong else each.value))
        parts.append(f"## {heading}\n\n{' '.join(sentences)}\n")
    return "\n".join(parts)


def pattern_of(finding: Finding) -> str:
    """The value as words of its own somewhere between the section's heading and the next one."""
    heading, value = re.escape(finding.section), re.escape(finding.value)
    if finding.value.isdigit() and len(finding.value) > 3:
        value = f"(?:{value}|{int(finding.value):,})"
    signs = "−-" if finding.value.isdigit() else ""  # what is 4 is not -4  # noqa: RUF001
    return rf"^#+ *{heading} *#*$(?:\n(?!#).*)*?\n(?!#).*?(?<![\w.,{signs}]){value}(?![\w]|[.,]\d)"


def slips(rng: Random, case: Case) -> list[str]:
    """One wrong finding each (two of them), the findings in the wrong section, a section left out."""
    real = [each for each in case.findings if each.slip != each.value]
    texts = [compose(case, wrong=each) for each in rng.sample(real, min(2, len(real)))]
    whole = compose(case)
    first, second = case.sections[0][0], case.sections[1][0]
    texts.append(whole.replace(f"## {first}", "## \0").replace(f"## {second}", f"## {first}").replace("\0", second))
    last = case.sections[-1][0]
    texts.append(whole.replace(f"## {last}\n\n", ""))
    return texts


def _asked(case: Case, heading: str) -> list[str]:
    return [each.asks for each in case.findings if each.section == heading]
