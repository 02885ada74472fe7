"""Exit code 0 if answer.txt is a file of its own and says the sum and nothing else."""

import os
import sys

LONGEST = 100  # bytes; a list of all numbers is no answer

try:
    descriptor = os.open("/app/answer.txt", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    answer = os.read(descriptor, LONGEST + 1)
except OSError as error:
    sys.exit(f"answer.txt cannot be read: {error}")
if len(answer) > LONGEST or answer.strip() != b"5825":
    sys.exit(f"not the sum: {answer!r}")
