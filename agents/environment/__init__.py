"""Our tasks as an environment for reinforcement learning: `reset`, `step`, a reward from the real verifier.

`TaskEnvironment` is one rollout at a time, in this process; `SyncTaskEnvironment` the same without `await`;
`TrlEnvironment` is what TRL's GRPOTrainer makes by its `environment_factory`; `create_app` serves sessions over
HTTP and WebSocket in OpenEnv's protocol. See docs/rl.md.
"""

from agents.environment.errors import BadAction, BadTask, NoRollout, NoSession, SessionEnded, SessionsFull
from agents.environment.sync import SyncTaskEnvironment
from agents.environment.task_environment import Start, Step, TaskEnvironment, Tasks
from agents.environment.trl import TrlEnvironment, TrlShellEnvironment, training_rows

__all__ = [
    "BadAction",
    "BadTask",
    "NoRollout",
    "NoSession",
    "SessionEnded",
    "SessionsFull",
    "Start",
    "Step",
    "SyncTaskEnvironment",
    "TaskEnvironment",
    "Tasks",
    "TrlEnvironment",
    "TrlShellEnvironment",
    "training_rows",
]
