"""What comes after the task's text is read last, and small models go by what they read last: so the task once more."""

from agents.memory.tokens import count_tokens

MOST = 300  # tokens of a task that is said again; a longer one is not what is forgotten
AGAIN = "The task again, which is yours to do now:"


def reminded(text: str, instruction: str) -> str:
    """`text` with the task below it, where the task is short; nothing stays nothing."""
    if not text or count_tokens(instruction) > MOST:
        return text
    return f"{text}\n\n{AGAIN}\n{instruction.strip()}"
