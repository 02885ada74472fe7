"""Refactors in the manner of RefactorBench: across files, checked by a readable test file that the task carries.

One small file a kind (rename, move, …); `generator.py` puts them together. Only symbols of which the analysis is sure
are touched: every place that the name stands at is resolved, in code and in tests.
"""

from tasks.generators.refactor.generator import Refactor

__all__ = ["Refactor"]
