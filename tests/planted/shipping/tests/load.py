"""An agent's `shipping`, made so that calling it can compute and do nothing else.

No imports, no attributes, no classes and only these builtins: with them, code reaches no file and no process,
and so neither the tests nor the reward. It may run in the process that judges.
"""

import ast
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

BUILTINS = (abs, all, any, bool, dict, divmod, enumerate, float, int, isinstance, len, list, map, max, min, pow, range)
BUILTINS += (reversed, round, set, sorted, str, sum, tuple, zip, ValueError, TypeError)
REFUSED = (ast.Import, ast.ImportFrom, ast.Attribute, ast.ClassDef, ast.Match, ast.Global, ast.Nonlocal)
LONGEST = 100_000
SECONDS = 20


def load_shipping(path: Path = Path("/app/shipping.py")) -> Callable[[int, str], object]:
    signal.alarm(SECONDS)
    info = path.lstat()
    if not stat.S_ISREG(info.st_mode) or info.st_size > LONGEST:
        sys.exit(f"{path} is a link or too long")
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, REFUSED) or (isinstance(node, ast.Name) and node.id.startswith("__")):
            sys.exit(f"{path}:{getattr(node, 'lineno', 0)}: {type(node).__name__} is not for a plain function")
    names: dict[str, object] = {"__builtins__": {each.__name__: each for each in BUILTINS}}
    exec(compile(tree, "shipping.py", "exec"), names)
    return names["shipping"]  # type: ignore[return-value]
