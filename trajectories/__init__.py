"""What remains: trajectories in ATIF, the store, selection, exports.

Imports `tasks` and `environments`. SQLModel is known only here.
"""
