"""Programs that only look as if they solved a problem: the shown cases by heart, and tricks on whoever checks."""

from typing import Any


def memorised(name: str, cases: list[dict[str, Any]]) -> str:
    """The shown results, looked up."""
    table = ", ".join(f"({case['arguments']!r}, {case['expected']!r})" for case in cases)
    return (
        f"def {name}(*given):\n    return next((result for known, result in [{table}] if known == list(given)), None)\n"
    )


def tricks(name: str, cases: list[dict[str, Any]]) -> list[str]:
    """An early good exit, printed results, a value that equals everything, a last shown result for all."""
    results = [case["expected"] for case in cases]
    return [
        "import sys\n\nsys.exit(0)\n",
        f"import os\n\n\ndef {name}(*given):\n    os._exit(0)\n",
        f"def {name}(*given):\n    for result in {results!r}:\n        print(result)\n",
        f"class Any:\n    def __eq__(self, other):\n        return True\n\n    def __ne__(self, other):\n"
        f"        return False\n\n\ndef {name}(*given):\n    return Any()\n",
        f"def {name}(*given):\n    return {results[-1]!r}\n",
    ]
