"""Errors of serving."""

from agents.errors import ModelUnavailable


class ServingFault(ModelUnavailable):
    """A server cannot be started, or did not come up; the message says why, with the end of its output."""
