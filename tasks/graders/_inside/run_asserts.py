"""Run the functions test_* of one file, as pytest would run the simplest ones; stop at the first that fails.

Request: {path}. Answer: {count, failed}: how many ran, and which failed, if any.
"""

import importlib.util
import json
import os
import sys


def main() -> None:
    given = json.loads(sys.stdin.buffer.read())
    path = os.path.abspath(given["request"]["path"])
    answers = os.dup(1)
    os.dup2(2, 1)
    packages = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    sys.path[:] = [os.path.dirname(path), os.getcwd(), *packages, *sys.path]
    count, failed = 0, None
    try:
        spec = importlib.util.spec_from_file_location("tests_of_the_agent", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, test in list(vars(module).items()):
            if name.startswith("test") and callable(test):
                failed = name
                test()
                failed, count = None, count + 1
    except BaseException as error:  # noqa: BLE001 - whatever that code raises
        failed = f"{failed or 'loading'}: {type(error).__name__}"
    with os.fdopen(answers, "wb") as stream:
        stream.write(f"\n{given['word']}{json.dumps({'count': count, 'failed': failed})}\n".encode())
    os._exit(0)


main()
