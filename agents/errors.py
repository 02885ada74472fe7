"""Errors of this room."""


class AgentFault(Exception):
    """Base of all errors of this room."""


class ModelUnavailable(AgentFault):
    """The model's endpoint cannot be reached or keeps failing; the message names URL and last answer."""


class UnknownAgent(AgentFault):
    """No agent of that name; the message lists those there are."""
