"""Foreign code with a wrong escape is parsed without a word on stderr; our own would still be told of."""

import subprocess
import sys

import pytest

PARSES = """
import ast, threading
from flows.quiet import foreign_code_is_not_warned_of
{call}
text = 'pattern = "\\\\d"'
reading = threading.Thread(target=ast.parse, args=(text,))
reading.start(); reading.join()
ast.literal_eval('"\\\\d"')
compile(text, "ours.py", "exec")
"""


@pytest.mark.parametrize("call", ["foreign_code_is_not_warned_of()", ""], ids=["quiet", "as Python does it"])
def test_only_what_is_parsed_from_a_text_is_quiet(call: str) -> None:
    # Before 3.12 Python shows it only when it is asked to.
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", PARSES.format(call=call)], capture_output=True, text=True, check=True
    )
    told = [line for line in done.stderr.splitlines() if "invalid escape sequence" in line]
    assert [line.partition(":")[0] for line in told] == ["<unknown>"] * (0 if call else 2) + ["ours.py"]
