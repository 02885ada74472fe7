"""Stories: numbers in the order of the text, the right number of steps, programs that a constant cannot stand for."""

import random
import re
from collections import Counter

import pytest

from environments import Backend
from tasks.families.word_problems.story import Story, stories, tell
from tasks.families.word_problems.world import digits_in, make_world, program, run
from tasks.verifiers.graded import grade_files

ALL = random.Random("problems")
WORLDS = [make_world(ALL, ALL.choice((2, 3, 4, 5, 6)), ALL.choice((0, 1, 2))) for _ in range(150)]


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)
def test_a_story_names_what_it_uses(story: Story) -> None:
    known = {"who", "other", "third", "town", "city", *story.words}
    assert story.questions and story.distractors
    for sentence in (*story.parts, *story.distractors, *story.questions):
        assert not known & set(sentence.numbers)
        for text in sentence.texts:
            assert set(re.findall(r"\{(\w+)\}", text)) - known == set(sentence.numbers), text


def test_the_numbers_of_the_text_are_the_arguments_in_their_order() -> None:
    for world in WORLDS:
        assert digits_in(world["text"]) == [number["value"] for number in world["numbers"]]
        assert [float(text) for text in digits_in(world["text"])] == world["grading"]["cases"][0]["arguments"]


def test_stories_and_programs_are_many() -> None:
    used = Counter(world["story"] for world in WORLDS)
    bodies = {world["reference"]["solution.py"].split("\n", 1)[1] for world in WORLDS}
    assert len(used) >= 15 and max(used.values()) < 30
    assert len(bodies) > 100


@pytest.mark.parametrize("steps", [2, 4, 6])
def test_an_answer_takes_as_many_steps_as_wanted(steps: int) -> None:
    told = tell(random.Random(steps), steps, 1)
    used = [line for line in program(told, told.needed).splitlines() if re.fullmatch(r"    \w+ = n\d+", line)]
    assert len(used) == steps + 1
    assert len(told.order) > len(used), "no number is of no use"


def test_results_change_with_the_numbers() -> None:
    for world in WORLDS:
        results = [case["expected"] for case in world["grading"]["cases"]]
        assert len({round(result, 4) for result in results}) == len(results)
        shown = world["grading"]["cases"][0]
        assert not any(shown["expected"] == number for number in shown["arguments"])
        assert run(world["reference"]["solution.py"], shown["arguments"]) == shown["expected"]


def test_a_problem_worked_by_hand() -> None:
    """The text's own words, calculated without the program."""
    checked = 0
    for world in (make_world(random.Random(number), 2, 0) for number in range(150)):
        meeting = re.search(
            r"are (\d+) kilometres apart; one runs at (\d+) and the other at (\d+) kilometres", world["text"]
        )
        is_plain = "minutes before" not in world["text"] and "slower" not in world["text"]
        if meeting and is_plain and "do they meet?" in world["text"] and "How many hours" in world["text"]:
            apart, one, two = map(int, meeting.groups())
            assert world["grading"]["cases"][0]["expected"] == pytest.approx(apart / (one + two))
            checked += 1
        shares = re.search(r"win (\d+) euros.*ratio (\d+) to (\d+) to (\d+)", world["text"])
        if shares and not re.search("state|party|keep|more than", world["text"]):
            prize, first, second, third = map(int, shares.groups())
            expected = prize * second / (first + second + third)
            assert world["grading"]["cases"][0]["expected"] == pytest.approx(expected)
            checked += 1
    assert checked


async def test_the_shown_answer_alone_earns_nothing(bubblewrap: Backend) -> None:
    world = WORLDS[0]
    cases = world["grading"]["cases"][:3]
    data = {**world["grading"], "cases": cases, "output": "solution.py", "all_or_nothing": True}
    for source, reward in [(world["reference"], 1.0), *((decoy, 0.0) for decoy in world["decoys"])]:
        verdict = await grade_files("program", data, {"solution.py": source["solution.py"].encode()}, bubblewrap)
        assert verdict.error is None and verdict.reward == reward
