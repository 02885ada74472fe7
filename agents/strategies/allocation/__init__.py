"""Which agent and how many samples for each sub-task under one budget (AgentTTS, Wang et al., 2025).

`space.py`: what may be chosen. `search.py`: guided by feedback, at random, by a grid. `evaluation.py`: what an
allocation comes to, on recorded outcomes or by real rollouts.
"""
