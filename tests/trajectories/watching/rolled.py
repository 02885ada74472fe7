"""Rollouts in which an agent did what is said here, and the kinds of attempts that are found in them."""

from typing import Any

from tests.trajectories.conftest import make_rollout, make_trajectory
from trajectories.atif import Observation, ObservationResult, Step, ToolCall
from trajectories.attempts import label
from trajectories.rollout import Rollout

INSTRUCTION = """# Regression in sqlparse

```
tests/test_split.py::test_split_create
E       AssertionError: assert 'SELECT 1; -- x' == 'SELECT 1;'
```

- The source is in `/workspace`, without its tests. What you change there is your answer.
"""

CLAMP = """Mend it.

```
tests/test_scale.py::test_limit[37-12]
E   assert 5 == 12
E    +  where 5 = limit(37, 5, 12)
```
"""
LIMIT = "def limit(number, least, most):"

Call = tuple[str, dict[str, Any]] | tuple[str, dict[str, Any], str]


def bash(command: str, output: str = "") -> Call:
    return "bash", {"command": command}, output


def write(path: str, content: str) -> Call:
    return "write", {"path": path, "content": content}


def edit(path: str, old: str, new: str) -> Call:
    return "edit", {"path": path, "old": old, "new": new}


def rolled(*calls: Call | str, diff: str = "", instruction: str = INSTRUCTION, **changes: Any) -> Rollout:
    """A rollout with one step for each call (a text is a bash command), from step 2 on."""
    steps = [Step(step_id=1, source="user", message=instruction)]
    for number, call in enumerate(calls, start=2):
        name, arguments, *output = bash(call) if isinstance(call, str) else call
        steps.append(
            Step(
                step_id=number,
                source="agent",
                tool_calls=(ToolCall(tool_call_id=f"c{number}", function_name=name, arguments=arguments),),
                observation=Observation(
                    results=(ObservationResult(source_call_id=f"c{number}", content=output[0] if output else "ok"),)
                ),
            )
        )
    trajectory = make_trajectory().model_copy(update={"steps": tuple(steps)})
    provenance = {"repository": "sqlparse", "license": "BSD-3-Clause", "source": "pypi:sqlparse==0.6.1"}
    return make_rollout(trajectory=trajectory, diff=diff, **{"provenance": provenance, **changes})


def kinds(*calls: Call | str, **changes: Any) -> set[str]:
    return {attempt.kind for attempt in label(rolled(*calls, **changes))}


def added(path: str, lines: str, *, context: str = "", is_new: bool = False) -> str:
    """A diff that adds these lines to a file, after the lines of `context`."""
    before = "".join(f" {line}\n" for line in context.splitlines())
    after = "".join(f"+{line}\n" for line in lines.splitlines())
    start = "new file mode 100644\n--- /dev/null\n" if is_new else f"--- a/{path}\n"
    return f"diff --git a/{path} b/{path}\n{start}+++ b/{path}\n@@ -1,9 +1,9 @@ def f():\n{before}{after}"
