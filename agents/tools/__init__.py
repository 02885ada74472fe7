"""Tools: what an agent may call. One file, one class; most act through the task's sandbox only.

Users add theirs by the entry point group `gristmill.tools` (a Tool class, a plain function with type hints, or a source
of many tools) and by a file of `ToolsConfig`: docs/tools.md.
"""

from agents.tools.config import RetrieveConfig, ToolsConfig, read_tools_config
from agents.tools.function import FunctionTool
from agents.tools.identity import label, short_hash
from agents.tools.tool import Place, Tool
from agents.tools.toolbox import (
    BUILT_IN,
    Toolbox,
    ToolSource,
    check_tools,
    get_tools,
    is_known,
    known_tools,
    open_tools,
)

__all__ = [
    "BUILT_IN",
    "FunctionTool",
    "Place",
    "RetrieveConfig",
    "Tool",
    "ToolSource",
    "Toolbox",
    "ToolsConfig",
    "check_tools",
    "get_tools",
    "is_known",
    "known_tools",
    "label",
    "open_tools",
    "read_tools_config",
    "short_hash",
]
