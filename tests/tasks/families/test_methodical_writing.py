"""Reports by a procedure: the findings follow from the data, and a passed-over step shows."""

import csv
import io
from random import Random
from typing import Any

import pytest

from environments import Backend
from tasks.families.constrained_writing._decoys import faults
from tasks.families.methodical_writing._case import Case
from tasks.families.methodical_writing._methods import METHODS
from tasks.families.methodical_writing.method import compose, draw_method, pattern_of
from tasks.verifiers.graded import grade_files


def constraints(case: Case) -> list[dict[str, Any]]:
    return [{"kind": "pattern", "value": pattern_of(each)} for each in case.findings]


def rows(case: Case) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(case.data)))


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_slip_is_seen_in_its_place_and_nowhere_else(name: str) -> None:
    for seed in range(20):
        case = METHODS[name](Random(seed))
        assert not faults(compose(case), constraints(case))
        for at, finding in enumerate(case.findings):
            if finding.slip != finding.value:
                assert faults(compose(case, wrong=finding), constraints(case)) == [at]


def test_a_finding_in_another_section_does_not_count() -> None:
    case = METHODS["stock_review"](Random(1))
    moved = (
        compose(case)
        .replace("## Order", "## X")
        .replace("## Largest position", "## Order")
        .replace("## X", "## Largest position")
    )
    assert len(faults(moved, constraints(case))) == len(case.findings)


def test_stock_is_ordered_up_to_the_least() -> None:
    for seed in range(20):
        case = METHODS["stock_review"](Random(seed))
        missing = {
            row["item"]: max(0, int(row["least"]) - int(row["stock"]) - int(row["on_its_way"])) * int(row["price"])
            for row in rows(case)
        }
        found = {finding.asks: finding.value for finding in case.findings}
        assert found["the total cost"] == str(sum(missing.values()))
        assert missing[found["the item"]] == max(missing.values())


def test_faulty_probes_do_not_count() -> None:
    for seed in range(20):
        case = METHODS["water_survey"](Random(seed))
        kept: dict[str, list[float]] = {}
        for row in rows(case):
            if row["probe"] == "ok":
                kept.setdefault(row["site"], []).append(float(row["nitrate"]))
        means = {site: sum(values) / len(values) for site, values in kept.items()}
        found = {finding.asks: finding.value for finding in case.findings}
        assert found["the site with the highest mean"] == max(means, key=lambda site: means[site])
        assert found["how many readings count"] == str(sum(map(len, kept.values())))
        assert float(found["the highest mean"]) == pytest.approx(max(means.values()), abs=0.05)


def test_numbers_with_commas_count() -> None:
    case = METHODS["energy_audit"](Random(3))
    (total,) = [finding for finding in case.findings if finding.asks == "the sum of all houses"]
    text = compose(case).replace(total.value, f"{int(total.value):,}")
    assert "," in f"{int(total.value):,}" and not faults(text, constraints(case))


async def test_the_grader_wants_sections_in_order_and_few_words(bubblewrap: Backend) -> None:
    drawn = draw_method(Random(5))
    text = drawn["text"]
    long = text + "word " * 300
    for content, is_right in ((text, True), (long, False), *((each["report.md"], False) for each in drawn["decoys"])):
        verdict = await grade_files("constraints", drawn["grading"], {"report.md": content.encode()}, bubblewrap)
        assert verdict.is_solved is is_right
        assert is_right or 0 < verdict.reward < 1
