"""Errors of this room; each message is for the person who must act."""


class EnvironmentFault(Exception):
    """Base of all errors of this room: the infrastructure failed, never the agent or its answer."""


class BackendUnavailable(EnvironmentFault):
    """A backend cannot run here; the message names what is missing and the command that installs it."""


class DaemonAway(EnvironmentFault):
    """Nobody listens where the daemon was: it is down, or being restarted."""


class BackendAway(BackendUnavailable):
    """A backend that was there has gone (its daemon is down), and did not come back while it was waited for."""


class UnsupportedSpec(EnvironmentFault):
    """This backend cannot provide what the spec asks for; the message names a backend that can."""


class SandboxGone(EnvironmentFault):
    """The sandbox was stopped, killed or lost while it was in use."""


class EnvironmentBuildFailed(EnvironmentFault):
    """An environment or image could not be built; the message carries the end of the build's output."""


class BadDiff(EnvironmentFault, ValueError):
    """A diff does not apply, or names a path outside the working directory."""
