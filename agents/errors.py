"""Errors of this room."""


class AgentFault(Exception):
    """Base of all errors of this room."""


class ModelUnavailable(AgentFault):
    """The model's endpoint cannot be reached or keeps failing; the message names URL and last answer."""


class ModelAway(ModelUnavailable):
    """No server of the model could be connected to for as long as one is waited for: the infrastructure's fault."""


class UnknownAgent(AgentFault):
    """No agent of that name; the message lists those there are."""
