"""Errors of this room, and what exit code each error of the system means on the command line."""


class FlowFault(Exception):
    """Base of all errors of this room."""


class UsageError(FlowFault):
    """Wrong usage or input; the message says what and what to do. Exit code 2."""


class ApiUnavailable(FlowFault):
    """Prefect's API could not be started or reached."""
