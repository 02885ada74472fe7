"""Serving models: servers of OpenAI's API as child processes, waited for, watched, and started again if they die.

One file a kind of server; others by the entry point group `gristmill.servers` (see server.py).
"""

from agents.serving.config import ServeConfig
from agents.serving.fleet import Fleet, served
from agents.serving.registry import get_server, kind_of, server_kinds
from agents.serving.server import Server

__all__ = ["Fleet", "ServeConfig", "Server", "get_server", "kind_of", "served", "server_kinds"]
