"""How often and in what order an agent acts: several attempts and a choice, sub-goals, a budget over sub-tasks.

`best_of_n`, `majority` and `subgoals` are pieces (agents/memory/piece.py); `allocation` is a search over settings.
"""
