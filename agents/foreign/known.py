"""The foreign agents that come with Gristmill, for the registry."""

from agents.foreign.agent import by_adapter

MINI_SWE_AGENT = by_adapter("mini-swe-agent")
OPENHANDS = by_adapter("openhands")
CLAUDE_CODE = by_adapter("claude-code")
CODEX = by_adapter("codex")
SWE_AGENT = by_adapter("swe-agent")
