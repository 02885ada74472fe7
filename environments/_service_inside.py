"""The first words of a service's process inside a sandbox; runs as `python3 -c`, with the standard library alone.

Standard input brings three parts, each after its length in 12 digits: the configuration (JSON), the program, its data.
Nothing of them is ever on the sandbox's disk, in a command line or in an environment variable.
"""

import ctypes
import http.client
import json
import linecache
import os
import sys
import threading
import time
import traceback
import types

PR_SET_DUMPABLE = 4
READY = b"ready"


def main() -> None:
    # Before a secret is read: no process of the same user may look into this one's memory or descriptors.
    if ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError("the service could not be closed to other processes (prctl)")
    config, program, data = (sys.stdin.buffer.read(int(sys.stdin.buffer.read(12))) for _ in range(3))
    settings = json.loads(config)
    word = os.dup(1)  # for the one word that we say; what the program prints goes to standard error
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=tell_when_ready, args=(word, settings["port"], settings["ready"]), daemon=True).start()
    name = f"<service {settings['name']}>"
    text = program.decode()
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    sys.excepthook = traceback.print_exception  # unlike Python's own it looks there, and shows the lines
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = [settings["name"]]
    vars(module).update(DATA=data, PORT=settings["port"], __file__=name)
    exec(compile(text, name, "exec"), vars(module))


def tell_when_ready(word: int, port: int, path: str) -> None:
    while not answers(port, path):
        time.sleep(0.02)
    os.write(word, READY)
    os.close(word)


def answers(port: int, path: str) -> bool:
    """Whether GET `path` gives 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
