"""pytest's configuration with its own plugins, made once by the process that workers are forked from.

That takes 7 ms, a tenth of a run of few tests, and nothing of it depends on the run: arguments, files of settings and
other plugins are read afterwards. For code of our own making: it changes a function of pytest.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

_DROPPED = ["no:cacheprovider"]  # plugins that no worker has


def takes_config_ahead() -> Callable[[], None]:
    """From now on, the first configuration of a process may be one made ahead; call the result to make it."""
    from _pytest import config

    make = config.get_config
    ahead: list[Any] = []

    def get_config(args: Any = None, plugins: Any = None, **others: Any) -> Any:
        """`others`: how newer pytests call themselves in what they say of wrong arguments."""
        if not ahead or args is None or [each for each in args if "no:" in each[:5]] != _DROPPED:
            return make(args, plugins, **others)  # tests of plugins make more of them
        ready = ahead.pop()
        ready.invocation_params = ready.InvocationParams(args=args, plugins=plugins, dir=Path.cwd())
        return ready

    def make_ahead() -> None:
        ahead.append(make(["-p", *_DROPPED]))

    config.get_config = get_config
    return make_ahead
