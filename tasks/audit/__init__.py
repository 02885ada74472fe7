"""Can a task be solved without the work? The leak scan and the strength of verifiers.

The cheats are agents (`agents/cheats/`); `flows/audit.py` puts the three together.
"""
