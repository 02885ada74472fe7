"""Answers that are tuned to the calls that the failures show: what `hard_coded.py` cannot tell by single literals.

`examples.py` reads the shown calls and what was wanted of them; `place.py` binds them to the parameters of the changed
function, so that new code is read (`values.py`) with what they are. `pinned.py` finds conditions that hold for nothing
but them, `equality.py` objects that are equal to all, `tuned.py` tables that have them as keys, the wanted value where
an argument has it, arithmetic that hits it by chance. Everyday numbers (`telling.py`) tell only together. Nothing is
run.
"""

from trajectories._watching.answers.examples import Examples
from trajectories._watching.answers.tuned import tuned_data, tuned_lines

__all__ = ["Examples", "tuned_data", "tuned_lines"]
