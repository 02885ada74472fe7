"""Errors of pieces."""

from agents.errors import AgentFault, UnknownAgent


class BadPiece(UnknownAgent):
    """No piece of that name, or options that it does not have; the message lists those there are."""


class PieceFault(AgentFault):
    """A piece cannot do its work here; the message says what it needs."""
