"""Programs that run inside a sandbox, by its own Python (3.9 and later) and with what is built into it alone.

`agents/tools/_program.py` sends them. What an ordinary program imports first (os, signal, json, re, typing) takes
13 ms, longer than all that these do in a short rollout. So they use the modules below those.
"""

# In the order in which they import each other.
MODULES = ("kept", "processes", "pump", "shell")
