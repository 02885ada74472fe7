"""What an agent costs beside its model: see _agents_overhead.py. Run: python benchmarks/agents.py [--json]

Python puts this folder first on the path of the scripts in it, where this file would hide the package `agents`. So it
takes the folder off, and where another script imported it by mistake, it gives it the package.
"""

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:] = [each for each in sys.path if Path(each or ".").resolve() != HERE]

if __name__ == "__main__":
    from runpy import run_path

    run_path(str(HERE / "_agents_overhead.py"), run_name="__main__")
else:
    del sys.modules[__name__]
    sys.modules[__name__] = import_module(__name__)
