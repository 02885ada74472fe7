"""What `trajectories/attempts.py` stands on: shell and Python sources as acts, and what each act gives away.

Reading: `words.py` and `shell.py` split shell text, `commands.py` says what is done (`acts.py`), with `wrappers.py`,
`runners.py` (commands that run others), `testing.py`, `programs.py`, `network.py` and `printing.py`; `scripts.py` says
it of Python, which `trees.py` parses and `folding.py` folds; `diffs.py` reads the final diff.

Judging: `history.py`, `judging.py`, `tampering.py` by what the scene (`scene.py`) knows; `hard_coded.py`, `answers/`
and `switched_off.py` code that was written.

All of it is bounded in size and depth, for what is read here was written by an agent that may wish it were not.
"""
