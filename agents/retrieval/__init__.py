"""Finding the few tools that a request needs among hundreds (TPTU-v2, Kong et al. 2023; CRAFT, Yuan et al. 2023).

`ranking.py`: the protocol; `bm25.py`, `embedding.py`, `fusion.py`: three ways; `retriever.py`: tools by request;
`demonstrations.py`: what tells look-alikes apart; `find_tools.py`: both as tools of a rollout.
"""
