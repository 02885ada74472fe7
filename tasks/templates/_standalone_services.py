"""Starts a task's services where there is no Gristmill, waits for them, then runs the given command."""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
_RUN = "exec(compile(open(PROGRAM, encoding='utf-8').read(), PROGRAM, 'exec'))"


def main(command: list[str]) -> None:
    services = json.loads((HERE / "services.json").read_text(encoding="utf-8"))
    for service in services:
        program = HERE / "services" / f"{service['name']}.py"
        data = program.with_suffix(".data")
        given = f"PROGRAM = {str(program)!r}; PORT = {service['port']}; DATA = open({str(data)!r}, 'rb').read(); "
        if os.fork() == 0:
            os.setsid()
            os.execv(sys.executable, [sys.executable, "-c", given + _RUN])
    for service in services:
        wait(f"http://127.0.0.1:{service['port']}{service['ready']}")
    if command:
        os.execvp(command[0], command)


def wait(url: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    sys.exit(f"{url} does not answer")


if __name__ == "__main__":
    main(sys.argv[1:])
