"""Errors of training."""

from agents.errors import AgentFault


class TrainingFault(AgentFault):
    """Training cannot be done, or failed; the message says what to do."""
