"""The task once more below what memory tells: where it is short, and where anything is told."""

from agents.memory.reminder import AGAIN, reminded


def test_a_short_task_is_said_again_and_a_long_one_is_not() -> None:
    assert reminded("Ways that worked: …", "Write the word.\n") == f"Ways that worked: …\n\n{AGAIN}\nWrite the word."
    assert reminded("Ways that worked: …", "word " * 1000) == "Ways that worked: …"
    assert reminded("", "Write the word.") == "", "nothing is told, so nothing is to be recalled"
