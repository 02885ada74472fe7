"""What a caller of an environment can do wrong, and what he must be told."""

from agents.errors import AgentFault


class NoRollout(AgentFault):
    """A step without a rollout under way: nothing was reset, or the rollout is over."""


class BadTask(AgentFault):
    """A reset names a task that the suite does not have, or none can be chosen."""


class BadAction(AgentFault):
    """A message or an action has not the shape that the protocol asks for; the message names the field."""


class NoSession(AgentFault):
    """No session has this id: it ended, was idle for too long, or never was."""


class SessionEnded(AgentFault):
    """The session was ended while a request of it was under way."""


class SessionsFull(AgentFault):
    """Every session that the server may hold is in use."""
