"""The families that ship with Gristmill: a folder each, with templates and the Python that makes their worlds."""
