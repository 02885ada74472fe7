"""Spectrum-based fault localisation: which lines do failing tests execute that passing tests do not?"""

from collections import defaultdict
from collections.abc import Mapping
from math import sqrt

from tasks.testrun import TestReport

Line = tuple[str, int]


def suspicious_lines(report: TestReport) -> Mapping[Line, float]:
    """(path, line) -> Ochiai coefficient in 0…1, for every line that a failing test executes.

    Ochiai for fault localisation: Abreu, Zoeteweij, van Gemund (2007). failed(l) / sqrt(F * (failed(l) + passed(l))).
    Lines that run at import belong to no test and are left out.
    """
    failed: dict[Line, int] = defaultdict(int)
    passed: dict[Line, int] = defaultdict(int)
    failures = 0
    for result in report.results:
        is_failure = result.outcome in ("failed", "error")
        failures += is_failure
        counts = failed if is_failure else passed
        if is_failure or result.outcome == "passed":
            for path, lines in result.lines.items():
                for line in lines:
                    counts[path, line] += 1
    return {line: count / sqrt(failures * (count + passed[line])) for line, count in failed.items()}


def blamed_lines(report: TestReport) -> set[Line]:
    """Lines that the tracebacks of failing tests name (`path:line: Error`)."""
    found: set[Line] = set()
    for result in report.results:
        if result.outcome not in ("failed", "error"):
            continue
        for text in result.longrepr.splitlines():
            path, _, rest = text.partition(":")
            number = rest.partition(":")[0]
            if path.endswith(".py") and number.isdigit():
                found.add((path, int(number)))
    return found
