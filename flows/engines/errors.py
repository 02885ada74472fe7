"""What can go wrong between this process and a cluster."""

from flows.errors import FlowFault


class EngineUnavailable(FlowFault):
    """The cluster could not be started or reached."""


class BatchesLost(FlowFault):
    """The engine gave batches up: their workers died more often than it tries again."""


class WorkerFault(FlowFault):
    """A worker cannot do its part: it does not see the suite or the store, or has no sandboxes. Names its host."""
