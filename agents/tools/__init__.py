"""Tools: what an agent may call. Each acts through the task's sandbox only; one file, one class, one entry.

Users add theirs by the entry point group `gristmill.tools`.
"""

from collections.abc import Sequence
from importlib.metadata import entry_points

from agents.errors import AgentFault
from agents.tools.bash import Bash
from agents.tools.edit import Edit
from agents.tools.read import Read
from agents.tools.run_tests import RunTests
from agents.tools.search import Search
from agents.tools.submit import Submit
from agents.tools.tool import Tool
from agents.tools.write import Write

BUILT_IN: tuple[type[Tool], ...] = (Bash, Read, Write, Edit, Search, RunTests, Submit)


def get_tools(names: Sequence[str] = ()) -> dict[str, Tool]:
    """Fresh tools for one rollout by name; no names: all that come with Gristmill. Raises AgentFault."""
    known: dict[str, type[Tool]] = {tool.name: tool for tool in BUILT_IN}
    for entry in entry_points(group="gristmill.tools"):
        known[entry.name] = entry.load()
    for name in names:
        if name not in known:
            raise AgentFault(
                f"the task allows a tool {name!r} that is not there; there are: {', '.join(sorted(known))}"
            )
    return {name: known[name]() for name in names or [tool.name for tool in BUILT_IN]}
