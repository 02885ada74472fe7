"""A small real MCP server: `python mcp_server.py` on standard input and output, `python mcp_server.py PORT` on HTTP."""

import sys
from typing import Literal

from mcp.server.fastmcp import FastMCP

server = FastMCP("small", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
calls = 0


@server.tool()
def convert(amount: float, to: Literal["EUR", "USD"]) -> str:
    """Convert an amount of pounds."""
    if amount < 0:
        raise ValueError("an amount cannot be negative")
    return f"{amount * 2:g} {to}"


@server.tool(name="count calls")
def count_calls() -> int:
    """How often this was called."""
    global calls
    calls += 1
    return calls


if __name__ == "__main__":
    server.run("streamable-http" if len(sys.argv) > 1 else "stdio")
