"""What an agent remembers and how it goes about its work: small pieces that can be switched on for any agent.

`agents.memory.pieces.compose("react+workflows+edit_state")` makes an agent with pieces; a piece is one class
(`piece.py`) and one entry in `pieces.py`, or an entry point of the group `gristmill.pieces`. Pieces that carry text
from earlier rollouts or calls lie here, those that decide how often and in what order to act in `agents/strategies`.
"""
