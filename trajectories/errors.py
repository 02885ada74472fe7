"""Errors of this room."""


class StoreFault(Exception):
    """Base of all errors of this room."""


class StoreFull(StoreFault):
    """The disk of the store is full; the message names the path and the free bytes."""


class StoreAway(StoreFault):
    """The store's database could not be reached for as long as it was to be waited for."""


class BadFilter(StoreFault):
    """A filter expression cannot be read; the message names the word and lists the columns."""


class NotInStore(StoreFault):
    """Nothing of that id is in the store."""


class CorruptBlob(StoreFault):
    """A body is missing or its contents do not match its name; the message names rollout and path."""


class NewerSchema(StoreFault):
    """The store was written by a newer Gristmill; the message says which schema it has."""


class BadExport(StoreFault):
    """An export cannot be made as asked; the message says what to change."""


class PushFailed(StoreFault):
    """The hub did not take an export; the message has what it answered, and the command that pushes it again."""


class BadSelection(StoreFault):
    """A recipe of selectors cannot be read, or carried out as asked; the message says where and what to change."""


class BadMark(StoreFault):
    """What a person says of a task or rollout cannot be kept; the message says what to change."""


class BadDataset(StoreFault):
    """A dataset of that name or version is not there, or is there already."""


class BadQuestion(StoreFault):
    """A question about an agent cannot be read, or not be asked of this suite; the message gives examples."""


class BadQuery(StoreFault):
    """An SQL query cannot be carried out; the message gives what DuckDB said, and the tables."""


class BadImport(StoreFault):
    """A trajectory of somebody else's cannot be read; the message names the file and what is wrong with it."""


class BadBackup(StoreFault):
    """A backup cannot be written there, or what lies there is no whole backup."""
