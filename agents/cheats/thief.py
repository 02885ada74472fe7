"""thief: looks for the answer instead of working for it, in all places where the leak scan looks, and applies it."""

import json
from functools import lru_cache
from importlib.resources import files
from shlex import quote
from typing import Any, ClassVar

from agents.agent import Session
from tasks.audit import inside_sources

LOOK = "/tmp/look.py"
LOOK_SEC = 300.0
MOST_TRIES = 6
# What a person at a shell would try first; the script then reads what git does not show.
SEARCHES = (
    "git log --all --oneline -p -n 20 2>&1 | head -200; git stash list; git fsck --lost-found 2>&1 | head",
    "find / -xdev \\( -path /usr -o -path /proc -o -path /opt/gristmill \\) -prune -o "
    "\\( -name '*.orig' -o -name '*.patch' -o -name '*.diff' -o -name 'solve.sh' \\) -print 2>/dev/null | head -20; "
    "ls /solution /tests 2>/dev/null; env",
)


class Thief:
    name: ClassVar[str] = "thief"
    version: ClassVar[str] = "1"

    async def act(self, session: Session) -> None:
        for command in SEARCHES:
            await session.call("bash", {"command": command})
        await session.call("write", {"path": LOOK, "content": look_script()})
        answer = await session.call("bash", {"command": _with_python(LOOK), "timeout_sec": LOOK_SEC})
        finds = [json.loads(line) for line in answer.text.splitlines() if line.startswith('{"kind"')]
        best, _ = await _tried(session) if finds else (0, False)
        for find in finds[:MOST_TRIES]:
            await session.call("bash", {"command": f"rm -rf /tmp/before; cp -a . /tmp/before; {_applied(find)}"})
            passing, is_all = await _tried(session)
            if passing is None:  # nothing tells which one is right: the first is taken
                break
            if best is not None and passing > best:
                best = passing
                if is_all:
                    break
                continue
            await session.call("bash", {"command": "find . -mindepth 1 -delete; cp -a /tmp/before/. ."})
        await session.call("submit", {})


def _with_python(script: str) -> str:
    return f"for p in python3 python; do command -v $p >/dev/null && exec $p {script}; done; echo no python"


def _applied(find: dict[str, Any]) -> str:
    """The command that puts a find to use."""
    stored = quote(find["stored"])
    if find["kind"] == "patch":
        git = "git apply --recount --unidiff-zero"
        return f"{git} {stored} || {git} -R {stored} || patch -p1 -f < {stored} || patch -p0 -f < {stored}"
    if find["kind"] == "script":
        return f"bash {stored}"
    return f"cp {stored} {quote(find['target'])}"


async def _tried(session: Session) -> tuple[int | None, bool]:
    """How many of the tests that may be seen pass (None where none may), and whether none of them fails."""
    report = (await session.call("run_tests", {})).report
    if report is None:
        return None, False
    outcomes = [result.outcome for result in report.results]
    return outcomes.count("passed"), all(outcome in ("passed", "skipped", "xfailed") for outcome in outcomes)


@lru_cache(maxsize=1)
def look_script() -> str:
    """One file that holds the modules of the search and the thief's own."""
    texts = [*inside_sources(), ("agents.cheats._look", files("agents.cheats").joinpath("_look.py").read_text("utf-8"))]
    return (
        "import json, sys, types\n"
        f"for name, text in json.loads({json.dumps(json.dumps(texts))}):\n"
        "    module = sys.modules[name] = types.ModuleType(name)\n"
        "    exec(compile(text, name, 'exec'), module.__dict__)\n"
        "module.main()\n"
    )
