"""Programs that run inside a sandbox, by its own Python and with the standard library alone.

`agents/tools/shell.py` sends the text of these files to a `python3 -I -S -B -c BOOT` there. Python 3.9 and later.
"""

# In the order in which they import each other.
MODULES = ("kept", "processes", "pump", "shell")
