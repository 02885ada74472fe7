"""Commands in front of a command, which leave what it does as it is: `sudo`, `env NAME=VALUE`, `timeout 5`."""

import re
from collections.abc import Mapping

_WRAPPERS: Mapping[str, int] = {  # words after the options that belong to the wrapper
    **dict.fromkeys(("sudo", "nohup", "setsid", "time", "command", "exec", "stdbuf", "nice", "ionice", "doas"), 0),
    **dict.fromkeys(("builtin", "unbuffer", "strace", "catchsegv", "busybox", "watch"), 0),
    **dict.fromkeys(("timeout", "chroot", "flock", "taskset"), 1),
}
_NUMBERED = frozenset({"timeout", "nice", "ionice", "taskset"})  # options of these may have a number after them
_ENVIRONMENTS = frozenset({"uv", "poetry", "pipenv", "hatch", "pdm"})
MAX_WRAPPERS = 8


def unwrapped(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of the command itself."""
    for _ in range(MAX_WRAPPERS):
        name = words[0].rpartition("/")[2] if words else ""
        if name == "env":
            inner = _after_env(words[1:])
            if not inner:
                return words
            words = inner
        elif name in _ENVIRONMENTS and words[1:2] == ("run",):
            words = words[2:]
        elif name in _WRAPPERS:
            rest = list(words[1:])
            while rest and rest[0].startswith("-"):
                rest.pop(0)
            words = tuple(rest[_WRAPPERS[name] :])
            if name in _NUMBERED and words and re.fullmatch(r"[\d.]+[smh]?", words[0]):
                words = words[1:]
        else:
            break
    return words


def _after_env(words: tuple[str, ...]) -> tuple[str, ...]:
    rest = list(words)
    while rest and (rest[0].startswith("-") or "=" in rest[0]):
        if rest.pop(0) in ("-u", "-C", "-S") and rest:
            rest.pop(0)
    return tuple(rest)
