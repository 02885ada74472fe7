"""Errors of this room; each message says what is wrong, where (file, field), and what to do."""


class TaskFault(Exception):
    """Base of all errors of this room."""


class BadTaskFolder(TaskFault):
    """A task folder or manifest cannot be read; the message names file and field."""


class BadInstance(TaskFault):
    """A row of a file of SWE-bench instances cannot be read; the message names line and field."""


class BadSource(TaskFault):
    """A source cannot be fetched, or has no tests that pass."""


class VerifierFault(TaskFault):
    """The verifier itself failed (infrastructure): the outcome is unknown, never reward 0."""


class BadContaminationList(TaskFault):
    """A list of benchmarks, or the files that one is made from, cannot be read; the message names file and field."""


class UnknownGenerator(TaskFault):
    """No generator of that name; the message lists those there are."""


class ModelNeeded(TaskFault):
    """A generator that asks a language model was given none; the message says what to give."""


class BadTemplate(BadSource):
    """A template cannot be read, or what it says cannot be done; the message names file, line and field."""
