"""What Python has to say of code that is not ours, and that we only read, is no concern of who runs a command.

Repositories and agents write `"\\d"` where they mean `r"\\d"`; whoever parses that gets a warning on stderr (a
SyntaxWarning since Python 3.12). Set once for the process: `warnings.catch_warnings` is not for threads.
"""

import re
import warnings

UNNAMED = "<unknown>"
"""The file of code that is parsed from a text (`ast.parse`, `ast.literal_eval`): never of a module that is imported."""


def foreign_code_is_not_warned_of() -> None:
    """From now on in this process. Warnings of modules that are imported come as ever."""
    for category in (SyntaxWarning, DeprecationWarning):
        warnings.filterwarnings("ignore", category=category, module=re.escape(UNNAMED) + r"\Z")
