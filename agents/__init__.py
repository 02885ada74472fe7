"""Who acts: the Agent protocol, tools, models and their serving.

Imports `trajectories` (the ATIF shape), `tasks` and `environments`. LangChain is known only here.
"""
