"""Runs inside the sandbox: pytest in a child, its results passed on by a supervisor that never ran tested code.

`tasks/testrun.py` sends the text of these files to `python -I -S -B -c BOOT` on stdin, followed by a
configuration and a nonce. Plain standard library and pytest, Python 3.9 and later; no other import.

Several processes, because the tested code shares its process with pytest:

    supervisor   the only one that holds the command's stdout and the nonce; watches time limits;
                 not dumpable, so that no process of its user can reach its memory or descriptors
    nursery      has pytest imported, and of the standard library what tests need, and nothing of the repository;
                 forks workers; never saw the nonce
    warm         (where asked for) has the repository's tests collected; forks runs with changed functions
    worker       imports the repository and runs tests; its records carry a MAC with a key of its own
                 and a running number. After it dies, the next one goes on with the tests that are left.
"""

# In the order in which they import each other.
MODULES = (
    "frames",
    "contexts",
    "fingerprint",
    "options",
    "lean",
    "places",
    "quick_sources",
    "imported",
    "reporter",
    "alone",
    "config_ahead",
    "stdlib_modules",
    "swap",
    "worker",
    "warm",
    "supervisor",
)
