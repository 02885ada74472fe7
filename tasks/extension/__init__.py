"""Extension: verified tasks grow into harder ones, by depth, width or chain (TaskCraft, Chain-of-Instructions).

    result = await extend(suite, backend, by="depth", levels=3, out=folder, n=60, seed=0, cache=cache, jobs=2)

What goes together is decided by types and values that the tasks state; docs/extension.md has the rules.
"""

from tasks.extension.extend import ExtendResult, extend
from tasks.extension.plan import WAYS

__all__ = ["WAYS", "ExtendResult", "extend"]
