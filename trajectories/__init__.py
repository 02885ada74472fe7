"""What remains: trajectories in ATIF, the store, selection, exports.

Imports `tasks` and `environments`. SQLModel is known only here. The doors: `trajectories.rollout.Rollout` is what
is stored, `trajectories.store.open_store` where, `trajectories.exports.export` what leaves.
"""
