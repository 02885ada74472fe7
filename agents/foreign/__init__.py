"""Agents of others that are commands: run inside the sandbox, talking to their model through a proxy of ours.

A known one is a YAML file in `adapters/`; a user's own is one anywhere (docs/foreign_agents.md).
"""

from agents.foreign.adapter import Adapter, adapter_names, read_adapter
from agents.foreign.agent import ForeignAgent

__all__ = ["Adapter", "ForeignAgent", "adapter_names", "read_adapter"]
