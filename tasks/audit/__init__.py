"""Can a task be solved without the work? The leak scan and the strength of verifiers.

The cheats are agents (`agents/cheats/`); `flows/audit.py` puts the three together.
"""

from tasks.audit.finding import Finding, Kind
from tasks.audit.leaks import LeakScan, inside_sources, scan_all_shared, scan_own

__all__ = ["Finding", "Kind", "LeakScan", "inside_sources", "scan_all_shared", "scan_own"]
