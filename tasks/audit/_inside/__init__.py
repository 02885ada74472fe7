"""Runs inside a sandbox: finds all that an agent could read there, and looks for what it must not.

`tasks/audit/leaks.py` sends the text of these files to a `python3 -I -S -B -c` of the sandbox. Plain standard
library, Python 3.7 and later; no other import. The thief (`agents/cheats/thief.py`) looks at the same places.
"""

# In the order in which they import each other.
MODULES = ("git_store", "places", "search")
