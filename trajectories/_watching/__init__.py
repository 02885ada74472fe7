"""What `trajectories/attempts.py` stands on: shell and Python sources as acts, and what each act gives away.

`shell.py` and `source.py` read, `commands.py` and `scripts.py` say what is done (acts), `rules.py` judges acts by
what the scene (`scene.py`) knows, `hard_coded.py`, `answers.py` and `switched_off.py` judge
code that was written. All of it is
bounded in size and depth, for what is read here was written by an agent that may wish it were not.
"""
