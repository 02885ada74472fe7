"""What the batches of one flow share while they run in its process. Elsewhere there is nothing to share.

In a file of its own: a task that runs in another process is pickled with all that its function names, and a context
variable cannot be pickled.
"""

from contextvars import ContextVar

from flows.drain import Drain
from flows.model_limits import Gates
from flows.progress import Tally
from flows.slots import Slots

_tally: ContextVar[Tally] = ContextVar("gristmill_rollout_tally")
_slots: ContextVar[Slots] = ContextVar("gristmill_rollout_slots")
_drain: ContextVar[Drain] = ContextVar("gristmill_rollout_drain")
_gates: ContextVar[Gates] = ContextVar("gristmill_rollout_gates")


def share(tally: Tally, slots: Slots, drain: Drain, gates: Gates) -> None:
    """For the batches that this flow starts from here on, in threads."""
    _gates.set(gates)
    _tally.set(tally)
    _slots.set(slots)
    _drain.set(drain)


def shared_tally(total: int) -> Tally:
    """The flow's; in another process one of the batch's own, with `total` rollouts."""
    return _tally.get(None) or Tally("rollout", total=total)


def shared_slots() -> Slots | None:
    """The flow's; None in another process, where a batch has its own."""
    return _slots.get(None)


def shared_drain() -> Drain:
    """The flow's; in another process one that nobody begins: see flows/engines/notice.py."""
    return _drain.get(None) or Drain()


def shared_gates() -> Gates:
    """The flow's; in another process none: there a batch has its part of each limit (flows/model_limits.py)."""
    return _gates.get({})
